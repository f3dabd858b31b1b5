package finance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Line is a leg as it is written from outside: an account's text and an amount,
// debits above zero.
type Line struct {
	Account string         `json:"account" validate:"required,max=160"` // as in [Account]
	Amount  platform.Money `json:"amount,omitzero" validate:"required"`
}

// Step is a fact to be booked by its recipe, which may also hold, or end a hold.
type Step struct {
	What    string       `json:"what" validate:"required,text=64"`
	Subject platform.Ref `json:"subject,omitzero"`             // to what it happened; if zero, a transfer of its own under the group's key
	N       int          `json:"n,omitempty" validate:"min=0"` // tells repetitions apart; of a part of a hold without a key: how many came before
	At      time.Time    `json:"at,omitzero"`                  // if zero, now
	Due     time.Time    `json:"due,omitzero"`                 // of a hold that guards no call to an institution: when it expires
	Legs    []Line       `json:"legs" validate:"max=1000,dive"`
	Reason  string       `json:"reason,omitempty" validate:"text=64"` // a code, also for a rate and its source; required for a fact of more than three days ago
}

// Transfer is a group of steps that stand or fall together. What it booked is
// named by what, subject and n of its steps, for ever; a key, remembered for 30
// days, also tells another group under it.
type Transfer struct {
	Key   string `json:"key,omitempty" validate:"max=255"`
	Steps []Step `json:"steps" validate:"min=1,max=1000,dive"`
}

// told is what an event says of a posting or hold.
type told struct {
	ID   platform.ID    `json:"id"`
	Legs []platform.Leg `json:"legs"`
}

// Transfer books a group. A repeat has no second effect: its outcome is
// Duplicate, with what was booked and the balances of then. Operators may, and
// the system.
//
// It fails with what [Books.Post] refuses; with ErrInsufficient (details account,
// available, asked) when an account lacks the money; with ErrKeyReused when a
// step is in the books with other legs, ErrSubject for a step that has neither
// subject nor key, and ErrEffective for a moment too far away. A transfer that
// fails has changed nothing.
func (s *Service) Transfer(ctx context.Context, in Transfer) (Result, error) {
	if err := s.desk(ctx, platform.System); err != nil {
		return Result{}, fmt.Errorf("transfer: %w", err)
	}
	return s.transfer(ctx, in)
}

// transfer books one group.
func (s *Service) transfer(ctx context.Context, in Transfer) (Result, error) {
	if in.Key != "" {
		ctx = platform.WithKey(ctx, in.Key)
	}
	facts, err := s.facts(ctx, in)
	if err != nil {
		return Result{}, cmp.Or(platform.Validate(in), err) // Update validates what gets there
	}
	key, err := platform.KeyOf(ctx)
	if err != nil {
		return Result{}, err
	}
	t := &transferring{s: s, in: in, facts: facts, named: key == (platform.Key{}) && slices.ContainsFunc(facts, Fact.counted)}
	result, err := platform.Update(ctx, s.w, in, t.decide)
	switch {
	case errors.Is(err, errKnown):
		return t.known, nil
	case err == nil && result.Outcome == Duplicate: // under its key
		return result, s.recall(ctx, &result)
	case platform.Code(err) == "unknown": // it may have been written before the connection was lost
		if known, failed := s.known(ctx, facts); failed == nil && known.Outcome != "" {
			return known, nil
		}
	}
	return result, insufficient(err, facts)
}

// knownOnly is the error that says what is in the books already.
func knownOnly(err error) error {
	if errors.Is(err, errKnown) || errors.Is(err, ErrKeyReused) {
		return err
	}
	return nil
}

// transferring is a group on its way.
type transferring struct {
	s     *Service
	in    Transfer
	facts []Fact
	named bool   // nothing but their N tells its parts of a hold from others
	tries int    // so far
	known Result // what was booked before
}

// decide books the group, unless it is in the books already.
func (t *transferring) decide(ctx context.Context) (Result, []platform.Change, error) {
	if t.tries++; t.tries > 1 || t.named { // the first failed, perhaps since it is in the books already
		if err := t.seen(ctx); err != nil {
			return Result{}, nil, err
		}
	}
	result, set, err := t.s.steps(ctx, t.in, t.facts)
	if t.named && err == nil && misplaced(set, t.facts) {
		err = fmt.Errorf("transfer: %w", ErrPart)
	}
	if errors.Is(err, ErrPart) || errors.Is(err, ErrPendingEnded) { // perhaps by these very steps
		err = cmp.Or(knownOnly(t.seen(ctx)), err)
	}
	return result, set, err
}

// seen fails with errKnown if the group is in the books.
func (t *transferring) seen(ctx context.Context) (err error) {
	if t.known, err = t.s.known(ctx, t.facts); err == nil && t.known.Outcome != "" {
		err = errKnown
	}
	return err
}

// errKnown ends a command that has nothing left to do.
var errKnown = errors.New("it is in the books already")

// facts are the steps as they will be booked.
func (s *Service) facts(ctx context.Context, in Transfer) ([]Fact, error) {
	key, err := platform.KeyOf(ctx)
	if err != nil {
		return nil, err
	}
	var own platform.Ref
	facts := make([]Fact, len(in.Steps))
	for i, step := range in.Steps {
		f := Fact{What: step.What, Subject: step.Subject, N: step.N, Memo: step.Reason, Booked: s.w.Now()}
		if f.Legs, err = legsOf(step.Legs); err == nil {
			f.At, err = s.effective(step.At, step.Reason)
		}
		if f.Subject == (platform.Ref{}) && err == nil {
			if own == (platform.Ref{}) {
				own = platform.Ref{Kind: "finance.transfer", ID: s.w.NewRoot(ctx, "trf")}
			}
			if f.Subject, f.N = own, i; key == (platform.Key{}) {
				err = ErrSubject
			}
		}
		if err != nil {
			return nil, fmt.Errorf("steps[%d]: %w", i, err)
		}
		facts[i] = f
	}
	return facts, nil
}

// effective is the moment of a fact: now unless it is given, at most a day
// ahead, and with a reason if it is more than three days ago.
func (s *Service) effective(at time.Time, reason string) (time.Time, error) {
	now := s.w.Now()
	switch {
	case at.IsZero():
		return now, nil
	case at.After(now.AddDate(0, 0, 1)), at.Year() < 1970, at.Before(now.AddDate(0, 0, -3)) && reason == "":
		return at, ErrEffective
	}
	return at.UTC(), nil
}

// counted tells whether the fact settles a part of a hold, after which there may
// be further ones: without a key, its N alone tells it from these.
func (f Fact) counted() bool { r := recipes[f.What]; return r.Part && !r.Frees }

// misplaced tells whether a part that was told by its N would be another.
func misplaced(set []platform.Change, facts []Fact) bool {
	for _, c := range set {
		p, ok := c.Value.(Posting)
		if ok && p.counted() && !slices.ContainsFunc(facts, func(f Fact) bool { return f.What == p.What && f.Subject == p.Subject && f.N == p.N }) {
			return true
		}
	}
	return false
}

// legsOf reads lines.
func legsOf(lines []Line) ([]platform.Leg, error) {
	legs := make([]platform.Leg, len(lines))
	for i, l := range lines {
		a, err := ParseAccount(l.Account)
		if err != nil {
			return nil, fmt.Errorf("legs[%d]: %w", i, err)
		}
		legs[i] = platform.Leg{Role: a.Role, Of: a.Of, Party: a.Party, Amount: l.Amount}
	}
	return legs, nil
}

// steps decides the steps of a group, one after the other.
func (s *Service) steps(ctx context.Context, in Transfer, facts []Fact) (Result, []platform.Change, error) {
	changes, err := s.unbarred(ctx, facts...)
	if err != nil {
		return Result{}, nil, err
	}
	result := Result{Outcome: Done, fresh: true}
	for i, f := range facts {
		r, err := recipeOf(f.What)
		switch due := in.Steps[i].Due; {
		case err == nil && len(f.Legs) == 0 && len(r.Debit) > 0 && !r.Part:
			err = ErrLegs
		case err == nil && !due.IsZero() && !r.Lapses:
			err = ErrRecipe
		}
		if err != nil {
			return Result{}, nil, fmt.Errorf("steps[%d]: %w", i, err)
		}
		set, err := s.books.changes(ctx, r, f, in.Steps[i].Due)
		if err != nil {
			return Result{}, nil, fmt.Errorf("steps[%d]: %w", i, err)
		}
		for _, c := range set {
			switch v := c.Value.(type) {
			case Posting:
				result.Made = append(result.Made, made(v.Ref(), v.Fact))
				changes = append(changes, platform.Happened("posting.made", v.Ref(), told{v.ID, v.Legs}).Because(f.Memo))
			case Pending:
				if v.State == Open && len(v.Parts) == 0 {
					result.Made = append(result.Made, made(v.Ref(), v.Fact))
				}
				changes = append(changes, platform.Happened(v.said(), v.Ref(), told{v.ID, v.left()}).Because(f.Memo))
			}
		}
		changes = append(changes, set...)
	}
	result.expect(changes)
	return result, changes, nil
}

// said is what happened to a hold that has just been written.
func (p Pending) said() string {
	if p.State == Open && len(p.Parts) == 0 {
		return "pending.held"
	}
	if p.State == Open {
		return "pending.settled" // in part
	}
	return "pending." + string(p.State)
}
