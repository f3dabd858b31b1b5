package vault

import (
	"context"
	"fmt"
	"regexp"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
)

// Request asks to see a sealed value.
type Request struct {
	platform.Place                 // without a subject, it is whose key sealed the value
	Sealed         platform.Sealed // as it stands in the record
	Purpose        string          // a code, as the policy knows it
	Reason         string          // a code, as it stands in the event
}

// code is a purpose or a reason: no text of somebody's own gets into the log.
var code = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,63}$`)

// revealed is what the event tells.
type revealed struct {
	Subject platform.Ref `json:"subject"`
	Field   string       `json:"field"`
	Purpose string       `json:"purpose"`
	View    string       `json:"view"`
}

// Reveal is the plain value, or the part of it that the actor's view shows, and
// the id of the event vault.revealed, which is its receipt. The event is committed
// first, with what the guard and the law want in its set (one use less of an
// exception, a consent that still stands), so that no plain value leaves without
// its event: each call has an event of its own, whatever the caller's key, and a
// commit that fails, or of which nobody knows, gives nothing.
//
// It fails as the guard does, with ErrShredded for a subject that was erased, with
// ErrEnvelope for a value that was sealed elsewhere, and with ErrKEK while the keys
// cannot be had. A vault without guard reveals nothing.
func (v *Vault) Reveal(ctx context.Context, in Request) (Plain, platform.ID, error) {
	plain, receipt, err := v.reveal(platform.WithoutKey(ctx), in)
	if err != nil {
		return Plain{}, "", fmt.Errorf("reveal %s of %s: %w", in.Field, in.Record, err)
	}
	return plain, receipt, nil
}

func (v *Vault) reveal(ctx context.Context, in Request) (none Plain, _ platform.ID, _ error) {
	if err := in.fault(); err != nil {
		return none, "", err
	}
	id, err := parse(in.Sealed)
	if err != nil {
		return none, "", err
	}
	r, err := v.sealedBy(ctx, id)
	if err != nil {
		return none, "", err
	}
	k, err := decoded(r)
	if err != nil {
		return none, "", err
	}
	if in.Subject == (platform.Ref{}) {
		in.Subject = k.Subject
	}
	about, err := v.bound(in.Place)
	if err != nil {
		return none, "", err
	}
	if _, err := v.open(ctx, id, r); err != nil { // no receipt for what cannot be had
		return none, "", err
	}
	view, receipt, err := v.permitted(ctx, in)
	if err != nil {
		return none, "", err
	}
	if r, err = v.sealedBy(ctx, id); err != nil { // it may be shredded by now
		return none, "", err
	}
	aead, err := v.open(ctx, id, r)
	if err != nil {
		return none, "", err
	}
	plain, err := unseal(aead, in.Sealed, about)
	if err != nil {
		return none, "", err
	}
	return Conceal(security.Mask(view, string(plain), v.cut("mask "+in.Field))), receipt, nil
}

// Opens tells whether a sealed value opens at its place, without a subject that of
// its key, and whose it is. It shows nothing of the value, and so leaves no event.
// It fails as Reveal does.
func (v *Vault) Opens(ctx context.Context, at platform.Place, sealed platform.Sealed) (subject platform.Ref, err error) {
	id, err := parse(sealed)
	if err != nil {
		return subject, err
	}
	r, err := v.sealedBy(ctx, id)
	if err != nil {
		return subject, err
	}
	k, err := decoded(r)
	if err != nil {
		return k.Subject, err
	}
	if at.Subject == (platform.Ref{}) {
		at.Subject = k.Subject
	}
	about, err := v.bound(at)
	if err != nil {
		return k.Subject, err
	}
	aead, err := v.open(ctx, id, r)
	if err != nil {
		return k.Subject, err
	}
	plain, err := unseal(aead, sealed, about)
	clear(plain)
	return k.Subject, err
}

// fault is what is missing in a request.
func (in Request) fault() error {
	switch {
	case in.Record == (platform.Ref{}) || in.Field == "":
		return errMissing
	case !code.MatchString(in.Purpose):
		return platform.Wrong("purpose", errCode)
	case !code.MatchString(in.Reason):
		return platform.Wrong("reason", errCode)
	}
	return nil
}

// sealedBy reads the record of an envelope's key.
func (v *Vault) sealedBy(ctx context.Context, id keyID) (platform.Record, error) {
	r, err := v.look(ctx, id)
	if missing(err) {
		err = ErrEnvelope
	}
	return r, err
}

// reveal is the command, as the log of what was refused names it.
type reveal struct{}

// permitted asks guard and law inside the decision, and commits what they want
// together with the event.
func (v *Vault) permitted(ctx context.Context, in Request) (view string, receipt platform.ID, err error) {
	if v.w.Guard == nil {
		return "", "", errNoGuard
	}
	actor, err := v.w.Actor(ctx)
	if err != nil {
		return "", "", err
	}
	act := platform.Act{Actor: actor, Action: "vault.reveal", On: in.Record, Field: in.Field, Purpose: in.Purpose, Reason: in.Reason}
	seen := &noting{Committer: v.w.Store}
	w := v.w
	w.Store, w.Guard = seen, nil
	_, err = platform.Update(ctx, w, reveal{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		changes, err := v.w.Guard.Permit(ctx, act)
		if err != nil {
			return struct{}{}, changes, err
		}
		if view, err = v.view(ctx, act); err != nil { // after the guard, whose pins hold still what it rests on
			return struct{}{}, nil, err
		}
		if v.o.Lawful != nil {
			lawful, err := v.o.Lawful.Lawful(ctx, in.Subject, in.Purpose)
			if err != nil {
				return struct{}{}, lawful, err
			}
			changes = append(changes, lawful...)
		}
		event := platform.Happened("vault.revealed", in.Record, revealed{in.Subject, in.Field, in.Purpose, view})
		return struct{}{}, append(changes, event.Because(in.Reason)), nil
	})
	return view, seen.receipt, err
}

func (v *Vault) view(ctx context.Context, act platform.Act) (string, error) {
	if v.o.Viewer == nil {
		return security.Full, nil
	}
	view, err := v.o.Viewer.View(ctx, act)
	if err == nil && view == security.None {
		err = errHidden
	}
	return view, err
}

// noting keeps the id that the event got.
type noting struct {
	platform.Committer
	receipt platform.ID
}

// Commit implements [platform.Committer].
func (n *noting) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	for _, c := range set.Changes {
		if e, ok := c.Value.(platform.Event); ok && e.Type == "vault.revealed" {
			n.receipt = e.ID
		}
	}
	return n.Committer.Commit(ctx, set)
}
