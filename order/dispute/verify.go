package dispute

import (
	"context"
	"fmt"
	"iter"

	"github.com/liangding/platform"
)

// Discrepancy is a dispute that is not what its evidence or its order make of it.
type Discrepancy struct {
	Dispute  platform.ID `json:"dispute"`
	Expected string      `json:"expected"`
	Found    string      `json:"found"`
}

// Verify proves every dispute: its evidence by the chain of hashes, its legs by what
// it held, and what its order holds by what is open. db must show one moment, and
// orders read from it. It reads every dispute, its order and its evidence, a page at
// a time. An error ends it.
func Verify(ctx context.Context, db platform.Getter, orders Orders) iter.Seq2[Discrepancy, error] {
	s := &Service{store: StoreOn(db), ports: Ports{Orders: orders}}
	return func(yield func(Discrepancy, error) bool) {
		for q := (platform.Query{Kind: disputeKind, Limit: 100}); ; {
			page, err := platform.List[Dispute](ctx, db, q)
			for i := 0; err == nil && i < len(page.Items); i++ {
				var wrong []Discrepancy
				if wrong, err = s.verify(ctx, page.Items[i]); err != nil {
					break
				}
				for _, w := range wrong {
					if !yield(w, nil) {
						return
					}
				}
			}
			if err != nil {
				yield(Discrepancy{}, fmt.Errorf("verify disputes: %w", err))
				return
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

func (s *Service) verify(ctx context.Context, d Dispute) (wrong []Discrepancy, err error) {
	differs := func(expected, found any) {
		if e, f := fmt.Sprint(expected), fmt.Sprint(found); e != f {
			wrong = append(wrong, Discrepancy{d.ID, e, f})
		}
	}
	chain, count := "", 0
	for cursor := ""; ; {
		page, err := s.store.Evidence(ctx, d.ID, cursor)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Items {
			count++
			chain = e.chained(chain)
			differs(fmt.Sprintf("piece %d with hash %s", count, chain), fmt.Sprintf("piece %d with hash %s", e.No, e.Chain))
			chain = e.Chain
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	differs("evidence up to "+chain, "evidence up to "+d.Chain)
	zero := less(d.Amount, d.Amount)
	if r := d.Ruling(); r != nil {
		sum := zero
		for _, kind := range []LegKind{Refund, Release, Bank} {
			sum = amount(r.Legs, kind, sum)
		}
		differs(fmt.Sprint("legs of ", d.Amount), fmt.Sprint("legs of ", sum))
	}
	stands, err := s.standing(ctx, d.Order)
	if err != nil {
		return nil, err
	}
	if d.State.Ended() {
		differs(true, stands.Dispute != d.ID)
		return wrong, nil
	}
	held := d.Amount
	if d.State == Executing {
		held = less(held, amount(d.Ruling().Legs, Refund, zero))
	}
	differs(fmt.Sprint(d.ID, " holds ", held), fmt.Sprint(stands.Dispute, " holds ", stands.Held))
	return wrong, nil
}
