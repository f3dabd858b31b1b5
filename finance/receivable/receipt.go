package receivable

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Unknown is the payer of money of which nobody knows yet whose it is.
const Unknown platform.ID = "unknown"

// Receipt is money that covers claims: it came from outside, or lay on an account
// of the payer's. Amount is the sum of its parts and of what is over.
type Receipt struct {
	platform.Head
	Payer     platform.ID    `json:"payer" class:"internal"`
	Role      string         `json:"role" class:"internal"`                // the account from which it came: bank, clearing, unapplied, payable, deposit
	At        time.Time      `json:"at" class:"internal"`                  // when it came
	Recorded  time.Time      `json:"recorded" class:"internal"`            // when it was booked
	Account   platform.ID    `json:"account,omitempty" class:"internal"`   // the bank or institution at which it came in
	Reference string         `json:"reference,omitempty" class:"internal"` // theirs; counts once
	Amount    platform.Money `json:"amount" class:"internal"`
	Parts     []Part         `json:"parts,omitempty" class:"internal"`
	Over      platform.Money `json:"over" class:"internal"` // to the payer's unapplied money
	By        platform.ID    `json:"by" class:"internal"`
}

// Part is what of a receipt went to one claim.
type Part struct {
	Item     platform.ID    `json:"item" class:"internal"`
	Amount   platform.Money `json:"amount" class:"internal"`         // of the claim itself
	Lost     bool           `json:"lost,omitempty" class:"internal"` // it had been written off
	Fee      platform.Money `json:"fee" class:"internal"`
	Interest platform.Money `json:"interest" class:"internal"`
}

// Ref names the receipt.
func (r Receipt) Ref() platform.Ref { return platform.Ref{Kind: "receivable.receipt", ID: r.ID} }

// claims keeps the money of one reference from being booked twice.
func (r Receipt) claims() []platform.Claim {
	if r.Reference == "" {
		return nil
	}
	return []platform.Claim{{Scope: "receivable.receipt/" + string(r.Account), Key: r.Reference}}
}

// outside tells whether the money came from outside: what is over then waits.
func (r Receipt) outside() bool { return r.Role == "bank" || r.Role == "clearing" }

// cover shares a receipt among claims: first those that are named, with what is
// disputed of them, then all others, the oldest due first. Of what is left,
// claims that it paid off get the interest and fee that were asked on them,
// unless it is set off.
func (a *account) cover(r Receipt, named ...platform.ID) (Receipt, error) {
	left := r.Amount
	none := minus(left, left)
	claims := slices.Clone(a.claims)
	turn := func(i Item) int {
		if n := slices.Index(named, i.ID); n >= 0 {
			return n
		}
		return len(named)
	}
	slices.SortStableFunc(claims, func(x, y Item) int { return turn(x) - turn(y) })
	for _, i := range claims {
		amount := i.Claimed()
		if r.outside() && slices.Contains(named, i.ID) {
			amount = i.Open()
		}
		lost := i.Open().Sign() == 0
		if lost {
			amount = i.Lost()
		}
		if amount = lesser(amount, left); i.Amount.Currency() != left.Currency() || amount.Sign() <= 0 {
			continue
		}
		next, err := i.covered(amount, r.Role, a.at, a.terms)
		if err != nil {
			return Receipt{}, err
		}
		left = minus(left, amount)
		r.Parts = append(r.Parts, Part{Item: i.ID, Amount: amount, Lost: lost, Fee: none, Interest: none})
		a.put(next)
	}
	for n := range r.Parts {
		if r.Role == "payable" || r.Role == "deposit" || left.Sign() == 0 {
			break
		}
		r.Parts[n], left = a.charge(r.Parts[n], left)
	}
	r.Over = left
	if !r.outside() { // what is left stays where it is
		r.Amount, r.Over = minus(r.Amount, left), none
	}
	if len(r.Parts) == 0 && !r.outside() {
		return Receipt{}, fmt.Errorf("cover claims on %s: %w", a.Party, ErrNothingFree)
	}
	return r, nil
}

// charge takes the interest and the fee that were asked on a claim out of what
// is left, if the part paid it off.
func (a *account) charge(p Part, left platform.Money) (Part, platform.Money) {
	n := slices.IndexFunc(a.claims, func(i Item) bool { return i.ID == p.Item })
	i := a.claims[n]
	if i.State != Paid {
		return p, left
	}
	p.Interest = lesser(i.Accrued(a.at, a.terms), left)
	left = minus(left, p.Interest)
	p.Fee = lesser(i.Fee, left)
	i.FeePaid = plus(i.FeePaid, plus(p.Interest, p.Fee))
	a.put(i)
	return p, minus(left, p.Fee)
}

// receive books a receipt and tells of it.
func (c Claims) receive(ctx context.Context, a *account, r Receipt, named ...platform.ID) (Receipt, error) {
	r, err := a.cover(r, named...)
	if err != nil {
		return Receipt{}, err
	}
	set, err := c.post(ctx, a, r)
	if err != nil {
		return Receipt{}, err
	}
	a.set = append(a.set, set...)
	facts := map[string]any{"payer": r.Payer, "role": r.Role, "amount": r.Amount, "over": r.Over}
	a.set = append(a.set, platform.Put(r), platform.Happened("receipt.recorded", r.Ref(), facts))
	for _, p := range r.Parts {
		n := slices.IndexFunc(a.claims, func(i Item) bool { return i.ID == p.Item })
		what := "receivable.paid"
		if p.Lost {
			what = "receivable.recovered"
		}
		a.tell(what, a.claims[n], map[string]any{"amount": p.Amount, "fee": p.Fee, "interest": p.Interest, "role": r.Role, "receipt": r.ID, "state": a.claims[n].State})
	}
	return r, nil
}

// post books the parts of a receipt, by their recipes.
func (c Claims) post(ctx context.Context, a *account, r Receipt) (set []platform.Change, err error) {
	none := minus(r.Amount, r.Amount)
	claims, lost, fees, interest := none, none, none, none
	for _, p := range r.Parts {
		claims, fees, interest = plus(claims, p.Amount), plus(fees, p.Fee), plus(interest, p.Interest)
		if p.Lost {
			lost = plus(lost, p.Amount)
		}
	}
	matched := map[string]string{
		"bank": "receipt.matched", "clearing": "receipt.matched", "unapplied": "receipt.applied",
		"payable": "receivable.set_off", "deposit": "deposit.applied",
	}[r.Role]
	from := platform.Leg{Role: r.Role, Party: r.Payer}
	if r.outside() {
		from.Party = r.Account
	}
	net, err := plus(fees, interest).DivRate(a.terms.Tax.Add(one), platform.HalfEven)
	if err != nil {
		return nil, err
	}
	shares, err := shared(net, fees, interest)
	if err != nil {
		return nil, err
	}
	for _, b := range []struct {
		what string
		of   platform.Money
		from platform.Leg
		to   []platform.Leg
	}{
		{"debt.recovered", lost, platform.Leg{Role: "receivable", Party: r.Payer}, []platform.Leg{{Role: "allowance", Party: platform.ID(a.terms.portfolio(r.Payer)), Amount: lost.Neg()}}},
		{matched, claims, from, []platform.Leg{{Role: "receivable", Party: r.Payer, Amount: claims.Neg()}}},
		{"dunning.fee_paid", plus(fees, interest), from, []platform.Leg{
			{Role: "dunning_fee", Amount: shares[0].Neg()}, {Role: "penalty", Amount: shares[1].Neg()}, {Role: "output_tax", Amount: minus(net, plus(fees, interest))},
		}},
		{"receipt.unapplied", r.Over, from, []platform.Leg{{Role: "unapplied", Party: r.Payer, Amount: r.Over.Neg()}}},
	} {
		if b.of.Sign() == 0 {
			continue
		}
		b.from.Amount = b.of
		made, err := c.Books.Post(ctx, b.what, r.Ref(), r.At, append([]platform.Leg{b.from}, b.to...))
		if err != nil {
			return nil, fmt.Errorf("book receipt %s: %w", r.ID, err)
		}
		set = append(set, made...)
	}
	return set, nil
}

// one is the whole of a rate.
var one = decimal.New(1, 0)

// shared are the parts of a whole that go to fees and interest.
func shared(whole, fees, interest platform.Money) ([]platform.Money, error) {
	if whole.Sign() == 0 {
		return []platform.Money{whole, whole}, nil
	}
	return whole.Allocate(fees.Minor(), interest.Minor())
}

// draw covers claims from an account of the debtor's, with most and what is free
// there at the most.
func (c Claims) draw(ctx context.Context, a *account, id platform.ID, role string, most platform.Money, named ...platform.ID) (Receipt, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return Receipt{}, err
	}
	free, err := c.Books.Free(ctx, role, "", a.Party, most.Currency())
	if err != nil {
		return Receipt{}, fmt.Errorf("%s of %s: %w", role, a.Party, err)
	}
	if free = lesser(free, most); free.Sign() <= 0 {
		return Receipt{}, fmt.Errorf("%s of %s: %w", role, a.Party, ErrNothingFree)
	}
	return c.receive(ctx, a, Receipt{Head: platform.Head{ID: id}, Payer: a.Party, Role: role, At: a.at, Recorded: a.at, Amount: free, By: by.ID}, named...)
}
