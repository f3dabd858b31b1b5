package receivable

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
func (s *Service) receive(ctx context.Context, a *account, r Receipt, named ...platform.ID) (Receipt, error) {
	r, err := a.cover(r, named...)
	if err != nil {
		return Receipt{}, err
	}
	set, err := s.post(ctx, a, r)
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
func (s *Service) post(ctx context.Context, a *account, r Receipt) (set []platform.Change, err error) {
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
		made, err := s.ports.Books.Post(ctx, b.what, r.Ref(), r.At, append([]platform.Leg{b.from}, b.to...))
		if err != nil {
			return nil, fmt.Errorf("book receipt %s: %w", r.ID, err)
		}
		set = append(set, made...)
	}
	return set, nil
}

// shared are the parts of a whole that go to fees and interest.
func shared(whole, fees, interest platform.Money) ([]platform.Money, error) {
	if whole.Sign() == 0 {
		return []platform.Money{whole, whole}, nil
	}
	return whole.Allocate(fees.Minor(), interest.Minor())
}

// Receive tells of money that came in.
type Receive struct {
	Payer     platform.ID    `json:"payer,omitempty" validate:"omitempty,id="` // if empty, whose claim the text names
	Amount    platform.Money `json:"amount" validate:"required"`
	Role      string         `json:"role" validate:"required,oneof=bank clearing" code:"receivable.account"`
	Account   platform.ID    `json:"account" validate:"required,max=64"`                   // the bank or institution at which it came in
	Reference string         `json:"reference" validate:"required,max=255,printascii"`     // theirs; counts once
	At        time.Time      `json:"at,omitzero"`                                          // when it came; if zero, now
	Items     []platform.ID  `json:"items,omitempty" validate:"max=50,unique,dive,id=rcv"` // claims that the payer named, to be covered first
	Text      string         `json:"text,omitempty" validate:"text=500"`                   // what the payer wrote, in which references are looked for; it is not kept
}

// Receive books money that came in and covers claims with it: those that are
// named, by the caller or by their references in the text, then the payer's
// others, the oldest due first, then what was written off. What is over waits on
// the payer's unapplied account; money whose payer nobody knows waits under
// [Unknown], until [Service.Assign]. Operators may, and the system.
//
// It fails with ErrAmount, with ErrReceived for a reference that is booked, and
// with ErrNotFound for a claim of another party.
func (s *Service) Receive(ctx context.Context, in Receive) (Receipt, error) {
	if err := s.deskOnly(ctx); err != nil {
		return Receipt{}, fmt.Errorf("receive %s: %w", in.Amount, err)
	}
	if in.Amount.Sign() < 0 {
		return Receipt{}, fmt.Errorf("receive %s: %w", in.Amount, ErrAmount)
	}
	id := s.w.NewRoot(ctx, "rct")
	r, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Receipt, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Receipt{}, nil, err
		}
		payer, named, err := s.matched(ctx, in)
		if err != nil {
			return Receipt{}, nil, err
		}
		now := s.w.Now()
		r := Receipt{Head: platform.Head{ID: id}, Payer: payer, Role: in.Role, At: in.At, Recorded: now, Account: in.Account, Reference: in.Reference, Amount: in.Amount, By: by.ID}
		if r.At.IsZero() {
			r.At = now
		}
		a := &account{Debtor: Debtor{Party: payer}, terms: s.terms, at: now}
		if payer != Unknown {
			if a, err = s.claims.open(ctx, payer, now); err != nil {
				return Receipt{}, nil, err
			}
		}
		if r, err = s.receive(ctx, a, r, named...); err != nil {
			return Receipt{}, nil, err
		}
		if payer == Unknown {
			return r, a.set, nil
		}
		set, err := a.changes(ctx, s.ports.Standing)
		return r, set, err
	})
	if platform.Code(err) == "taken" {
		err = fmt.Errorf("receive %s: %w", in.Amount, ErrReceived)
	}
	return r, err
}

// matched is whose money it is, and which claims it names.
func (s *Service) matched(ctx context.Context, in Receive) (payer platform.ID, named []platform.ID, err error) {
	for _, id := range in.Items {
		i, err := s.store.Item(ctx, id)
		if err == nil && in.Payer != "" && i.Debtor != in.Payer {
			err = platform.NotFound(i.Ref())
		}
		if err != nil {
			return "", nil, err
		}
		named, payer = append(named, i.ID), i.Debtor
	}
	found, err := s.store.Referred(ctx, 50, references(in.Text)...)
	if err != nil {
		return "", nil, err
	}
	whose := map[platform.ID]bool{}
	for _, i := range found {
		whose[i.Debtor] = true
	}
	switch {
	case in.Payer != "":
		payer = in.Payer
	case payer == "" && len(whose) == 1: // names of several parties tell nobody's
		payer = found[0].Debtor
	case payer == "":
		return Unknown, nil, nil
	}
	for _, i := range found {
		if i.Debtor == payer && !slices.Contains(named, i.ID) {
			named = append(named, i.ID)
		}
	}
	return payer, named, nil
}

// one is the whole of a rate.
var one = decimal.New(1, 0)

// references are the words of a text that may be references, at most 20.
func references(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(",;:()[]\"'", r)
	})
	words = slices.DeleteFunc(words, func(w string) bool { return len(w) < 4 || len(w) > 64 })
	slices.Sort(words)
	words = slices.Compact(words)
	return words[:min(len(words), 20)]
}

// Assign says whose money it is that came in unknown.
type Assign struct {
	Receipt platform.ID   `json:"receipt" validate:"required,id=rct"`
	Payer   platform.ID   `json:"payer" validate:"required,id="`
	Items   []platform.ID `json:"items,omitempty" validate:"max=50,unique,dive,id=rcv"`
}

// Subject is the receipt.
func (in Assign) Subject() platform.Ref {
	return platform.Ref{Kind: "receivable.receipt", ID: in.Receipt}
}

// Assign gives money of an unknown payer to the party whose it is; the next tick
// covers its claims with it. Operators may; it fails with ErrAssigned.
func (s *Service) Assign(ctx context.Context, in Assign) (Receipt, error) {
	if err := s.deskOnly(ctx); err != nil {
		return Receipt{}, fmt.Errorf("assign receipt %s: %w", in.Receipt, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Receipt, []platform.Change, error) {
		r, err := s.store.Receipt(ctx, in.Receipt)
		if err == nil && r.Payer != Unknown {
			err = fmt.Errorf("assign receipt %s: %w", r.ID, ErrAssigned)
		}
		if err != nil {
			return Receipt{}, nil, err
		}
		now := s.w.Now()
		set, err := s.ports.Books.Post(ctx, "transfer.made", r.Ref(), now, []platform.Leg{
			{Role: "unapplied", Party: Unknown, Amount: r.Amount}, {Role: "unapplied", Party: in.Payer, Amount: r.Amount.Neg()},
		})
		if err != nil {
			return Receipt{}, nil, err
		}
		a, err := s.claims.open(ctx, in.Payer, now)
		if err != nil {
			return Receipt{}, nil, err
		}
		a.wake(r.Amount.Currency())
		r.Payer = in.Payer
		own, err := a.changes(ctx, s.ports.Standing)
		if err != nil {
			return Receipt{}, nil, err
		}
		set = append(append(set, own...), platform.Put(r), platform.Happened("receipt.assigned", r.Ref(), map[string]any{"payer": r.Payer, "amount": r.Amount}))
		return r, set, nil
	})
}

// wake has the oldest open claim of a currency looked at by the next tick.
func (a *account) wake(c platform.Currency) {
	for n, i := range a.claims {
		if i.Amount.Currency() == c && i.Claimed().Sign() > 0 {
			a.claims[n].Next = a.at
			a.moved[i.ID] = true
			return
		}
	}
}

// Cover covers claims with money that the platform holds or owes.
type Cover struct {
	Debtor platform.ID    `json:"debtor" validate:"required,id="`
	From   string         `json:"from" validate:"required,oneof=unapplied payable deposit"`
	Most   platform.Money `json:"most" validate:"required"`                             // no more than this, nor than there is
	Items  []platform.ID  `json:"items,omitempty" validate:"max=50,unique,dive,id=rcv"` // to be covered first
}

// Cover applies unapplied money, sets claims off against what is payable, or
// takes a deposit: the claims named first, then the oldest due. It answers with
// what was moved. Operators may, and the system, as a settlement does before it
// pays out.
//
// It fails with ErrNothingFree when there is no such money, or no claim in its
// currency.
func (s *Service) Cover(ctx context.Context, in Cover) (Receipt, error) {
	if err := s.deskOnly(ctx); err != nil {
		return Receipt{}, fmt.Errorf("cover claims on %s: %w", in.Debtor, err)
	}
	id := s.w.NewChild("rct", in.Debtor)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Receipt, []platform.Change, error) {
		a, err := s.claims.open(ctx, in.Debtor, s.w.Now())
		if err != nil {
			return Receipt{}, nil, err
		}
		r, err := s.draw(ctx, a, id, in.From, in.Most, in.Items...)
		if err != nil {
			return Receipt{}, nil, err
		}
		set, err := a.changes(ctx, s.ports.Standing)
		return r, set, err
	})
}

// draw covers claims from an account of the debtor's, with most and what is free
// there at the most.
func (s *Service) draw(ctx context.Context, a *account, id platform.ID, role string, most platform.Money, named ...platform.ID) (Receipt, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Receipt{}, err
	}
	free, err := s.ports.Books.Free(ctx, role, "", a.Party, most.Currency())
	if err != nil {
		return Receipt{}, fmt.Errorf("%s of %s: %w", role, a.Party, err)
	}
	if free = lesser(free, most); free.Sign() <= 0 {
		return Receipt{}, fmt.Errorf("%s of %s: %w", role, a.Party, ErrNothingFree)
	}
	return s.receive(ctx, a, Receipt{Head: platform.Head{ID: id}, Payer: a.Party, Role: role, At: a.at, Recorded: a.at, Amount: free, By: by.ID}, named...)
}

// Receipt is one receipt, to its payer and to those who oversee all.
func (s *Service) Receipt(ctx context.Context, id platform.ID) (Receipt, error) {
	r, err := s.store.Receipt(ctx, id)
	if err == nil {
		err = s.visible(ctx, r.Payer, r.Ref())
	}
	if err != nil {
		return Receipt{}, err
	}
	return r, nil
}

// Receipts is a page of the money of a payer, the latest first; with no payer
// named, of all.
func (s *Service) Receipts(ctx context.Context, payer platform.ID, cursor string) (platform.Page[Receipt], error) {
	if err := s.visible(ctx, payer, platform.Ref{Kind: "receivable.receipt"}); err != nil {
		return platform.Page[Receipt]{}, err
	}
	return s.store.Receipts(ctx, payer, cursor)
}
