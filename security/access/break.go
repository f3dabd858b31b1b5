package access

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

var breakMoves = platform.Moves[State]{
	{Verb: "request", From: []State{""}, To: Requested, By: people, Refusal: ErrBreak},
	{Verb: "take", From: []State{""}, To: Granted, By: people, Refusal: ErrBreak},
	{Verb: "approve", From: []State{Requested}, To: Granted, By: people, Refusal: ErrBreak},
	{Verb: "refuse", From: []State{Requested}, To: Refused, By: people, Refusal: ErrBreak},
	{Verb: "use", From: []State{Granted, Used}, To: Used, By: people, Refusal: ErrBreak},
	{Verb: "review", From: []State{Used}, To: Reviewed, By: people, Refusal: ErrBreak},
	{Verb: "remind", From: []State{Used}, By: machine, Refusal: ErrBreak},
	{Verb: "expire", From: []State{Requested, Granted}, To: Expired, By: machine, Refusal: ErrBreak},
}

// Break is emergency access ("breaking the glass"): a few looks at named fields
// of one record, for a short time, by somebody whose roles do not permit them.
// Another person grants it before, or reviews it after, and always reviews its
// use. The event of each use is addressed to the record, where the person
// concerned is told, unless Silent names the law that forbids it.
type Break struct {
	platform.Head
	State      State        `json:"state" class:"internal"`
	Account    platform.ID  `json:"account" class:"internal"` // who asked, and uses it
	Person     platform.ID  `json:"person" class:"internal"`  // behind the account
	On         platform.Ref `json:"on" class:"internal"`
	Fields     []string     `json:"fields" class:"internal"`
	Purpose    string       `json:"purpose" class:"internal"`
	Reason     string       `json:"reason" class:"internal"` // a code
	Ticket     string       `json:"ticket,omitempty" class:"internal"`
	Text       string       `json:"text,omitempty" class:"internal"`   // of the case, never of a person
	Silent     string       `json:"silent,omitempty" class:"internal"` // the rule of law that forbids telling the person
	Alone      bool         `json:"alone,omitempty" class:"internal"`  // without a second person before
	Minutes    int          `json:"minutes" class:"internal"`          // from its grant
	Uses       int          `json:"uses" class:"internal"`             // left
	Until      time.Time    `json:"until" class:"internal"`            // of the request, then of the access
	GivenBy    platform.ID  `json:"given_by,omitempty" class:"internal"`
	UsedAt     time.Time    `json:"used_at,omitzero" class:"internal"` // first
	ReviewedBy platform.ID  `json:"reviewed_by,omitempty" class:"internal"`
	Outcome    string       `json:"outcome,omitempty" class:"internal"` // a code, of the refusal or review
	Late       bool         `json:"late,omitempty" class:"internal"`    // it was not reviewed in time
	Due        time.Time    `json:"due,omitzero" class:"internal"`
}

// Ref names the emergency access.
func (b Break) Ref() platform.Ref { return platform.Ref{Kind: kindBreak, ID: b.ID} }

func (b Break) term() time.Duration { return time.Duration(b.Minutes) * time.Minute }

func (b Break) verbs(kind platform.ActorKind) []string {
	return slices.DeleteFunc(breakMoves.Open(b.State, kind), func(verb string) bool { return verb == "use" }) // no command: the guard does
}

// step is the emergency access after a move, or why there is none.
func (b Break) step(verb string, by who) (Break, error) {
	state, err := breakMoves.Take(b.State, verb, by.Kind)
	if err != nil {
		return Break{}, err
	}
	own := by.person == b.Person
	switch verb {
	case "request":
		b.Until = by.now.Add(longestBreak)
	case "take":
		if !by.opts.Alone {
			return Break{}, errAlone
		}
		b.Until = by.now.Add(b.term())
	case "approve":
		if own {
			return Break{}, ErrFourEyes
		}
		if !by.now.Before(b.Until) {
			return Break{}, ErrBreak
		}
		b.GivenBy, b.Until = by.ID, by.now.Add(b.term())
	case "use":
		if b.Uses < 1 || !by.now.Before(b.Until) {
			return Break{}, ErrBreak
		}
		b.Uses--
	case "refuse", "review":
		if own {
			return Break{}, ErrFourEyes
		}
		b.ReviewedBy, b.Outcome = by.ID, by.reason
	case "remind", "expire":
		if b.Due.IsZero() || by.now.Before(b.Due) {
			return Break{}, errNotDue
		}
		b.Late = verb == "remind"
	}
	switch {
	case state == Requested || state == Granted:
		b.Due = b.Until
	case verb == "use" && b.State == Granted:
		b.UsedAt, b.Due = by.now, by.opts.Calendar.AddDays(by.now, 1)
	case verb != "use":
		b.Due = time.Time{}
	}
	b.State = state
	return b, nil
}

func (b Break) happened(verb string, by who) platform.Change {
	to, reason := b.Ref(), b.Reason
	if verb == "use" && b.Silent == "" {
		to = b.On
	}
	if b.Outcome != "" {
		reason = b.Outcome
	}
	facts := map[string]any{
		"break": b.ID, "account": b.Account, "on": b.On, "fields": b.Fields, "purpose": b.Purpose, "ticket": b.Ticket, "silent": b.Silent,
		"until": b.Until, "left": b.Uses, "state": b.State, "epoch": by.index.policy.epoch,
	}
	return platform.Happened("access.break_"+past[verb], to, facts).Because(reason)
}

// opens tells whether it is for this look.
func (b Break) opens(act platform.Act, now time.Time) bool {
	return (b.State == Granted || b.State == Used) && now.Before(b.Until) && b.Account == act.Actor.ID &&
		b.On == act.On && b.Purpose == act.Purpose && slices.Contains(b.Fields, act.Field)
}

// Request asks for emergency access.
type Request struct {
	On      platform.Ref `json:"on" validate:"required"`
	Fields  []string     `json:"fields" validate:"required,min=1,max=20,dive,required,text=200"`
	Purpose string       `json:"purpose" validate:"required,text=64"`
	Reason  string       `json:"reason" validate:"required,text=64"`
	Ticket  string       `json:"ticket,omitempty" validate:"text=64"`
	Text    string       `json:"text,omitempty" validate:"text=500"` // of the case, never of a person
	Silent  string       `json:"silent,omitempty" validate:"text=200"`
	Minutes int          `json:"minutes,omitempty" validate:"min=0,max=240"`
	Uses    int          `json:"uses,omitempty" validate:"min=0,max=50"`
	Alone   bool         `json:"alone,omitempty"` // it cannot wait for a second person
}

// Request makes a request that waits for somebody else, or takes the access at
// once where that is allowed. It fails with FieldErrors for a record that cannot
// be, and a field that is unknown or not sealed.
func (s *Service) Request(ctx context.Context, in Request) (Break, error) {
	id := s.w.NewRoot(ctx, "brk")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Break, []platform.Change, error) {
		by, err := s.who(ctx, "")
		if err != nil {
			return Break{}, nil, err
		}
		if _, err := platform.ParseID(string(in.On.ID)); err != nil { // nor does what somebody typed get into the log
			return Break{}, nil, platform.Wrong("on", err)
		}
		for i, field := range in.Fields {
			if !careful(by.index.policy.fields[place{in.On.Kind, field}].Class) {
				return Break{}, nil, platform.Wrong(fmt.Sprintf("fields[%d]", i), ErrUnknown)
			}
		}
		b := Break{
			Head: platform.Head{ID: id}, Account: by.ID, Person: by.person, On: in.On, Fields: in.Fields, Purpose: in.Purpose,
			Reason: in.Reason, Ticket: in.Ticket, Text: in.Text, Silent: in.Silent, Alone: in.Alone, Minutes: int(s.opts.Break / time.Minute), Uses: s.opts.Uses,
		}
		if in.Minutes > 0 {
			b.Minutes = in.Minutes
		}
		if in.Uses > 0 {
			b.Uses = in.Uses
		}
		verb := "request"
		if in.Alone {
			verb = "take"
		}
		next, err := b.step(verb, by)
		if err != nil {
			return Break{}, nil, fmt.Errorf("%s access to %s: %w", verb, in.On, err)
		}
		return next, []platform.Change{platform.Put(next), next.happened(verb, by)}, nil
	})
}

// Approve grants emergency access.
type Approve struct {
	Break platform.ID `json:"break" validate:"required,id=brk"`
}

// Subject is the emergency access.
func (in Approve) Subject() platform.Ref { return platform.Ref{Kind: kindBreak, ID: in.Break} }

// Approve fails with ErrFourEyes for the person who asked.
func (s *Service) Approve(ctx context.Context, in Approve) (Break, error) {
	return step[Approve, Break](ctx, s, in, "approve", "")
}

// Refuse turns a request down.
type Refuse struct {
	Break  platform.ID `json:"break" validate:"required,id=brk"`
	Reason string      `json:"reason" validate:"required,text=64"`
}

// Subject is the emergency access.
func (in Refuse) Subject() platform.Ref { return platform.Ref{Kind: kindBreak, ID: in.Break} }

// Refuse fails with ErrFourEyes for the person who asked.
func (s *Service) Refuse(ctx context.Context, in Refuse) (Break, error) {
	return step[Refuse, Break](ctx, s, in, "refuse", in.Reason)
}

// Review says what to think of how emergency access was used, and ends it.
type Review struct {
	Break   platform.ID `json:"break" validate:"required,id=brk"`
	Outcome string      `json:"outcome" validate:"oneof=justified unjustified"`
}

// Subject is the emergency access.
func (in Review) Subject() platform.Ref { return platform.Ref{Kind: kindBreak, ID: in.Break} }

// Review is due at the close of the business day after the first use. It fails
// with ErrFourEyes for the person who asked.
func (s *Service) Review(ctx context.Context, in Review) (Break, error) {
	return step[Review, Break](ctx, s, in, "review", in.Outcome)
}

// Break is one emergency access.
func (s *Service) Break(ctx context.Context, id platform.ID) (Break, error) {
	return show[Break](ctx, s, kindBreak, id)
}

// Breaks is a page of the emergency accesses in a state, or of all, the newest
// first.
func (s *Service) Breaks(ctx context.Context, state State, cursor string, limit int) (platform.Page[Break], error) {
	return list[Break](ctx, s, kindBreak, state, cursor, limit)
}
