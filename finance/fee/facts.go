package fee

import (
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Facts are all that a quote depends on besides the schedule.
type Facts struct {
	Merchant platform.ID    `json:"merchant,omitempty"`
	Tier     string         `json:"tier,omitempty"` // of the merchant
	Channel  string         `json:"channel,omitempty"`
	Kind     string         `json:"kind,omitempty"`  // of the order
	Volume   platform.Money `json:"volume,omitzero"` // completed by the merchant in the previous closed month; absent is none
	Lines    []Item         `json:"lines"`           // what is sold, without tips and what the platform itself adds
}

// Item is one line of what is sold.
type Item struct {
	Kind     string         `json:"kind"` // service, freight …
	Category string         `json:"category,omitempty"`
	City     string         `json:"city,omitempty"`
	Amount   platform.Money `json:"amount"`
}

// price is the sum of the lines. It fails with ErrInvalid (fee.line, fee.currency,
// money.currency, money.overflow) for lines that the schedule cannot price.
func (s Schedule) price(f Facts) (platform.Money, error) {
	if len(f.Lines) == 0 {
		return platform.Money{}, fmt.Errorf("quote %s for nothing: %w", s.Label(), errLine)
	}
	in := s.Currency
	if in == platform.Currency(0) {
		in = f.Lines[0].Amount.Currency()
	}
	price, err := platform.Sum(in)
	for i, l := range f.Lines {
		switch {
		case err != nil:
		case l.Amount.Sign() < 0:
			err = errLine
		case !l.Amount.Absent() && l.Amount.Currency() != in:
			err = ErrCurrency
		default:
			price, err = price.Add(l.Amount)
		}
		if err != nil {
			return platform.Money{}, fmt.Errorf("quote %s for line %d: %w", s.Label(), i+1, err)
		}
	}
	return price, err
}

// rule is the first that matches a line, the price of the order being as it is.
func (c Component) rule(f Facts, l Item, price platform.Money) (int, error) {
	for i, r := range c.Rules {
		if r.When.covers(f, l, price) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s of a %s: %w", c.Name, l.Kind, ErrGap)
}

func (m Match) covers(f Facts, l Item, price platform.Money) bool {
	return among(m.Kinds, l.Kind) && among(m.Categories, l.Category) && among(m.Cities, l.City) &&
		among(m.Tiers, f.Tier) && among(m.Channels, f.Channel) && among(m.Orders, f.Kind) &&
		(m.From.Absent() || price.Minor() >= m.From.Minor()) && (m.Below.Absent() || price.Minor() < m.Below.Minor())
}

// among tells whether a value is listed, or nothing is.
func among(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
