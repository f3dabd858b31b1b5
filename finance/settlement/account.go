package settlement

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// AccountState is whether a payout account may be paid to.
type AccountState string

// The states of an account.
const (
	AccountPending  AccountState = "pending" // told, and waits for its verification
	AccountVerified AccountState = "verified"
	AccountRejected AccountState = "rejected" // not the party's, or a payout came back
)

// AccountMoves is the transition table of an account.
var AccountMoves = platform.Moves[AccountState]{
	{Verb: "change", From: []AccountState{"", AccountPending, AccountVerified, AccountRejected}, To: AccountPending, By: []platform.ActorKind{platform.Merchant, platform.Staff, platform.Operator}, Refusal: ErrUnproved},
	{Verb: "verify", From: []AccountState{AccountPending, AccountRejected}, To: AccountVerified, By: []platform.ActorKind{platform.Operator}, Refusal: ErrUnproved},
	{Verb: "reject", From: []AccountState{AccountPending, AccountVerified}, To: AccountRejected, By: []platform.ActorKind{platform.Operator, platform.System}, Refusal: ErrUnproved},
}

// Account is how a party is settled in one currency, and where its money goes.
// Bank data lie in [Details], a record for each change.
type Account struct {
	platform.Head
	Party       platform.ID   `json:"party" class:"internal"`
	Currency    string        `json:"currency" class:"internal"`
	Cycle       Cycle         `json:"cycle" class:"internal"` // of the statements that are opened from now on
	Zone        string        `json:"zone,omitempty" class:"internal"`
	State       AccountState  `json:"state" class:"internal"`
	Institution string        `json:"institution,omitempty" class:"internal"` // that pays; empty for a bank file
	Payee       string        `json:"payee,omitempty" class:"internal"`       // the institution's name of whom it pays
	Tail        string        `json:"tail,omitempty" class:"internal"`        // the last characters of the number, to tell accounts apart
	Details     platform.ID   `json:"details" class:"internal"`
	Former      platform.ID   `json:"former,omitempty" class:"internal"` // details before the last change, whose contact is told of it
	Changes     int           `json:"changes" class:"internal"`
	ChangedAt   time.Time     `json:"changed_at" class:"internal"`
	ChangedBy   []platform.ID `json:"changed_by" class:"internal"`
	VerifiedAt  time.Time     `json:"verified_at,omitzero" class:"internal"`
	VerifiedBy  []platform.ID `json:"verified_by,omitempty" class:"internal"`
	CoolsUntil  time.Time     `json:"cools_until,omitzero" class:"internal"`
	Reason      string        `json:"reason,omitempty" class:"internal"`    // why it was rejected, a code
	Statement   platform.ID   `json:"statement,omitempty" class:"internal"` // the last that was confirmed
	Confirmed   int           `json:"confirmed,omitempty" class:"internal"` // its number
}

// Ref names the account.
func (a Account) Ref() platform.Ref { return platform.Ref{Kind: accountKind, ID: a.ID} }

// counter is what is posted, or available, of what is owed to the party, or by it.
func (a Account) counter(which, role string) platform.Ref {
	return platform.Counter(which+":"+finance.Account{Role: role, Party: a.Party}.String(), a.Currency)
}

// Details are where money goes, as the party told it once. They never change.
type Details struct {
	platform.Head
	Account platform.ID     `json:"account" class:"internal"`
	No      int             `json:"no" class:"internal"` // 1, 2, 3 … of the account
	Bank    string          `json:"bank,omitempty" class:"internal"`
	Tail    string          `json:"tail,omitempty" class:"internal"`
	Print   string          `json:"print,omitempty" class:"internal"` // equal for equal numbers, and not readable
	Holder  platform.Sealed `json:"holder,omitempty" class:"personal,payout,10y,contract"`
	Number  platform.Sealed `json:"number,omitempty" class:"sensitive,payout,10y,contract"`
	Contact platform.Sealed `json:"contact,omitempty" class:"personal,payout,10y,contract"`
	At      time.Time       `json:"at" class:"internal"`
}

// Ref names the details.
func (d Details) Ref() platform.Ref { return platform.Ref{Kind: detailsKind, ID: d.ID} }

// AccountID is the id of a party's account in a currency. The formula is frozen.
func AccountID(party platform.ID, currency string) platform.ID {
	return derived("pac", party, string(party), currency)
}

// Payable returns nil when the account may be paid to: verified for long enough,
// and not changed or bounced lately. Otherwise ErrAccount, with the moment from
// which on it may be, if waiting helps.
func (a Account) Payable(t Terms, at time.Time) error {
	from := a.VerifiedAt.Add(t.Verified)
	if a.CoolsUntil.After(from) {
		from = a.CoolsUntil
	}
	if a.State == AccountVerified && !at.Before(from) {
		return nil
	}
	err := platform.Detail(fmt.Errorf("pay to %s: %w", a.ID, ErrAccount), "state", string(a.State))
	if a.State == AccountVerified {
		err = platform.Detail(err, "from", from)
	}
	return err
}

// changed is the account with new details. One that was in use cools.
func (a Account) changed(d Details, in Register, by platform.ActorKind, hands []platform.ID, t Terms, at time.Time) (Account, error) {
	state, err := AccountMoves.Take(a.State, "change", by)
	if err != nil {
		return Account{}, fmt.Errorf("change account %s: %w", a.ID, err)
	}
	if a.State != "" {
		a.Former, a.CoolsUntil = a.Details, at.Add(t.Cooling)
	}
	a.State, a.Institution, a.Payee, a.Tail, a.Details = state, in.Institution, in.Payee, d.Tail, d.ID
	a.Changes, a.ChangedAt, a.ChangedBy, a.Reason = a.Changes+1, at, hands, ""
	a.VerifiedAt, a.VerifiedBy = time.Time{}, nil
	return a, nil
}

// Verify returns the account as its party's own. The verifier is none of those
// who changed it.
func (a Account) Verify(by platform.ActorKind, hands []platform.ID, at time.Time) (Account, error) {
	state, err := AccountMoves.Take(a.State, "verify", by)
	if err == nil && meet(hands, a.ChangedBy) {
		err = ErrVerifier
	}
	if err != nil {
		return Account{}, fmt.Errorf("verify account %s: %w", a.ID, err)
	}
	a.State, a.VerifiedAt, a.VerifiedBy, a.Reason = state, at, hands, ""
	return a, nil
}

// Reject returns the account as one that is not paid to until it was verified
// anew, and has cooled.
func (a Account) Reject(reason string, by platform.ActorKind, t Terms, at time.Time) (Account, error) {
	state, err := AccountMoves.Take(a.State, "reject", by)
	if err != nil {
		return Account{}, fmt.Errorf("reject account %s: %w", a.ID, err)
	}
	a.State, a.Reason, a.CoolsUntil, a.VerifiedAt, a.VerifiedBy = state, reason, at.Add(t.Cooling), time.Time{}, nil
	return a, nil
}

// Register tells where a party's money goes: a payee whom an institution knows,
// or a bank account. It replaces what was told before.
type Register struct {
	Party       platform.ID `json:"party" validate:"required"`
	Currency    string      `json:"currency" validate:"required,len=3"`
	Cycle       Cycle       `json:"cycle,omitempty"` // if empty, as it was, or by Terms
	Zone        string      `json:"zone,omitempty" validate:"max=64"`
	Institution string      `json:"institution,omitempty" validate:"max=64"`
	Payee       string      `json:"payee,omitempty" validate:"text=128"`
	Bank        string      `json:"bank,omitempty" validate:"text=64"`
	Holder      string      `json:"holder,omitempty" validate:"text=128"`
	Number      string      `json:"number,omitempty" validate:"text=64"`
	Contact     string      `json:"contact,omitempty" validate:"text=128"` // who is told of the next change
}

// Subject is the account.
func (in Register) Subject() platform.Ref {
	return platform.Ref{Kind: accountKind, ID: AccountID(in.Party, in.Currency)}
}

// settled are the prefixes of parties.
var settled = []string{"mer", "stf", "emp"}

// check is what is wrong with the command by itself.
func (in Register) check() error {
	if err := platform.Validate(in); err != nil {
		return err
	}
	if _, err := platform.ParseID(string(in.Party)); err != nil || !slices.Contains(settled, in.Party.Prefix()) {
		return platform.Wrong("party", ErrParty)
	}
	if _, err := platform.ParseCurrency(in.Currency); err != nil {
		return platform.Wrong("currency", err)
	}
	if in.Cycle != "" && in.Cycle.check() != nil {
		return platform.Wrong("cycle", ErrCycle)
	}
	if (in.Institution == "") != (in.Payee == "") || in.Institution == "" && in.Number == "" {
		return platform.Wrong("payee", ErrWay)
	}
	_, err := zoneOf(in.Zone)
	return err
}

// Register opens a party's account, and with it the first of its statements, or
// changes where its money goes: a change has to be verified anew and cools, and
// the event names the details whose contact is to be told. The party itself may,
// and operators. It fails with FieldErrors, with ErrSealer where bank data cannot
// be kept, and with ErrNotFound for another party's account.
func (s *Service) Register(ctx context.Context, in Register) (Account, error) {
	by, err := s.actor(ctx, platform.Merchant, platform.Staff, platform.Operator)
	if err == nil {
		err = s.visible(ctx, in.Party, in.Subject())
	}
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return Account{}, fmt.Errorf("register payout account: %w", err)
	}
	d, err := s.details(ctx, in)
	if err != nil {
		return Account{}, fmt.Errorf("register payout account: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Account, []platform.Change, error) {
		a, err := read[Account](ctx, s, accountKind, d.Account)
		fresh := missing(err)
		if err != nil && !fresh {
			return Account{}, nil, err
		}
		now := s.w.Now()
		if fresh {
			a = Account{Head: platform.Head{ID: d.Account}, Party: in.Party, Currency: in.Currency, Cycle: s.opts.Terms.cycle(in.Party)}
		}
		if in.Cycle != "" {
			a.Cycle = in.Cycle
		}
		if in.Zone != "" {
			a.Zone = in.Zone
		}
		next, err := a.changed(d, in, by.Kind, s.hands(by), s.opts.Terms, now)
		if err != nil {
			return Account{}, nil, err
		}
		d := d
		d.No, d.At = next.Changes, now
		set := []platform.Change{platform.Put(next), platform.Put(d), next.happened("changed")}
		if fresh {
			first, err := next.first(now)
			if err != nil {
				return Account{}, nil, err
			}
			set = append(set, platform.Put(first))
		}
		return next, set, nil
	})
}

// details are what was told, sealed. Sealing is random, so it comes before the
// decision.
func (s *Service) details(ctx context.Context, in Register) (Details, error) {
	account := in.Subject().ID
	d := Details{Head: platform.Head{ID: s.w.NewChild("pad", account)}, Account: account, Bank: in.Bank}
	if in.Number != "" {
		d.Tail = in.Number[max(0, len(in.Number)-4):]
	}
	if in.Holder+in.Number+in.Contact == "" {
		return d, nil
	}
	if s.ports.Sealer == nil {
		return Details{}, ErrSealer
	}
	kinds := map[string]string{"mer": "merchant", "stf": "staff.member"}
	subject := platform.Ref{Kind: kinds[in.Party.Prefix()], ID: in.Party}
	if subject.Kind == "" {
		subject.Kind = "employee"
	}
	for _, f := range []struct {
		name, plain string
		to          *platform.Sealed
	}{{"holder", in.Holder, &d.Holder}, {"number", in.Number, &d.Number}, {"contact", in.Contact, &d.Contact}} {
		if f.plain == "" {
			continue
		}
		var err error
		if *f.to, err = s.ports.Sealer.Seal(ctx, platform.Place{Subject: subject, Record: d.Ref(), Field: f.name}, f.plain); err != nil {
			return Details{}, err
		}
	}
	if in.Number == "" {
		return d, nil
	}
	var err error
	d.Print, err = s.ports.Sealer.Blind(ctx, "settlement.number", strings.ReplaceAll(in.Number, " ", ""))
	return d, err
}

// VerifyAccount confirms that an account is its party's own.
type VerifyAccount struct {
	Account platform.ID `json:"account" validate:"required,id=pac"`
	Reason  string      `json:"reason" validate:"required,max=64,printascii"` // a code: how it was found out
}

// Subject is the account.
func (in VerifyAccount) Subject() platform.Ref {
	return platform.Ref{Kind: accountKind, ID: in.Account}
}

// VerifyAccount lets an account be paid to, once Terms.Verified is over. Only an
// operator may, and none who changed it: ErrVerifier.
func (s *Service) VerifyAccount(ctx context.Context, in VerifyAccount) (Account, error) {
	return s.account(ctx, in, in.Account, "verified", in.Reason, func(a Account, by platform.Actor) (Account, error) {
		return a.Verify(by.Kind, s.hands(by), s.w.Now())
	})
}

// RejectAccount stops payouts to an account.
type RejectAccount struct {
	Account platform.ID `json:"account" validate:"required,id=pac"`
	Reason  string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the account.
func (in RejectAccount) Subject() platform.Ref {
	return platform.Ref{Kind: accountKind, ID: in.Account}
}

// RejectAccount takes the verification back. Only operators may.
func (s *Service) RejectAccount(ctx context.Context, in RejectAccount) (Account, error) {
	return s.account(ctx, in, in.Account, "rejected", in.Reason, func(a Account, by platform.Actor) (Account, error) {
		return a.Reject(in.Reason, by.Kind, s.opts.Terms, s.w.Now())
	})
}

// account decides a command of operators on an account.
func (s *Service) account(ctx context.Context, in any, id platform.ID, what, reason string, decide func(Account, platform.Actor) (Account, error)) (Account, error) {
	by, err := s.actor(ctx, platform.Operator)
	if err != nil {
		return Account{}, fmt.Errorf("account %s: %w", id, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Account, []platform.Change, error) {
		a, err := read[Account](ctx, s, accountKind, id)
		if err != nil {
			return Account{}, nil, err
		}
		next, err := decide(a, by)
		if err != nil {
			return Account{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), next.happened(what).Because(reason)}, nil
	})
}

func (a Account) happened(what string) platform.Change {
	return platform.Happened("payout_account."+what, a.Ref(), struct {
		Party    platform.ID  `json:"party"`
		Currency string       `json:"currency"`
		State    AccountState `json:"state"`
		Details  platform.ID  `json:"details"`
		Notify   platform.ID  `json:"notify,omitempty"` // whose contact is to be told
	}{a.Party, a.Currency, a.State, a.Details, a.Former})
}

// Account is one account, for its party, operators and auditors.
func (s *Service) Account(ctx context.Context, id platform.ID) (Account, error) {
	a, err := read[Account](ctx, s, accountKind, id)
	if err == nil {
		err = s.visible(ctx, a.Party, a.Ref())
	}
	if err != nil {
		return Account{}, err
	}
	return a, nil
}

// Accounts are a page of the accounts of a party, or for operators of all; in
// one state unless that is empty.
func (s *Service) Accounts(ctx context.Context, party platform.ID, state AccountState, cursor string) (platform.Page[Account], error) {
	q := platform.Query{Kind: accountKind, Cursor: cursor}
	switch {
	case party != "":
		q.By, q.Equal = []string{"party"}, []any{party}
		if err := s.visible(ctx, party, platform.Ref{Kind: accountKind, ID: party}); err != nil {
			return platform.Page[Account]{}, err
		}
		return platform.List[Account](ctx, s.db, q)
	case state != "":
		q.By, q.Equal = []string{"state"}, []any{state}
	}
	return owned[Account](ctx, s, "", q)
}

// History is a page of what was told of an account, the newest first.
func (s *Service) History(ctx context.Context, account platform.ID, cursor string) (platform.Page[Details], error) {
	return owned[Details](ctx, s, account, platform.Query{Kind: detailsKind, By: []string{"account"}, Equal: []any{account}, Backward: true, Cursor: cursor})
}
