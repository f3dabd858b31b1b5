package console

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/liangding/platform"
)

// happening is an event as the timeline shows it, with the amounts among its
// facts.
type happening struct {
	platform.Event
	Amount, Fee platform.Money
}

// timeline reads the events of the order and its children, the oldest first.
func (v *orderView) timeline(ctx context.Context, c console) error {
	for _, subject := range v.parts() {
		all, more, err := gather(func(cursor string) (platform.Page[platform.Event], error) {
			return platform.List[platform.Event](ctx, c.m.DB, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}, Cursor: cursor})
		})
		if err != nil {
			return err
		}
		v.Cut = v.Cut || more
		for _, e := range all {
			v.Timeline = append(v.Timeline, happened(e))
		}
	}
	slices.SortFunc(v.Timeline, func(a, b happening) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

func happened(e platform.Event) happening {
	var facts struct {
		Amount platform.Money `json:"amount"`
		Fee    platform.Money `json:"fee"`
	}
	_ = json.Unmarshal(e.Data, &facts) // facts of another form have no amounts to show
	return happening{e, facts.Amount, facts.Fee}
}
