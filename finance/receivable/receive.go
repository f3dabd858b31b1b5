package receivable

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

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
	if err := s.desk(ctx, in); err != nil {
		return Receipt{}, err
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
		if r, err = s.claims.receive(ctx, a, r, named...); err != nil {
			return Receipt{}, nil, err
		}
		if payer == Unknown {
			return r, a.set, nil
		}
		set, err := a.changes(ctx, s.claims.Standing)
		return r, set, err
	})
	if platform.Code(err) == "taken" {
		err = fmt.Errorf("receive %s: %w", in.Amount, ErrReceived)
	}
	return r, err
}

// matched is whose money it is, and which claims it names.
func (s *Service) matched(ctx context.Context, in Receive) (payer platform.ID, named []platform.ID, err error) {
	items, err := s.store.ItemsByID(ctx, in.Items...)
	if err != nil {
		return "", nil, err
	}
	for _, i := range items {
		if payer = cmp.Or(in.Payer, items[0].Debtor); i.Debtor != payer {
			return "", nil, platform.NotFound(i.Ref())
		}
		named = append(named, i.ID)
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
	if err := s.desk(ctx, in); err != nil {
		return Receipt{}, err
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
		own, err := a.changes(ctx, s.claims.Standing)
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
	if err := s.desk(ctx, in); err != nil {
		return Receipt{}, err
	}
	id := s.w.NewChild("rct", in.Debtor)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Receipt, []platform.Change, error) {
		a, err := s.claims.open(ctx, in.Debtor, s.w.Now())
		if err != nil {
			return Receipt{}, nil, err
		}
		r, err := s.claims.draw(ctx, a, id, in.From, in.Most, in.Items...)
		if err != nil {
			return Receipt{}, nil, err
		}
		set, err := a.changes(ctx, s.claims.Standing)
		return r, set, err
	})
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
