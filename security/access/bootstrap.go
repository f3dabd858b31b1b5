package access

import (
	"context"
	"fmt"
	"strings"

	"github.com/liangding/platform"
)

// Bootstrap gives each account the roles when nobody has any, and nobody could put
// one in force.
type Bootstrap struct {
	Accounts []platform.ID `json:"accounts" validate:"required,min=1,max=10,unique,dive,required,text=64"` // two at least, if there are to be others
	Roles    []string      `json:"roles" validate:"required,min=1,max=10,unique,dive,required,text=64"`
}

// Bootstrap puts the first grants of a fresh system in force. Only the system
// may, and it fails with ErrBegun once anybody holds one. When all have ended, it
// is the way back in.
func (s *Service) Bootstrap(ctx context.Context, in Bootstrap) ([]Grant, error) {
	if _, err := s.expire(platform.WithoutKey(ctx), s.w.Now(), 0); err != nil { // no tick may have run for long
		return nil, err
	}
	ids := make([]platform.ID, len(in.Accounts)*len(in.Roles))
	for i := range ids {
		ids[i] = s.w.NewRoot(ctx, "grt")
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (all []Grant, changes []platform.Change, err error) {
		for held, err := range s.grants(ctx, Active) {
			if err != nil {
				return nil, nil, err
			}
			if held.inForce(s.w.Now()) {
				return nil, nil, fmt.Errorf("bootstrap %s: %w", strings.Join(in.Roles, ", "), ErrBegun)
			}
		}
		for i, id := range ids {
			account, role := in.Accounts[i/len(in.Roles)], in.Roles[i%len(in.Roles)]
			g, set, err := s.give(ctx, Grant{Head: platform.Head{ID: id}, Account: account, Role: role, Reason: "bootstrap", First: i == 0}, "bootstrap")
			if err != nil {
				return nil, nil, err
			}
			all, changes = append(all, g), append(changes, set...)
		}
		now, err := s.current(ctx, true)
		if err != nil {
			return nil, nil, err
		}
		if first := now.edition; first.Version == 0 { // from now on there is an epoch to rest on
			first.ID, first.By, first.At = policyRef.ID, all[0].GivenBy, s.w.Now()
			changes = append(changes, platform.Put(first))
		}
		return all, changes, nil
	})
}
