package finance

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// OpenAccounts brings in what was on accounts in books that were kept elsewhere.
type OpenAccounts struct {
	Source   string    `json:"source" validate:"required,text=64"` // the other books
	Reason   string    `json:"reason" validate:"required,text=64"` // a code
	At       time.Time `json:"at"`                                 // as of when the balances hold
	Balances []Brought `json:"balances" validate:"min=1,max=1000,dive"`
}

// Brought is what one account brings along.
type Brought struct {
	Account   string         `json:"account" validate:"required,max=160"`    // as in [Account]
	Amount    platform.Money `json:"amount,omitzero"`                        // above zero, in the account's normal direction
	Reference string         `json:"reference" validate:"required,text=128"` // its name in the other books
}

// Opening is where the balance of an account began: what other books left on
// it. An account has at most one in each currency, and it is never changed.
type Opening struct {
	platform.Head
	Account   Account        `json:"account" class:"internal"`
	Amount    platform.Money `json:"amount" class:"internal"` // in the account's normal direction
	Source    string         `json:"source" class:"internal"`
	Reference string         `json:"reference" class:"internal"`
	At        time.Time      `json:"at" class:"internal"` // as of when
}

// Ref names the opening.
func (o Opening) Ref() platform.Ref { return platform.Ref{Kind: openingKind, ID: o.ID} }

// OpeningID is the id of the opening of an account in a currency. The formula is
// frozen: no time, and slot and bits cut from SHA-256 of the account's text and
// the currency.
func OpeningID(a Account, currency platform.Currency) platform.ID {
	name := a.String() + "/" + currency.String()
	sum := sha256.Sum256([]byte("opening\x00" + name))
	slot := platform.Key{Scope: "opening", Name: name}.Slot()
	return platform.NewID("opn", time.Unix(0, 0), slot, binary.BigEndian.Uint64(sum[:8]))
}

// OpenAccounts opens accounts that belong to no order, all or none: each balance is
// booked against the account opening, which in the end shows the equity of the
// other books. It returns the openings that it made; one that is there already,
// the same in all, is left as it is, so that a repeat has no second effect. Only
// operators may. Over a store.Rehearsal it tells what it would do.
//
// It fails with FieldErrors that name every wrong balance: ErrRole for an account
// that cannot be, ErrOpened for one that another balance opened, and
// ledger.open_role, ledger.open_amount and ledger.open_time; and as
// [Books.Post] does for locks.
func (s *Service) OpenAccounts(ctx context.Context, in OpenAccounts) ([]Opening, error) {
	by, err := platform.ActorOf(ctx)
	if err == nil && by.Kind != platform.Operator {
		err = errOpener
	}
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	wanted, wrong := in.openings(s.w.Now())
	if len(wrong) > 0 {
		return nil, wrong
	}
	ids := make([]platform.ID, len(wanted))
	for i, o := range wanted {
		ids[i] = o.ID
	}
	made, err := platform.Update(ctx, s.w, in, func(ctx context.Context) ([]Opening, []platform.Change, error) {
		known, err := s.books.Store.Openings(ctx, ids...)
		if err != nil {
			return nil, nil, fmt.Errorf("open accounts: %w", err)
		}
		fresh, err := unopened(wanted, known)
		if err != nil {
			return nil, nil, err
		}
		var changes []platform.Change
		facts := make([]Fact, len(fresh))
		for i, o := range fresh {
			booked, err := o.changes(in.Reason, s.w.Now())
			if err != nil {
				return nil, nil, err
			}
			p, _ := booked[0].Value.(Posting)
			changes, facts[i] = append(changes, booked...), p.Fact
		}
		pinned, err := s.unbarred(ctx, facts...)
		if err != nil {
			return nil, nil, fmt.Errorf("open accounts: %w", err)
		}
		return fresh, append(changes, pinned...), nil
	})
	if errors.Is(err, errAllOpened) {
		return nil, nil
	}
	return made, err
}

// openings are the balances as they are to be opened, and all that is wrong with
// them by themselves.
func (in OpenAccounts) openings(now time.Time) ([]Opening, platform.FieldErrors) {
	var wrong platform.FieldErrors
	_ = errors.As(platform.Validate(in), &wrong)
	if in.At.IsZero() || in.At.After(now) || in.At.Year() < 1970 {
		wrong = append(wrong, platform.Wrong("at", errOpenTime)...)
	}
	all, seen := make([]Opening, len(in.Balances)), map[platform.ID]bool{}
	for i, b := range in.Balances {
		a, err := ParseAccount(b.Account)
		if err == nil && (a.Of != "" || a.Role == "opening") {
			err = errOpenRole
		}
		o := Opening{
			Head: platform.Head{ID: OpeningID(a, b.Amount.Currency())}, Account: a, Amount: b.Amount,
			Source: in.Source, Reference: b.Reference, At: in.At.UTC(),
		}
		if err == nil && seen[o.ID] {
			err = ErrOpened
		}
		if err != nil {
			wrong = append(wrong, platform.Wrong(row(i, "account"), err)...)
		}
		if b.Amount.Sign() <= 0 {
			wrong = append(wrong, platform.Wrong(row(i, "amount"), errOpenAmount)...)
		}
		all[i], seen[o.ID] = o, true
	}
	return all, wrong
}

// row is where a field of a balance stands.
func row(i int, field string) string { return "balances[" + strconv.Itoa(i) + "]." + field }

// errAllOpened ends a command that has nothing left to do.
var errAllOpened = errors.New("all of it was opened before")

// unopened are those of the openings that are not there yet. It fails with
// errAllOpened when there is none, and with FieldErrors for an account that
// another balance opened.
func unopened(wanted, known []Opening) ([]Opening, error) {
	before := make(map[platform.ID]Opening, len(known))
	for _, o := range known {
		before[o.ID] = o
	}
	var fresh []Opening
	var wrong platform.FieldErrors
	for i, o := range wanted {
		was, opened := before[o.ID]
		switch {
		case !opened:
			fresh = append(fresh, o)
		case !o.same(was):
			wrong = append(wrong, platform.Wrong(row(i, "account"), ErrOpened)...)
		}
	}
	switch {
	case len(wrong) > 0:
		return nil, wrong
	case len(fresh) == 0:
		return nil, errAllOpened
	}
	return fresh, nil
}

// same tells whether two openings say the same.
func (o Opening) same(other Opening) bool {
	return o.Account == other.Account && o.Amount == other.Amount && o.Source == other.Source &&
		o.Reference == other.Reference && o.At.Equal(other.At)
}

// changes are the record, the posting that it is booked by, and the event.
func (o Opening) changes(reason string, now time.Time) ([]platform.Change, error) {
	legs, err := o.legs()
	if err != nil {
		return nil, err
	}
	booked, err := Post(Fact{What: "account.opened", Subject: o.Ref(), At: o.At, Booked: now, Legs: legs})
	if err != nil {
		return nil, err
	}
	event := platform.Happened("account.opened", o.Ref(), struct {
		Account   Account        `json:"account"`
		Amount    platform.Money `json:"amount"`
		Source    string         `json:"source"`
		Reference string         `json:"reference"`
	}{o.Account, o.Amount, o.Source, o.Reference}).Because(reason)
	return append(booked, platform.Put(o), event), nil
}

// legs are the balance on its account, and its counterpart.
func (o Opening) legs() ([]platform.Leg, error) {
	l, err := o.Account.line()
	if err != nil {
		return nil, err
	}
	amount := o.Amount
	if l.Normal == credit {
		amount = amount.Neg()
	}
	return []platform.Leg{
		{Role: o.Account.Role, Party: o.Account.Party, Amount: amount},
		{Role: "opening", Amount: amount.Neg()},
	}, nil
}
