package market

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/fee"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/risk"
)

// FeesContinued warns at once when a fee schedule has ended and goes on, since no
// other was published.
func FeesContinued() risk.Indicator {
	return risk.Indicator{
		Name: "fees_continued", Metric: "fee.continued", Owner: "finance", Direction: risk.Above,
		Warn:   risk.Bound{Fire: decimal.New(5, -1), Recover: decimal.New(1, -1)},
		Window: 24 * time.Hour, For: new(time.Duration),
		Instruction: "Ask whether the fees are still those that were agreed, and have the next version drafted and published.",
	}
}

// fees is the service on fee schedules, which are previewed over what orders were
// charged.
func (m *Market) fees() *fee.Service {
	return fee.New(m.Writer, fee.StoreOn(m.DB), order.Charges{DB: m.DB}, &m.options.Fees)
}

// OrderFees is what an order was charged when it was placed, as whoever acts in ctx may
// see it: a customer the part that the customer pays, staff nothing.
type OrderFees struct {
	Version string       `json:"version"`
	Charges []fee.Charge `json:"charges"`
	Explain []string     `json:"explain"` // in words, a line a charge
}

// FeesOf tells a party to an order what it was charged and why, in words of the
// language.
func (m *Market) FeesOf(ctx context.Context, id platform.ID, lang string) (OrderFees, error) {
	o, err := m.Orders.Order(ctx, id)
	if err != nil {
		return OrderFees{}, err
	}
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return OrderFees{}, err
	}
	charged, err := order.Charges{DB: m.DB}.Of(ctx, o.ID)
	if err == nil && by.Kind == platform.Staff {
		err = platform.NotFound(charged.Ref())
	}
	if err != nil {
		return OrderFees{}, err
	}
	var s fee.Statement
	if err := json.Unmarshal(charged.Fees, &s); err != nil {
		return OrderFees{}, fmt.Errorf("fees of order %s: %w", id, platform.ErrUnavailable)
	}
	shown := OrderFees{Version: s.Version, Charges: []fee.Charge{}, Explain: s.Explain(lang, by.Kind)}
	for _, c := range s.Charges {
		if by.Kind != platform.Customer || c.Payer == fee.Customer {
			shown.Charges = append(shown.Charges, c)
		}
	}
	return shown, nil
}
