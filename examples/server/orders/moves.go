package orders

import (
	"context"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order"
)

// shown is an order as it is answered to one who may see it.
type shown struct {
	order.Order
	Moves []moveShown `json:"moves" doc:"Each move that people can make on an order, and whether you may now."`
}

// moveShown is one move, to a user interface.
type moveShown struct {
	Verb    string    `json:"verb"`
	Allowed bool      `json:"allowed"`
	Code    string    `json:"code,omitempty" doc:"Why not; the move's own command would answer it, too."`
	Text    string    `json:"text,omitempty" doc:"The same in your language."`
	From    time.Time `json:"from,omitzero" doc:"From when, if time alone stands against it."`
}

// show reads an order with what may be done with it.
func show(m *market.Market) func(context.Context, platform.ID) (shown, error) {
	return func(ctx context.Context, id platform.ID) (shown, error) {
		o, err := m.Orders.Order(ctx, id)
		if err != nil {
			return shown{}, err
		}
		all, err := m.Permissions(ctx, o)
		if err != nil {
			return shown{}, err
		}
		out := shown{Order: o, Moves: []moveShown{}}
		for _, p := range all {
			move := moveShown{Verb: p.Verb, Allowed: p.Refusal == nil, From: p.From}
			if p.Refusal != nil {
				move.Code, move.Text = platform.Code(p.Refusal), platform.Text(p.Refusal, edge.Language(ctx))
			}
			out.Moves = append(out.Moves, move)
		}
		return out, nil
	}
}
