package settlement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// extended lets the windows of statements go on in which nothing was booked.
type extended struct {
	Statements []platform.ID `json:"statements"`
}

// extend does so for all that are due, a page in one set: in a week most parties
// of a large market sell nothing. One of them moved meanwhile, it is left to its
// own cut.
func (s *Service) extend(ctx context.Context, now time.Time, limit int) (fired int, err error) {
	for cursor := ""; fired < limit; {
		page, err := due[Statement](ctx, s, statementKind, now, cursor)
		if err != nil {
			return fired, err
		}
		idle, err := s.idle(ctx, page.Items)
		if err != nil {
			return fired, err
		}
		n, err := s.extendAll(ctx, idle[:min(len(idle), limit-fired)], now)
		if fired += n; err != nil {
			return fired, fmt.Errorf("extend statements: %w", err)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return fired, nil
}

// idle are the open statements whose party's payable has moved since by nothing.
func (s *Service) idle(ctx context.Context, all []Statement) ([]Statement, error) {
	all = slices.DeleteFunc(all, func(st Statement) bool { return st.State != StatementOpen })
	refs := make([]platform.Ref, len(all))
	for i, st := range all {
		refs[i] = st.posted()
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, err
	}
	counts, err := platform.Found[platform.Count](found, refs...)
	last := map[platform.Ref]int64{}
	for _, c := range counts {
		last[c.Ref] = c.Seq
	}
	return slices.DeleteFunc(all, func(st Statement) bool { return last[st.posted()] != st.After }), err
}

// posted is the counter whose movements the statement lists.
func (st Statement) posted() platform.Ref {
	return Account{Party: st.Party, Currency: st.Opening.Currency().String()}.counter("posted", "payable")
}

func (s *Service) extendAll(ctx context.Context, idle []Statement, now time.Time) (int, error) {
	in, refs := extended{}, []platform.Ref(nil)
	for _, st := range idle {
		in.Statements = append(in.Statements, st.ID)
		refs = append(refs, st.Ref(), platform.Ref{Kind: accountKind, ID: st.Account})
	}
	n, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (int, []platform.Change, error) {
		found, err := platform.Lookup(ctx, s.db, refs...)
		if err != nil {
			return 0, nil, err
		}
		var set []platform.Change
		for i, listed := range idle {
			st, one := platform.Found[Statement](found, refs[2*i])
			a, two := platform.Found[Account](found, refs[2*i+1])
			if err := errors.Join(one, two); err != nil {
				return 0, nil, err
			}
			if len(st) == 0 || len(a) == 0 || st[0].Version != listed.Version {
				continue
			}
			next, _, err := st[0].Cut(a[0], Sums{Last: st[0].After, Closing: st[0].Opening}, s.opts.Terms, now)
			if err != nil {
				return 0, nil, err
			}
			set = append(set, platform.Put(next), platform.Unchanged(a[0]))
		}
		if len(set) == 0 {
			return 0, nil, ErrStatement
		}
		n := len(set) / 2
		facts := map[string]int{"statements": n}
		return n, append(set, platform.Happened("settlement.extended", refs[0], facts)), nil
	})
	if errors.Is(err, ErrStatement) || errors.Is(err, platform.ErrConflict) { // somebody else was as far
		err = nil
	}
	return n, err
}
