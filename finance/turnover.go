package finance

import (
	"math/big"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// Turnover is what a merchant or a staff member earned by orders in a month, as
// the postings say: what a tax report is made of. It is kept with the [Sums].
type Turnover struct {
	platform.Head
	Party      platform.ID       `json:"party" class:"internal"`
	Month      string            `json:"month" class:"internal"`
	Currency   platform.Currency `json:"currency" class:"internal"`
	Orders     int64             `json:"orders" class:"internal"`             // that were completed
	Gross      *big.Int          `json:"gross" class:"internal"`              // of orders completed and cancelled and of tips, the platform's fees included; minor units
	Refunds    *big.Int          `json:"refunds" class:"internal"`            // what went back to customers after the sale, fees included
	Commission *big.Int          `json:"commission" class:"internal"`         // the platform's fees with their tax, less what went back of them
	Withheld   *big.Int          `json:"withheld,omitempty" class:"internal"` // tax kept back of what the party was paid; nil if none ever was
}

// Ref names the turnover.
func (t Turnover) Ref() platform.Ref { return platform.Ref{Kind: turnoverKind, ID: t.ID} }

// Net is what remains for the party.
func (t Turnover) Net() *big.Int {
	net := new(big.Int).Sub(t.Gross, t.Refunds)
	return net.Sub(net, t.Commission)
}

var (
	sales   = []string{"order.completed", "order.completed.principal", "order.cancelled", "tip.released"}
	returns = []string{"refund.approved", "refund.imported", "chargeback.held", "chargeback.partly_lost", "pay.reversed"}
	fees    = []string{"commission", "cancel_fee", "output_tax"}
	wages   = []string{"payout.sent", "payout.returned", "reward.granted", "payroll.accrued"}
	borne   = []string{"earning", "payable", "reserve", "deposit", "receivable"}
)

// turnover adds what a posting means for the parties that it names. A reversal
// means the contrary of what it takes back.
func (s *summing) turnover(month string, p, root Posting) {
	sale, back := slices.Contains(sales, root.What), slices.Contains(returns, root.What)
	if !sale && !back {
		return
	}
	var seller platform.ID
	for _, l := range root.Legs {
		if slices.Contains(borne, l.Role) && l.Party.Prefix() == "mer" && seller == "" {
			seller = l.Party
		}
	}
	orders := int64(0)
	if strings.HasPrefix(root.What, "order.completed") {
		orders = 1
		if p.What == reversed {
			orders = map[bool]int64{true: -1}[whole(p, root)]
		}
	}
	counted := map[platform.ID]bool{}
	for _, l := range p.Legs {
		amount, party := big.NewInt(l.Amount.Minor()), l.Party
		fee := slices.Contains(fees, l.Role)
		if fee {
			party = seller
		}
		if party == "" || !fee && !slices.Contains(borne, l.Role) || fee && root.What == "order.completed.principal" {
			continue
		}
		t := s.party(month, party, l.Amount.Currency())
		if fee {
			t.Commission.Sub(t.Commission, amount)
		}
		if sale {
			t.Gross.Sub(t.Gross, amount)
		} else {
			t.Refunds.Add(t.Refunds, amount)
		}
		if !counted[party] {
			counted[party] = true
			t.Orders += orders
		}
	}
}

// withheld adds the tax that a posting keeps back of what a party is paid. Where it
// pays several parties, nobody can say of whom: such a posting is of no party.
func (s *summing) withheld(month string, p, root Posting) {
	if !slices.Contains(wages, root.What) {
		return
	}
	var of platform.ID
	for _, l := range p.Legs {
		if l.Role == "payable" && of != "" && of != l.Party {
			return
		}
		if l.Role == "payable" {
			of = l.Party
		}
	}
	for _, l := range p.Legs {
		if l.Role != "withholding" || of == "" {
			continue
		}
		t := s.party(month, of, l.Amount.Currency())
		if t.Withheld == nil {
			t.Withheld = new(big.Int)
		}
		t.Withheld.Sub(t.Withheld, big.NewInt(l.Amount.Minor()))
	}
}

// whole tells whether a reversal takes all of a posting back.
func whole(p, root Posting) bool {
	return len(p.Legs) == len(root.Legs) && !slices.ContainsFunc(p.Legs, func(l platform.Leg) bool {
		l.Amount = l.Amount.Neg()
		return !slices.Contains(root.Legs, l)
	})
}

func (s *summing) party(month string, party platform.ID, currency platform.Currency) *Turnover {
	id := idOf("tno", "turnover", month+"/"+string(party)+"/"+currency.String())
	if s.parties[id] == nil {
		s.parties[id] = &Turnover{
			Head: platform.Head{ID: id}, Party: party, Month: month, Currency: currency,
			Gross: new(big.Int), Refunds: new(big.Int), Commission: new(big.Int),
		}
	}
	return s.parties[id]
}
