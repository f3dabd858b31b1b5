package refund

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/liangding/platform"
)

// Request is what is asked for. Without lines and amount it is all that is left,
// without the tips.
type Request struct {
	Amount platform.Money `json:"amount,omitzero"` // in all of the lines, tips apart
	Lines  []Ask          `json:"lines,omitempty" validate:"max=200" code:"refund.line_unknown"`
	Tips   []AskTip       `json:"tips,omitempty" validate:"max=200" code:"refund.tip_unknown"` // only those that are named
	Bearer Bearer         `json:"bearer"`
	Fault  string         `json:"fault,omitempty"` // whose: customer, merchant, staff, platform, force_majeure
}

// Ask is a part of one line; without an amount, all that is left of it.
type Ask struct {
	Line   int            `json:"line"`
	Amount platform.Money `json:"amount,omitzero"`

	Decided *Division `json:"-"` // how the order divides the amount; if nil, the plan does
}

// Division is how an order has divided a part of a line that it reserved.
type Division struct {
	Fees []FeePortion   // what goes back of the line's fees, in their order: Amount and Tax count
	Owed platform.Money // what the merchant owes at once for fees that are kept, while the money is in its earning
}

// AskTip is a part of one member's tip; without an amount, all that is left.
type AskTip struct {
	Member platform.ID    `json:"member"`
	Amount platform.Money `json:"amount,omitzero"`
}

// Bearer is whose money goes back.
type Bearer string

// The bearers. What is at_fault is borne by the platform if the fault is its own,
// and otherwise goes back out of the sale.
const (
	ByPlatform Bearer = "platform" // goodwill: everybody else keeps theirs
	ByMerchant Bearer = "merchant" // what is sold is given back, by merchant and platform each their part
	AtFault    Bearer = "at_fault"
)

// faults are whose fault a refund can be.
var faults = []string{"customer", "merchant", "staff", "platform", "force_majeure"}

// bearer is who bears, once it is known whose fault it was.
func (r Request) bearer() (Bearer, error) {
	known := r.Fault == "" || slices.Contains(faults, r.Fault)
	switch {
	case known && (r.Bearer == ByPlatform || r.Bearer == ByMerchant):
		return r.Bearer, nil
	case known && r.Bearer == AtFault && r.Fault == "platform":
		return ByPlatform, nil
	case known && r.Bearer == AtFault && r.Fault != "":
		return ByMerchant, nil
	}
	return "", fmt.Errorf("bear %q by %q: %w", r.Fault, r.Bearer, ErrBearer)
}

// Plan is a refund as it will be carried out: its steps in their order, the legs
// that the books get, and what is asked of the invoices.
type Plan struct {
	Order    platform.ID    `json:"order"`
	Merchant platform.ID    `json:"merchant"`
	Stage    Stage          `json:"stage"`
	Bearer   Bearer         `json:"bearer"`           // platform or merchant
	Amount   platform.Money `json:"amount"`           // that the customer gets back, or need not pay
	What     string         `json:"what"`             // the recipe of the legs: refund.approved or refund.goodwill
	Lines    []Portion      `json:"lines"`            // by line
	Tips     []AskTip       `json:"tips"`             // by member
	Steps    []Step         `json:"steps"`            // to be done in this order
	Legs     []platform.Leg `json:"legs"`             // none when no money was captured yet
	Letters  []Letter       `json:"letters"`          // red letters to ask for in the same set
	Lost     platform.Money `json:"lost,omitzero"`    // what the institutions keep of the refunded payments
	Lender   Bearer         `json:"lender,omitempty"` // who bears that
	Hash     string         `json:"hash"`             // of all the above
}

// Portion is a line's part of a refund.
type Portion struct {
	Line     int            `json:"line"`
	Amount   platform.Money `json:"amount"`
	Tax      platform.Money `json:"tax"`      // inside Amount
	Discount platform.Money `json:"discount"` // that lapses with it
	Own      platform.Money `json:"own"`      // of Amount, what was the merchant's
	Fees     []FeePortion   `json:"fees"`     // of Amount, what was the platform's

	owed int64 // of Amount, by the merchant, whatever its accounts have
}

// FeePortion is what becomes of a fee: given back by the platform, or kept and
// so borne by the merchant.
type FeePortion struct {
	Component string         `json:"component"`
	Amount    platform.Money `json:"amount"`
	Tax       platform.Money `json:"tax"` // inside Amount
	Kept      bool           `json:"kept,omitempty"`

	role          string
	name, taxName platform.ID
}

// Plan decides how a refund is carried out. It changes nothing.
//
// Of each line the refunds that stand and this one are divided as the line is
// (see the package comment), and this one's part is what they had not given yet.
// A plan's steps add up to its amount and its legs to zero, and no step or leg is
// above what its payment or account has left.
//
// It fails with ErrExceeds, the refundable amount as a detail, with ErrAmount,
// ErrLine, ErrTip or ErrBearer for a request that is none, with ErrChargeback
// when only disputed payments are left, with ErrSource when an account that has
// no substitute has too little, and with ErrFacts for contradictory facts.
func (f Facts) Plan(r Request) (Plan, error) {
	f = f.sorted()
	if err := f.check(); err != nil {
		return Plan{}, err
	}
	bearer, err := r.bearer()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Order: f.Order, Merchant: f.Merchant, Stage: f.Stage, Bearer: bearer}
	if p.Lines, err = f.portions(r, bearer); err != nil {
		return Plan{}, err
	}
	if p.Tips, err = f.tips(r); err != nil {
		return Plan{}, err
	}
	lines, tips := p.sums()
	if lines+tips <= 0 {
		return Plan{}, f.exceeds(f.refundable())
	}
	p.Amount = f.money(lines + tips)
	if err := f.route(&p, lines, tips); err != nil {
		return Plan{}, err
	}
	if err := f.book(&p); err != nil {
		return Plan{}, err
	}
	p.Letters = f.letters(p.Lines)
	if err := p.check(f); err != nil {
		return Plan{}, err
	}
	p.Hash = p.digest()
	return p, nil
}

// Confirm plans again what was shown, and returns the plan when it is still the
// same; otherwise it fails with ErrPlanChanged, the new plan as a detail.
func (f Facts) Confirm(r Request, hash string) (Plan, error) {
	p, err := f.Plan(r)
	if err != nil {
		return Plan{}, err
	}
	if p.Hash != hash {
		return Plan{}, platform.Detail(fmt.Errorf("refund order %s: %w", f.Order, ErrPlanChanged), "plan", p)
	}
	return p, nil
}

func (f Facts) exceeds(left int64) error {
	return platform.Detail(fmt.Errorf("refund order %s: %w", f.Order, ErrExceeds), "refundable", f.money(left))
}

// sums are what the lines and the tips give.
func (p Plan) sums() (lines, tips int64) {
	for _, l := range p.Lines {
		lines += l.Amount.Minor()
	}
	for _, t := range p.Tips {
		tips += t.Amount.Minor()
	}
	return lines, tips
}

// digest is the hash of everything else in the plan: each value behind its
// length or a mark, so that no two plans read alike.
func (p Plan) digest() string {
	b := make([]byte, 0, 64+160*(len(p.Lines)+len(p.Steps)+len(p.Legs)))
	for _, text := range []string{string(p.Order), string(p.Merchant), string(p.Stage), string(p.Bearer), p.What, string(p.Lender)} {
		b = word(b, text)
	}
	b = amounts(b, p.Amount, p.Lost)
	for _, l := range p.Lines {
		b = amounts(strconv.AppendInt(append(b, 'l'), int64(l.Line), 10), l.Amount, l.Tax, l.Discount, l.Own)
		for _, f := range l.Fees {
			b = amounts(word(strconv.AppendBool(append(b, 'f'), f.Kept), f.Component), f.Amount, f.Tax)
		}
	}
	for _, t := range p.Tips {
		b = amounts(word(append(b, 't'), string(t.Member)), t.Amount)
	}
	for _, s := range p.Steps {
		b = amounts(word(word(word(append(b, 's'), string(s.Way)), string(s.Payment)), string(s.Receiver)), s.Amount, s.Lost)
	}
	for _, l := range p.Legs {
		b = amounts(word(word(word(append(b, 'e'), l.Role), string(l.Of)), string(l.Party)), l.Amount)
	}
	for _, l := range p.Letters {
		b = amounts(word(strconv.AppendInt(append(b, 'r'), int64(l.Line), 10), string(l.Invoice)), l.Amount)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func word(b []byte, text string) []byte {
	return append(append(strconv.AppendInt(append(b, ' '), int64(len(text)), 10), ':'), text...)
}

func amounts(b []byte, all ...platform.Money) []byte {
	for _, m := range all {
		b = append(strconv.AppendInt(append(b, ' '), m.Minor(), 10), m.Currency().String()...)
	}
	return b
}

// check proves the plan: what it must never be is refused rather than carried
// out.
func (p Plan) check(f Facts) error {
	steps, legs := int64(0), int64(0)
	for _, s := range p.Steps {
		if s.Way != ReturnShare && s.Way != ClaimShare {
			steps += s.Amount.Minor()
		}
	}
	for _, l := range p.Legs {
		legs += l.Amount.Minor()
		if free, bounded := f.free(l); bounded && l.Amount.Minor() > free {
			return fmt.Errorf("refund order %s out of %s: %w", p.Order, l.Role, ErrSource)
		}
	}
	if steps != p.Amount.Minor() || legs != 0 {
		return fmt.Errorf("refund order %s: steps of %d, legs of %d: %w", p.Order, steps, legs, ErrFacts)
	}
	return nil
}
