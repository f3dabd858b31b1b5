package settlement

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// StatementState is how far a statement has come.
type StatementState string

// The states of a statement.
const (
	StatementOpen      StatementState = "open"
	StatementCut       StatementState = "cut"
	StatementQueried   StatementState = "queried" // its party questions a line; an operator answers
	StatementConfirmed StatementState = "confirmed"
)

var (
	clerks  = []platform.ActorKind{platform.Operator}
	clock   = []platform.ActorKind{platform.System}
	parties = []platform.ActorKind{platform.Merchant, platform.Staff}
)

// StatementMoves is the transition table of a statement.
var StatementMoves = platform.Moves[StatementState]{
	{Verb: "extend", From: []StatementState{StatementOpen}, By: clock, Refusal: ErrStatement},
	{Verb: "cut", From: []StatementState{StatementOpen}, To: StatementCut, By: clock, Refusal: ErrStatement},
	{Verb: "confirm", From: []StatementState{StatementCut}, To: StatementConfirmed, By: append(clock, parties...), Refusal: ErrStatement},
	{Verb: "query", From: []StatementState{StatementCut}, To: StatementQueried, By: parties, Refusal: ErrStatement},
	{Verb: "answer", From: []StatementState{StatementQueried}, To: StatementConfirmed, By: clerks, Refusal: ErrStatement},
}

// Statement is what was booked on a party's payable in a window. Once it is cut,
// its figures never change.
type Statement struct {
	platform.Head
	Account  platform.ID    `json:"account" class:"internal"`
	Party    platform.ID    `json:"party" class:"internal"`
	No       int            `json:"no" class:"internal"` // 1, 2, 3 … of the account
	Cycle    Cycle          `json:"cycle" class:"internal"`
	From     time.Time      `json:"from" class:"internal"` // the first has what came before, too
	To       time.Time      `json:"to" class:"internal"`   // exclusive
	State    StatementState `json:"state" class:"internal"`
	After    int64          `json:"after" class:"internal"`            // the last entry before it, by its number on the account
	Last     int64          `json:"last,omitempty" class:"internal"`   // its last entry
	Opening  platform.Money `json:"opening" class:"internal"`          // what was owed before
	Closing  platform.Money `json:"closing,omitzero" class:"internal"` // what is owed after: opening and all totals
	Totals   []Total        `json:"totals,omitempty" class:"internal"`
	Query    *Query         `json:"query,omitempty" class:"internal"`
	CutAt    time.Time      `json:"cut_at,omitzero" class:"internal"`
	EndedAt  time.Time      `json:"ended_at,omitzero" class:"internal"`
	Silently bool           `json:"silently,omitempty" class:"internal"` // confirmed because nobody said anything
	Due      time.Time      `json:"due,omitzero" class:"internal"`
}

// Total is the sum of a statement's entries of one kind of fact.
type Total struct {
	What   string         `json:"what"` // the recipe: order.closed
	Count  int64          `json:"count"`
	Amount platform.Money `json:"amount"` // what came is positive

	Withheld platform.Money `json:"withheld,omitzero"` // of payouts: the tax in it that was kept back; absent if none
}

// Query is a party's question about a line.
type Query struct {
	Line   int64     `json:"line"`   // the entry's number; 0 is the whole statement
	Reason string    `json:"reason"` // a code
	At     time.Time `json:"at"`
	Answer string    `json:"answer,omitempty"` // a code
}

// Ref names the statement.
func (st Statement) Ref() platform.Ref { return platform.Ref{Kind: statementKind, ID: st.ID} }

// first is the statement with which an account begins.
func (a Account) first(at time.Time) (Statement, error) {
	currency, err := platform.ParseCurrency(a.Currency)
	if err != nil {
		return Statement{}, err
	}
	zero, err := platform.FromMinor(0, currency)
	if err != nil {
		return Statement{}, err
	}
	return a.opened(Statement{To: at, Closing: zero})
}

// opened is the statement that follows upon another.
func (a Account) opened(before Statement) (Statement, error) {
	zone, err := zoneOf(a.Zone)
	if err != nil {
		return Statement{}, err
	}
	next := Statement{
		Head: platform.Head{ID: derived("set", a.ID, string(a.ID), strconv.Itoa(before.No+1))}, Account: a.ID, Party: a.Party,
		No: before.No + 1, Cycle: a.Cycle, From: before.To, State: StatementOpen, After: before.Last, Opening: before.Closing,
	}
	next.To = next.Cycle.End(next.From, zone)
	next.Due = next.To
	return next, nil
}

// Cut returns the statement with its figures, and the one that follows. Without
// any entry its window goes on instead, to the end of the window that the moment
// lies in, and there is none to follow.
func (st Statement) Cut(a Account, in Sums, t Terms, at time.Time) (cut, following Statement, err error) {
	if at.Before(st.To) {
		return Statement{}, Statement{}, fmt.Errorf("cut statement %s before its end: %w", st.ID, ErrStatement)
	}
	verb := "cut"
	if in.Last == st.After {
		verb = "extend"
	}
	state, err := StatementMoves.Take(st.State, verb, platform.System)
	if err != nil {
		return Statement{}, Statement{}, fmt.Errorf("cut statement %s: %w", st.ID, err)
	}
	zone, err := zoneOf(a.Zone)
	if err != nil {
		return Statement{}, Statement{}, err
	}
	if verb == "extend" {
		st.Cycle = a.Cycle
		st.To = st.Cycle.End(at, zone)
		st.Due = st.To
		return st, Statement{}, nil
	}
	st.State, st.Last, st.Closing, st.Totals, st.CutAt = state, in.Last, in.Closing, in.Totals, at
	st.Due = st.Cycle.silent(st.To, at, t)
	following, err = a.opened(st)
	return st, following, err
}

// Confirm returns the statement agreed to, by its party or by silence.
func (st Statement) Confirm(by platform.ActorKind, at time.Time) (Statement, error) {
	if by == platform.System && at.Before(st.Due) {
		return Statement{}, fmt.Errorf("confirm statement %s by silence before its time: %w", st.ID, ErrStatement)
	}
	return st.end("confirm", by, at)
}

// Ask returns the statement questioned. It fails with ErrLine for a line that it
// does not have.
func (st Statement) Ask(line int64, reason string, by platform.ActorKind, at time.Time) (Statement, error) {
	state, err := StatementMoves.Take(st.State, "query", by)
	if err == nil && line != 0 && (line <= st.After || line > st.Last) {
		err = ErrLine
	}
	if err != nil {
		return Statement{}, fmt.Errorf("query statement %s: %w", st.ID, err)
	}
	st.State, st.Query, st.Due = state, &Query{Line: line, Reason: reason, At: at}, time.Time{}
	return st, nil
}

// Answer returns the questioned statement as it stands: what was wrong is righted
// in the next one.
func (st Statement) Answer(answer string, by platform.ActorKind, at time.Time) (Statement, error) {
	next, err := st.end("answer", by, at)
	if err != nil {
		return Statement{}, err
	}
	query := *st.Query
	query.Answer = answer
	next.Query = &query
	return next, nil
}

func (st Statement) end(verb string, by platform.ActorKind, at time.Time) (Statement, error) {
	state, err := StatementMoves.Take(st.State, verb, by)
	if err != nil {
		return Statement{}, fmt.Errorf("%s statement %s: %w", verb, st.ID, err)
	}
	st.State, st.EndedAt, st.Due, st.Silently = state, at, time.Time{}, by == platform.System
	return st, nil
}

// cut is what Tick does to a statement whose window is over.
type cut struct {
	Statement platform.ID `json:"statement"`
}

// Subject is the statement.
func (in cut) Subject() platform.Ref { return platform.Ref{Kind: statementKind, ID: in.Statement} }

// cut adds the entries up, which the ledger never changes, and then commits what
// they make: only if the statement is as it was read.
func (s *Service) cut(ctx context.Context, listed Statement, now time.Time) error {
	sums, err := s.sums(ctx, listed)
	if err != nil {
		return err
	}
	_, err = platform.Update(ctx, s.w, cut{listed.ID}, func(ctx context.Context) (Statement, []platform.Change, error) {
		st, err := read[Statement](ctx, s, statementKind, listed.ID)
		if err == nil && st.Version != listed.Version {
			err = fmt.Errorf("cut statement %s: %w", st.ID, ErrStatement)
		}
		if err != nil {
			return Statement{}, nil, err
		}
		a, err := read[Account](ctx, s, accountKind, st.Account)
		if err != nil {
			return Statement{}, nil, err
		}
		next, following, err := st.Cut(a, sums, s.opts.Terms, now)
		if err != nil {
			return Statement{}, nil, err
		}
		set := []platform.Change{platform.Put(next), platform.Unchanged(a)}
		if following.ID == "" {
			return next, append(set, next.happened("extended")), nil
		}
		return next, append(set, platform.Put(following), next.happened("cut")), nil
	})
	return err
}

// ConfirmStatement agrees to a statement.
type ConfirmStatement struct {
	Statement platform.ID `json:"statement" validate:"required,id=set"`
}

// Subject is the statement.
func (in ConfirmStatement) Subject() platform.Ref {
	return platform.Ref{Kind: statementKind, ID: in.Statement}
}

// ConfirmStatement lets the statement be paid. Only its party may. It fails with
// ErrStatement unless it is cut.
func (s *Service) ConfirmStatement(ctx context.Context, in ConfirmStatement) (Statement, error) {
	return s.decided(ctx, in, in.Statement, "confirmed", "", func(st Statement, by platform.Actor) (Statement, error) {
		return st.Confirm(by.Kind, s.w.Now())
	})
}

// QueryStatement questions a line of a statement, or all of it.
type QueryStatement struct {
	Statement platform.ID `json:"statement" validate:"required,id=set"`
	Line      int64       `json:"line,omitempty" validate:"min=0"`
	Reason    string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the statement.
func (in QueryStatement) Subject() platform.Ref {
	return platform.Ref{Kind: statementKind, ID: in.Statement}
}

// QueryStatement keeps a cut statement from being paid until an operator has
// answered. Only its party may. It fails with ErrLine, and with ErrStatement
// unless it is cut.
func (s *Service) QueryStatement(ctx context.Context, in QueryStatement) (Statement, error) {
	return s.decided(ctx, in, in.Statement, "queried", in.Reason, func(st Statement, by platform.Actor) (Statement, error) {
		return st.Ask(in.Line, in.Reason, by.Kind, s.w.Now())
	})
}

// AnswerStatement ends a query.
type AnswerStatement struct {
	Statement platform.ID `json:"statement" validate:"required,id=set"`
	Answer    string      `json:"answer" validate:"required,max=64,printascii"` // a code
}

// Subject is the statement.
func (in AnswerStatement) Subject() platform.Ref {
	return platform.Ref{Kind: statementKind, ID: in.Statement}
}

// AnswerStatement confirms a statement that was questioned. Only operators may;
// what they correct is booked, and shows in the next one.
func (s *Service) AnswerStatement(ctx context.Context, in AnswerStatement) (Statement, error) {
	return s.decided(ctx, in, in.Statement, "confirmed", in.Answer, func(st Statement, by platform.Actor) (Statement, error) {
		return st.Answer(in.Answer, by.Kind, s.w.Now())
	})
}

// decided commits a decision on a statement. The account knows the last one that
// was confirmed: what it says is what may be paid.
func (s *Service) decided(ctx context.Context, in any, id platform.ID, what, reason string, decide func(Statement, platform.Actor) (Statement, error)) (Statement, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Statement{}, err
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Statement, []platform.Change, error) {
		st, err := read[Statement](ctx, s, statementKind, id)
		if err == nil {
			err = s.visible(ctx, st.Party, st.Ref())
		}
		if err != nil {
			return Statement{}, nil, err
		}
		next, err := decide(st, by)
		if err != nil {
			return Statement{}, nil, err
		}
		set := []platform.Change{platform.Put(next), next.happened(what).Because(reason)}
		if next.State != StatementConfirmed {
			return next, set, nil
		}
		a, err := read[Account](ctx, s, accountKind, st.Account)
		if err != nil {
			return Statement{}, nil, err
		}
		if next.No > a.Confirmed {
			a.Statement, a.Confirmed = next.ID, next.No
			set = append(set, platform.Put(a))
		}
		return next, set, nil
	})
}

// silence confirms a statement that nobody questioned.
type silence struct {
	Statement platform.ID `json:"statement"`
}

// Subject is the statement.
func (in silence) Subject() platform.Ref { return platform.Ref{Kind: statementKind, ID: in.Statement} }

// settle does what a statement's due asks for.
func (s *Service) settle(ctx context.Context, st Statement, now time.Time) error {
	if st.State == StatementOpen {
		return s.cut(ctx, st, now)
	}
	_, err := s.decided(ctx, silence{st.ID}, st.ID, "confirmed", "silence", func(st Statement, by platform.Actor) (Statement, error) {
		return st.Confirm(by.Kind, now)
	})
	return err
}

func (st Statement) happened(what string) platform.Change {
	return platform.Happened("settlement."+what, st.Ref(), struct {
		Party   platform.ID    `json:"party"`
		No      int            `json:"no"`
		To      time.Time      `json:"to"`
		Opening platform.Money `json:"opening"`
		Closing platform.Money `json:"closing,omitzero"`
	}{st.Party, st.No, st.To, st.Opening, st.Closing})
}

// Statement is one statement, for its party, operators and auditors.
func (s *Service) Statement(ctx context.Context, id platform.ID) (Statement, error) {
	st, err := read[Statement](ctx, s, statementKind, id)
	if err == nil {
		err = s.visible(ctx, st.Party, st.Ref())
	}
	if err != nil {
		return Statement{}, err
	}
	return st, nil
}

// Statements are a page of an account's statements, the newest first, or, for
// operators, of those in one state.
func (s *Service) Statements(ctx context.Context, account platform.ID, state StatementState, cursor string) (platform.Page[Statement], error) {
	q := platform.Query{Kind: statementKind, Backward: true, Cursor: cursor}
	switch {
	case account != "":
		q.By, q.Equal = []string{"account", "no"}, []any{account}
	case state != "":
		q.By, q.Equal = []string{"state"}, []any{state}
	}
	return owned[Statement](ctx, s, account, q)
}
