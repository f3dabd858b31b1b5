package finance

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Accountant is the role of operators who may write free legs.
const Accountant = "accountant"

// JournalState is how far a journal has come.
type JournalState string

// The states of a journal.
const (
	JournalProposed JournalState = "proposed"
	JournalPosted   JournalState = "posted"
	JournalRejected JournalState = "rejected"
)

// journalMoves is what can happen to a journal.
var journalMoves = platform.Moves[JournalState]{
	{Verb: "approve", From: []JournalState{JournalProposed}, To: JournalPosted, By: []platform.ActorKind{platform.Operator}, Refusal: ErrJournalEnded},
	{Verb: "reject", From: []JournalState{JournalProposed}, To: JournalRejected, By: []platform.ActorKind{platform.Operator}, Refusal: ErrJournalEnded},
}

// Journal is what an accountant books by hand, since no business event does: free
// legs, with a voucher, that a second accountant approves. It is booked at that
// moment, as journal.manual.
type Journal struct {
	platform.Head
	State    JournalState   `json:"state" class:"internal"`
	Legs     []platform.Leg `json:"legs" class:"internal"`
	At       time.Time      `json:"at" class:"internal"`      // when it holds
	Reason   string         `json:"reason" class:"internal"`  // a code
	Voucher  string         `json:"voucher" class:"internal"` // SHA-256 of the file
	Proposer platform.ID    `json:"proposer" class:"internal"`
	Proposed time.Time      `json:"proposed" class:"internal"`
	Decider  platform.ID    `json:"decider,omitempty" class:"internal"`
	Decided  time.Time      `json:"decided,omitzero" class:"internal"`
}

// Ref names the journal.
func (j Journal) Ref() platform.Ref { return platform.Ref{Kind: journalKind, ID: j.ID} }

// fact is the journal as it is booked at a moment.
func (j Journal) fact(now time.Time) Fact {
	return Fact{What: "journal.manual", Subject: j.Ref(), At: j.At, Booked: now, Memo: j.Reason, Legs: j.Legs}
}

// decide is the journal after the verb, by somebody else than who proposed it.
func (j Journal) decide(verb string, by platform.Actor, now time.Time) (Journal, error) {
	state, err := journalMoves.Take(j.State, verb, by.Kind)
	if err == nil && by.ID == j.Proposer {
		err = ErrFourEyes
	}
	if err != nil {
		return Journal{}, fmt.Errorf("%s journal %s: %w", verb, j.ID, err)
	}
	j.State, j.Decider, j.Decided = state, by.ID, now
	return j, nil
}

// ProposeJournal asks for free legs to be booked.
type ProposeJournal struct {
	Legs    []Line    `json:"legs" validate:"min=2,max=1000,dive"`
	At      time.Time `json:"at,omitzero"` // when it holds; if zero, now
	Reason  string    `json:"reason" validate:"required,text=64"`
	Voucher string    `json:"voucher" validate:"required,len=64,hexadecimal"` // SHA-256 of the file, in hex
}

// ApproveJournal books a journal that somebody else proposed.
type ApproveJournal struct {
	Journal platform.ID `json:"journal" validate:"required,id=jnl"`
}

// Subject is the journal.
func (in ApproveJournal) Subject() platform.Ref {
	return platform.Ref{Kind: journalKind, ID: in.Journal}
}

// RejectJournal ends a journal that somebody else proposed.
type RejectJournal struct {
	Journal platform.ID `json:"journal" validate:"required,id=jnl"`
	Reason  string      `json:"reason" validate:"required,text=64"`
}

// Subject is the journal.
func (in RejectJournal) Subject() platform.Ref {
	return platform.Ref{Kind: journalKind, ID: in.Journal}
}

// ProposeJournal notes a journal, which books nothing yet. Operators with the
// role [Accountant] may; others are refused with ErrAccountant. It fails with
// what [Post] refuses, except for the recipe: every role may stand on either
// side.
func (s *Service) ProposeJournal(ctx context.Context, in ProposeJournal) (Journal, error) {
	by, err := s.accountant(ctx)
	if err != nil {
		return Journal{}, fmt.Errorf("propose journal: %w", err)
	}
	at, err := s.effective(in.At, in.Reason)
	if err != nil {
		return Journal{}, fmt.Errorf("propose journal: %w", err)
	}
	legs, err := legsOf(in.Legs)
	if err != nil {
		return Journal{}, fmt.Errorf("propose journal: %w", err)
	}
	j := Journal{
		Head: platform.Head{ID: s.w.NewRoot(ctx, "jnl")}, State: JournalProposed, Legs: nonzero(legs), At: at,
		Reason: in.Reason, Voucher: in.Voucher, Proposer: by.ID, Proposed: s.w.Now(),
	}
	if err := j.fact(j.Proposed).check(false); err != nil {
		return Journal{}, err
	}
	return platform.Update(ctx, s.w, in, func(context.Context) (Journal, []platform.Change, error) {
		return j, []platform.Change{platform.Put(j), platform.Happened("journal.proposed", j.Ref(), told{j.ID, j.Legs}).Because(in.Reason)}, nil
	})
}

// ApproveJournal books a journal. It fails with ErrFourEyes for who proposed it,
// with ErrJournalEnded, and with ErrInsufficient; otherwise as
// [Service.ProposeJournal] does.
func (s *Service) ApproveJournal(ctx context.Context, in ApproveJournal) (Journal, error) {
	var facts []Fact
	j, err := s.onJournal(ctx, in, in.Journal, "approve", "", func(ctx context.Context, j Journal) ([]platform.Change, error) {
		facts = []Fact{j.fact(j.Decided)}
		pinned, err := s.unbarred(ctx, facts...)
		return append(facts[0].posting("").changes(), pinned...), err
	})
	return j, insufficient(err, facts)
}

// RejectJournal ends a journal, and books nothing. It fails as
// [Service.ApproveJournal] does.
func (s *Service) RejectJournal(ctx context.Context, in RejectJournal) (Journal, error) {
	return s.onJournal(ctx, in, in.Journal, "reject", in.Reason, func(context.Context, Journal) ([]platform.Change, error) { return nil, nil })
}

// Journal is one journal. Operators and auditors read it.
func (s *Service) Journal(ctx context.Context, id platform.ID) (Journal, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && !s.books.reads(by, "") {
		err = ErrReader
	}
	if err != nil {
		return Journal{}, fmt.Errorf("journal %s: %w", id, err)
	}
	return s.books.Store.Journal(ctx, id)
}

func (s *Service) onJournal(ctx context.Context, in any, id platform.ID, verb, reason string, book func(context.Context, Journal) ([]platform.Change, error)) (Journal, error) {
	by, err := s.accountant(ctx)
	if err != nil {
		return Journal{}, fmt.Errorf("%s journal %s: %w", verb, id, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Journal, []platform.Change, error) {
		j, err := s.books.Store.Journal(ctx, id)
		if err != nil {
			return Journal{}, nil, err
		}
		next, err := j.decide(verb, by, s.w.Now())
		if err != nil {
			return Journal{}, nil, err
		}
		set, err := book(ctx, next)
		if err != nil {
			return Journal{}, nil, err
		}
		event := platform.Happened("journal."+string(next.State), j.Ref(), told{j.ID, j.Legs}).Because(reason)
		return next, append(set, platform.Put(next), event), nil
	})
}

// accountant is who acts, if it is one.
func (s *Service) accountant(ctx context.Context) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && (by.Kind != platform.Operator || !by.Has(Accountant)) {
		err = ErrAccountant
	}
	return by, err
}
