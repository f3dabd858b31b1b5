package order

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// Discrepancy is an order that is not what its events make of it.
type Discrepancy struct {
	Order    platform.ID `json:"order"`
	Expected string      `json:"expected"`
	Found    string      `json:"found"`
}

// Verify plays the events of every order and tells, as it is found, where they
// take a step that is not in the machine, so that one is missing or altered, and
// where the order is not in the state that the last of them left it in.
//
// db must show one moment, as a snapshot does. It reads every order and every
// event about one, a page at a time. An error ends it.
func Verify(ctx context.Context, db platform.Getter) iter.Seq2[Discrepancy, error] {
	return func(yield func(Discrepancy, error) bool) {
		from := platform.ID("ord_")
		for q := (platform.Query{Kind: "order", Limit: 100}); ; {
			page, err := platform.List[Order](ctx, db, q)
			until := platform.ID("ore_") // behind all orders
			if q.Cursor = page.Next; q.Cursor != "" {
				until = page.Items[len(page.Items)-1].ID + "\x00"
			}
			var told map[platform.ID][]step
			if err == nil {
				told, err = steps(ctx, db, from, until)
			}
			if err != nil {
				yield(Discrepancy{}, fmt.Errorf("verify orders: %w", err))
				return
			}
			for _, d := range discrepancies(page.Items, told) {
				if !yield(d, nil) {
					return
				}
			}
			if from = until; q.Cursor == "" {
				return
			}
		}
	}
}

// step is what an event tells of its order.
type step struct {
	what    string
	version int64
	state   State
}

// steps are those of the orders from one id up to another, in the order in which
// they were taken: events of one millisecond are told apart by version alone.
func steps(ctx context.Context, db platform.Getter, from, until platform.ID) (map[platform.ID][]step, error) {
	told := map[platform.ID][]step{}
	q := platform.Query{
		Kind: "event", By: []string{"subject", "id"}, Limit: 500,
		From: platform.Ref{Kind: "order", ID: from}, Until: platform.Ref{Kind: "order", ID: until},
	}
	for {
		page, err := platform.List[platform.Event](ctx, db, q)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Items {
			var tell facts
			if strings.HasPrefix(e.Type, "order.") && json.Unmarshal(e.Data, &tell) == nil && tell.State != "" {
				told[e.Subject.ID] = append(told[e.Subject.ID], step{e.Type, e.Version, tell.State})
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for _, all := range told {
		slices.SortStableFunc(all, func(a, b step) int { return cmp.Compare(a.version, b.version) })
	}
	return told, nil
}

func discrepancies(orders []Order, told map[platform.ID][]step) (all []Discrepancy) {
	for _, o := range orders {
		at := step{what: "nothing"}
		for _, s := range told[o.ID] {
			begun := at.state == "" && s.what == "order.taken_over" // in the middle
			if !begun && !leads(at.state, s.state) {
				all = append(all, Discrepancy{o.ID, fmt.Sprintf("a step from %q", at.state), fmt.Sprintf("%s to %q at version %d", s.what, s.state, s.version)})
			}
			at = s
		}
		if o.State != at.state || o.Version < at.version {
			all = append(all, Discrepancy{o.ID, fmt.Sprintf("%q from version %d on, by %s", at.state, at.version, at.what), fmt.Sprintf("%q at version %d", o.State, o.Version)})
		}
		delete(told, o.ID)
	}
	lost := len(all)
	for id, steps := range told {
		last := steps[len(steps)-1]
		all = append(all, Discrepancy{id, fmt.Sprintf("%q at version %d", last.state, last.version), "no such order"})
	}
	slices.SortFunc(all[lost:], func(a, b Discrepancy) int { return cmp.Compare(a.Order, b.Order) })
	return all
}

// leads tells whether the machine has a way from one state to the other in one
// step, or stays where it is.
func leads(from, to State) bool {
	return from == to && from != "" || slices.ContainsFunc(moves, func(m platform.Move[State]) bool {
		return slices.Contains(m.From, from) && m.To == to
	})
}
