package settlement

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// PayoutState is how far a payout has come.
type PayoutState string

// The states of a payout.
const (
	PayoutReview    PayoutState = "review" // screening wants a person to look first
	PayoutPlanned   PayoutState = "planned"
	PayoutApproved  PayoutState = "approved"
	PayoutSending   PayoutState = "sending" // held in the books; the call is under way, accepted, or cut off by a crash
	PayoutUnknown   PayoutState = "unknown" // held; the institution is asked
	PayoutManual    PayoutState = "manual"  // held; a day of asking was in vain, and an operator finds out
	PayoutPaid      PayoutState = "paid"
	PayoutReturned  PayoutState = "returned" // paid, and it came back
	PayoutFailed    PayoutState = "failed"
	PayoutCancelled PayoutState = "cancelled"
)

var (
	inFlight = []PayoutState{PayoutSending, PayoutUnknown, PayoutManual}
	over     = []PayoutState{PayoutPaid, PayoutFailed, PayoutReturned} // each is booked when it begins
	unsent   = []PayoutState{PayoutReview, PayoutPlanned, PayoutApproved}
)

// PayoutMoves is the transition table of a payout.
var PayoutMoves = platform.Moves[PayoutState]{
	{Verb: "clear", From: []PayoutState{PayoutReview}, To: PayoutPlanned, By: clerks, Refusal: ErrPayout},
	{Verb: "countersign", From: []PayoutState{PayoutPlanned}, By: clerks, Refusal: ErrPayout},
	{Verb: "approve", From: []PayoutState{PayoutPlanned}, To: PayoutApproved, By: clerks, Refusal: ErrPayout},
	{Verb: "send", From: []PayoutState{PayoutApproved}, To: PayoutSending, By: append(clock, clerks...), Refusal: ErrPayout},
	{Verb: "again", From: []PayoutState{PayoutSending, PayoutUnknown}, To: PayoutSending, By: clock, Refusal: ErrNoNews},
	{Verb: "doubt", From: []PayoutState{PayoutSending, PayoutUnknown}, To: PayoutUnknown, By: clock, Refusal: ErrNoNews},
	{Verb: "wait", From: []PayoutState{PayoutSending}, By: clock, Refusal: ErrNoNews},
	{Verb: "wait", From: []PayoutState{PayoutUnknown}, To: PayoutSending, By: clock, Refusal: ErrNoNews},
	{Verb: "park", From: []PayoutState{PayoutSending, PayoutUnknown}, To: PayoutManual, By: clock, Refusal: ErrNoNews},
	{Verb: "pay", From: inFlight, To: PayoutPaid, By: append(clock, clerks...), Refusal: ErrNoNews},
	{Verb: "fail", From: inFlight, To: PayoutFailed, By: append(clock, clerks...), Refusal: ErrNoNews},
	{Verb: "watch", From: []PayoutState{PayoutPaid}, By: clock, Refusal: ErrNoNews},
	{Verb: "return", From: []PayoutState{PayoutPaid}, To: PayoutReturned, By: append(clock, clerks...), Refusal: ErrNoNews},
	{Verb: "cancel", From: unsent, To: PayoutCancelled, By: append(clock, clerks...), Refusal: ErrPayout},
}

// Payout is money on its way to a party's bank. There is one for an account and a
// run; its id is the key under which the institution knows it, for ever.
type Payout struct {
	platform.Head
	Run         platform.ID    `json:"run" class:"internal"`
	Account     platform.ID    `json:"account" class:"internal"`
	Details     platform.ID    `json:"details" class:"internal"`   // where it goes
	Statement   platform.ID    `json:"statement" class:"internal"` // up to which it pays
	Party       platform.ID    `json:"party" class:"internal"`
	State       PayoutState    `json:"state" class:"internal"`
	Amount      platform.Money `json:"amount" class:"internal"`
	SetOff      platform.Money `json:"set_off,omitzero" class:"internal"`      // taken before, for what the party owed
	Withheld    platform.Money `json:"withheld,omitzero" class:"internal"`     // tax kept back, beside the amount; absent if none
	Tax         string         `json:"tax,omitempty" class:"internal"`         // which
	Exempt      string         `json:"exempt,omitempty" class:"internal"`      // from it: the group for which the party is
	Institution string         `json:"institution,omitempty" class:"internal"` // empty: by a bank file
	Payee       string         `json:"payee,omitempty" class:"internal"`
	Approvals   []Approval     `json:"approvals,omitempty" class:"internal"`
	Payers      []platform.ID  `json:"payers,omitempty" class:"internal"` // who sent it, if a person did
	File        platform.ID    `json:"file,omitempty" class:"internal"`
	PlannedAt   time.Time      `json:"planned_at" class:"internal"`
	SentAt      time.Time      `json:"sent_at,omitzero" class:"internal"`
	Until       time.Time      `json:"until,omitzero" class:"internal"`     // end of the time that the call has
	Absent      bool           `json:"absent,omitempty" class:"internal"`   // it is certain that the call did not arrive
	Accepted    bool           `json:"accepted,omitempty" class:"internal"` // the institution has said that it is on its way
	Looks       int            `json:"looks,omitempty" class:"internal"`
	Due         time.Time      `json:"due,omitzero" class:"internal"`
	PaidAt      time.Time      `json:"paid_at,omitzero" class:"internal"`
	EndedAt     time.Time      `json:"ended_at,omitzero" class:"internal"`
	Reference   string         `json:"reference,omitempty" class:"internal"` // the institution's
	Reason      string         `json:"reason,omitempty" class:"internal"`    // why it failed, waits, was cancelled or came back, a code
}

// Approval is one person's yes.
type Approval struct {
	By []platform.ID `json:"by"` // and the one acted for, if any
	At time.Time     `json:"at"`
}

// Ref names the payout.
func (p Payout) Ref() platform.Ref { return platform.Ref{Kind: payoutKind, ID: p.ID} }

// PayoutID is the id of the payout of an account in a run. The formula is frozen.
func PayoutID(account, run platform.ID) platform.ID {
	return derived("pay", account, string(account), string(run))
}

// claims keep an account from having two payouts that were not sent: what is
// free would be promised twice.
func (p Payout) claims() []platform.Claim {
	if !slices.Contains(unsent, p.State) {
		return nil
	}
	return []platform.Claim{{Scope: "settlement.unsent", Key: string(p.Account)}}
}

// needs is how many approvals the payout needs, in a run of that sum: two persons
// stand behind a large one, and behind one whose run nobody started.
func (p Payout) needs(r RunTotals, l limits) (int, error) {
	each, one := p.Amount.Cmp(l.Each)
	run, two := r.Amount.Cmp(l.Run)
	if one != nil || two != nil {
		return 0, fmt.Errorf("approve %s: %w", p.ID, platform.ErrInvalid)
	}
	if each > 0 || run > 0 || r.Automatic {
		return 2, nil
	}
	return 1, nil
}

// Approve returns the payout with one more approval, and approved when it has as
// many as it needs. It fails with ErrSelf for somebody who started the run or
// has approved already.
func (p Payout) Approve(r Run, needs int, by platform.ActorKind, hands []platform.ID, at time.Time) (Payout, error) {
	verb := "countersign"
	if len(p.Approvals)+1 >= needs {
		verb = "approve"
	}
	state, err := PayoutMoves.Take(p.State, verb, by)
	if err == nil && (meet(hands, r.StartedBy) || p.approvedBy(hands)) {
		err = ErrSelf
	}
	if err != nil {
		return Payout{}, fmt.Errorf("approve payout %s: %w", p.ID, err)
	}
	p.State, p.Approvals = state, append(slices.Clone(p.Approvals), Approval{By: hands, At: at})
	if state == PayoutApproved && p.Institution != "" {
		p.Due = at
	}
	return p, nil
}

// approvedBy tells whether one of the persons has approved the payout.
func (p Payout) approvedBy(hands []platform.ID) bool {
	return slices.ContainsFunc(p.Approvals, func(a Approval) bool { return meet(hands, a.By) })
}

// Clear returns the payout after a person looked at what screening found.
func (p Payout) Clear(by platform.ActorKind) (Payout, error) { return p.move("clear", by) }

// Cancel returns the payout given up. It fails with ErrPayout once it was sent.
func (p Payout) Cancel(reason string, by platform.ActorKind, at time.Time) (Payout, error) {
	next, err := p.move("cancel", by)
	next.Reason, next.EndedAt, next.Due = reason, at, time.Time{}
	return next, err
}

func (p Payout) move(verb string, by platform.ActorKind) (Payout, error) {
	state, err := PayoutMoves.Take(p.State, verb, by)
	if err != nil {
		return Payout{}, fmt.Errorf("%s payout %s: %w", verb, p.ID, err)
	}
	p.State = state
	return p, nil
}

// dropped takes the payout out of its run's totals.
func (p Payout) dropped(r Run) []platform.Change {
	if p.Amount.Sign() == 0 {
		return nil
	}
	return []platform.Change{platform.Delta(r.sum(), -p.Amount.Minor(), p.Ref()), platform.Delta(r.count(), -1, p.Ref())}
}

// ApprovePayout says yes to a payout.
type ApprovePayout struct {
	Payout platform.ID `json:"payout" validate:"required,id=pay"`
}

// Subject is the payout.
func (in ApprovePayout) Subject() platform.Ref { return platform.Ref{Kind: payoutKind, ID: in.Payout} }

// ApprovePayout adds the operator's approval. What is approved is sent by Tick, or
// by a bank file. It fails with ErrRunOver while the run is being planned, with
// ErrSelf, and with ErrPayout unless the payout is planned.
func (s *Service) ApprovePayout(ctx context.Context, in ApprovePayout) (Payout, error) {
	by, err := s.actor(ctx, platform.Operator)
	if err != nil {
		return Payout{}, fmt.Errorf("approve payout %s: %w", in.Payout, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Payout, []platform.Change, error) {
		p, r, err := s.payout(ctx, in.Payout)
		if err == nil && !r.Planned {
			err = fmt.Errorf("approve payout %s: %w", p.ID, ErrRunOver)
		}
		if err != nil {
			return Payout{}, nil, err
		}
		all, err := s.totals(ctx, r)
		if err != nil {
			return Payout{}, nil, err
		}
		l, err := s.opts.Terms.limits(p.Amount.Currency())
		if err != nil {
			return Payout{}, nil, err
		}
		needs, err := p.needs(all[0], l)
		if err != nil {
			return Payout{}, nil, err
		}
		next, err := p.Approve(r, needs, by.Kind, s.hands(by), s.w.Now())
		if err != nil {
			return Payout{}, nil, err
		}
		what := "approved"
		if next.State != PayoutApproved {
			what = "countersigned"
		}
		return next, []platform.Change{platform.Put(next), platform.Unchanged(r), next.happened(what)}, nil
	})
}

// payout is a payout with its run.
func (s *Service) payout(ctx context.Context, id platform.ID) (Payout, Run, error) {
	p, err := read[Payout](ctx, s, payoutKind, id)
	if err != nil {
		return Payout{}, Run{}, err
	}
	r, err := read[Run](ctx, s, runKind, p.Run)
	return p, r, err
}

// ApproveRun says yes to all payouts of a run that wait for it.
type ApproveRun struct {
	Run platform.ID `json:"run" validate:"required,id=run"`
}

// ApproveRun approves the payouts of a run one by one, as ApprovePayout does, and
// tells how many got an approval; those that the operator approved before are left
// out. Those that need another person's stay planned. It fails with the first
// refusal, and leaves the rest.
func (s *Service) ApproveRun(ctx context.Context, in ApproveRun) (int, error) {
	by, err := s.actor(ctx, platform.Operator)
	if err == nil {
		err = platform.Validate(in)
	}
	if err != nil {
		return 0, fmt.Errorf("approve run %s: %w", in.Run, err)
	}
	ctx, approved := platform.WithoutKey(ctx), 0
	q := platform.Query{Kind: payoutKind, By: []string{"run", "state"}, Equal: []any{in.Run, PayoutPlanned}, Limit: pageSize}
	for {
		page, err := owned[Payout](ctx, s, "", q)
		if err != nil {
			return approved, err
		}
		for _, p := range page.Items {
			if p.approvedBy(s.hands(by)) {
				continue
			}
			if _, err := s.ApprovePayout(ctx, ApprovePayout{Payout: p.ID}); err != nil {
				return approved, err
			}
			approved++
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return approved, nil
		}
	}
}

// Approvable tells whether a payout of the run waits for an approval that the
// caller could give: it has not all it needs, and the caller neither started the
// run nor approved it. Operators may ask. It reads what waits until it finds one.
func (s *Service) Approvable(ctx context.Context, r Run) (bool, error) {
	by, err := s.actor(ctx, platform.Operator)
	if err != nil {
		return false, fmt.Errorf("payouts of run %s: %w", r.ID, err)
	}
	hands := s.hands(by)
	if !r.Planned || meet(hands, r.StartedBy) {
		return false, nil
	}
	q := platform.Query{Kind: payoutKind, By: []string{"run", "state"}, Equal: []any{r.ID, PayoutPlanned}, Limit: pageSize}
	for {
		page, err := platform.List[Payout](ctx, s.db, q)
		if err != nil {
			return false, fmt.Errorf("payouts of run %s: %w", r.ID, err)
		}
		if slices.ContainsFunc(page.Items, func(p Payout) bool { return !p.approvedBy(hands) }) {
			return true, nil
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return false, nil
		}
	}
}

// ClearPayout lets a payout go on that screening wanted a person to see.
type ClearPayout struct {
	Payout platform.ID `json:"payout" validate:"required,id=pay"`
	Reason string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the payout.
func (in ClearPayout) Subject() platform.Ref { return platform.Ref{Kind: payoutKind, ID: in.Payout} }

// ClearPayout makes it planned: it still needs its approvals. Only operators may.
func (s *Service) ClearPayout(ctx context.Context, in ClearPayout) (Payout, error) {
	by, err := s.actor(ctx, platform.Operator)
	if err != nil {
		return Payout{}, fmt.Errorf("clear payout %s: %w", in.Payout, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Payout, []platform.Change, error) {
		p, err := read[Payout](ctx, s, payoutKind, in.Payout)
		if err != nil {
			return Payout{}, nil, err
		}
		next, err := p.Clear(by.Kind)
		if err != nil {
			return Payout{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), next.happened("cleared").Because(in.Reason)}, nil
	})
}

// CancelPayout gives a payout up before it is sent.
type CancelPayout struct {
	Payout platform.ID `json:"payout" validate:"required,id=pay"`
	Reason string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the payout.
func (in CancelPayout) Subject() platform.Ref { return platform.Ref{Kind: payoutKind, ID: in.Payout} }

// CancelPayout leaves the money where it is, for another run. Operators may, and
// the system when a payout cannot be sent any more. It fails with ErrPayout once
// it was sent.
func (s *Service) CancelPayout(ctx context.Context, in CancelPayout) (Payout, error) {
	by, err := s.actor(ctx, platform.Operator, platform.System)
	if err != nil {
		return Payout{}, fmt.Errorf("cancel payout %s: %w", in.Payout, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Payout, []platform.Change, error) {
		p, r, err := s.payout(ctx, in.Payout)
		if err != nil {
			return Payout{}, nil, err
		}
		next, err := p.Cancel(in.Reason, by.Kind, s.w.Now())
		if err != nil {
			return Payout{}, nil, err
		}
		return next, append(next.dropped(r), platform.Put(next), next.happened("cancelled").Because(in.Reason)), nil
	})
}

func (p Payout) happened(what string) platform.Change {
	return platform.Happened("payout."+what, p.Ref(), struct {
		Party       platform.ID    `json:"party"`
		Run         platform.ID    `json:"run"`
		Amount      platform.Money `json:"amount"`
		SetOff      platform.Money `json:"set_off,omitzero"`
		Withheld    platform.Money `json:"withheld,omitzero"`
		Institution string         `json:"institution,omitempty"`
		Reason      string         `json:"reason,omitempty"`
		Due         time.Time      `json:"due,omitzero"`
	}{p.Party, p.Run, p.Amount, p.SetOff, p.Withheld, p.Institution, p.Reason, p.Due})
}

// Payout is one payout, for its party, operators and auditors.
func (s *Service) Payout(ctx context.Context, id platform.ID) (Payout, error) {
	p, err := read[Payout](ctx, s, payoutKind, id)
	if err == nil {
		err = s.visible(ctx, p.Party, p.Ref())
	}
	if err != nil {
		return Payout{}, err
	}
	return p, nil
}

// PayoutQuery says which payouts: of an account, of a run, or in a state.
type PayoutQuery struct {
	Account platform.ID
	Run     platform.ID
	State   PayoutState // of the run, or of all
	Cursor  string
}

// Payouts are a page of payouts, the newest first: of an account for its party,
// otherwise for operators and auditors.
func (s *Service) Payouts(ctx context.Context, in PayoutQuery) (platform.Page[Payout], error) {
	q := platform.Query{Kind: payoutKind, Backward: true, Cursor: in.Cursor}
	switch {
	case in.Account != "":
		q.By, q.Equal = []string{"account", "planned"}, []any{in.Account}
	case in.Run != "" && in.State != "":
		q.By, q.Equal = []string{"run", "state"}, []any{in.Run, in.State}
	case in.Run != "":
		q.By, q.Equal = []string{"run", "state"}, []any{in.Run}
	case in.State != "":
		q.By, q.Equal = []string{"state", "planned"}, []any{in.State}
	}
	return owned[Payout](ctx, s, in.Account, q)
}
