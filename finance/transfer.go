package finance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	Subject platform.Ref `json:"subject,omitzero"` // to what it happened; if zero, a transfer of its own under the group's key
	N       int          `json:"n,omitempty" validate:"min=0"`
	At      time.Time    `json:"at,omitzero"`  // if zero, now
	Due     time.Time    `json:"due,omitzero"` // of a hold: when it expires
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

// Batch is groups that are independent of each other, unless atomic: then all
// stand or fall together.
type Batch struct {
	Groups []Transfer `json:"groups" validate:"min=1,max=10000"`
	Atomic bool       `json:"atomic,omitempty"`
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

// Batch books groups as sets of their own, which the store writes together as
// they come, and answers each in the order of the batch: one that fails harms no
// neighbour. Which comes first is not said, but of groups that begin with the
// same fact, or have the same key, it is the first. An atomic batch is one set:
// it fails as a whole, with the error of its first refusal. It fails with errSize
// for none or too many, and for an actor that may not.
func (s *Service) Batch(ctx context.Context, in Batch) ([]Result, error) {
	err := s.desk(ctx, platform.System)
	if n := len(in.Groups); err == nil && (n < 1 || n > 10_000) {
		err = errSize
	}
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	if in.Atomic {
		return s.together(ctx, in.Groups)
	}
	groups, err := named(ctx, in.Groups)
	if err != nil {
		return nil, err
	}
	ctx = platform.WithoutKey(ctx)
	results, lanes := make([]Result, len(groups)), lanes(groups)
	var done sync.WaitGroup
	next := make(chan []int)
	for range min(len(lanes), maxTogether) {
		done.Go(func() {
			for lane := range next {
				for _, i := range lane {
					result, err := s.transfer(ctx, groups[i])
					if err != nil {
						result = Result{Outcome: Refused, Err: err}
					}
					results[i] = result
				}
			}
		})
	}
	for _, lane := range lanes {
		next <- lane
	}
	close(next)
	done.Wait()
	return results, nil
}

// named are the groups with a key each: a group that has none, nor subjects,
// has that of the batch and its place.
func named(ctx context.Context, groups []Transfer) ([]Transfer, error) {
	key, err := platform.KeyOf(ctx)
	groups = slices.Clone(groups)
	for i, g := range groups {
		bare := slices.ContainsFunc(g.Steps, func(step Step) bool { return step.Subject == (platform.Ref{}) })
		if bare && g.Key == "" && key.Name != "" {
			groups[i].Key = key.Name + "/" + strconv.Itoa(i)
		}
	}
	return groups, err
}

// maxTogether is how many sets of a batch wait at once: as many as one flush of a
// store takes.
const maxTogether = 1024

// lanes are the groups by what they begin with, each in order: only those of one
// lane can be duplicates.
func lanes(groups []Transfer) [][]int {
	var all [][]int
	at := map[string]int{}
	for i, g := range groups {
		name := "key " + g.Key
		if g.Key == "" && len(g.Steps) > 0 {
			name = fmt.Sprint(g.Steps[0].What, " ", g.Steps[0].Subject, " ", g.Steps[0].N)
		}
		lane, known := at[name]
		if !known {
			lane, all = len(all), append(all, nil)
			at[name] = lane
		}
		all[lane] = append(all[lane], i)
	}
	return all
}

// together books groups as one, and tells its result apart again.
func (s *Service) together(ctx context.Context, groups []Transfer) ([]Result, error) {
	var one Transfer
	var sizes []int
	for i, g := range groups {
		for _, step := range g.Steps {
			if step.Subject == (platform.Ref{}) {
				return nil, fmt.Errorf("groups[%d]: %w", i, ErrSubject)
			}
		}
		one.Steps, sizes = append(one.Steps, g.Steps...), append(sizes, len(g.Steps))
	}
	whole, err := s.transfer(ctx, one)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(groups))
	for i, n := range sizes {
		results[i] = Result{Outcome: whole.Outcome, Made: whole.Made[:n:n]}
		whole.Made = whole.Made[n:]
	}
	return results, nil
}

// transfer books one group.
func (s *Service) transfer(ctx context.Context, in Transfer) (Result, error) {
	if in.Key != "" {
		ctx = platform.WithKey(ctx, in.Key)
	}
	if err := platform.Validate(in); err != nil {
		return Result{}, err
	}
	facts, err := s.facts(ctx, in)
	if err != nil {
		return Result{}, err
	}
	var known Result // what was booked before
	tries := 0
	result, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Result, []platform.Change, error) {
		if tries++; tries > 1 { // the first failed, perhaps since it is in the books already
			var err error
			if known, err = s.known(ctx, facts); err != nil {
				return Result{}, nil, err
			}
			if known.Outcome != "" {
				return Result{}, nil, errKnown
			}
		}
		return s.steps(ctx, in, facts)
	})
	switch {
	case errors.Is(err, errKnown):
		return known, nil
	case err == nil && result.Outcome == Duplicate: // under its key
		return result, s.recall(ctx, &result)
	case platform.Code(err) == "unknown": // it may have been written before the connection was lost
		if known, failed := s.known(ctx, facts); failed == nil && known.Outcome != "" {
			return known, nil
		}
	}
	return result, insufficient(err, facts)
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
	changes, err := s.books.unlocked(ctx, facts...)
	if err != nil {
		return Result{}, nil, err
	}
	result := Result{Outcome: Done, fresh: true}
	for i, f := range facts {
		r, err := recipeOf(f.What)
		if err == nil && len(f.Legs) == 0 && len(r.Debit) > 0 && !r.Part {
			err = ErrLegs
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

// known is what the books have of facts already: nothing, or all of them as they
// are. Otherwise it fails with ErrKeyReused.
func (s *Service) known(ctx context.Context, facts []Fact) (Result, error) {
	result := Result{Outcome: Duplicate}
	var missing int
	for _, f := range facts {
		was, at, err := s.booked(ctx, f)
		if err != nil {
			return Result{}, err
		}
		switch {
		case at == (platform.Ref{}):
			missing++
			continue
		case !slices.Equal(was.Legs, nonzero(f.Legs)), was.What != f.What:
			return Result{}, fmt.Errorf("%s of %s: %w", f.What, f.Subject, ErrKeyReused)
		}
		result.Made = append(result.Made, made(at, was))
	}
	switch missing {
	case 0:
		return result, s.recall(ctx, &result)
	case len(facts):
		return Result{}, nil
	}
	return Result{}, fmt.Errorf("%d of %d steps: %w", len(facts)-missing, len(facts), ErrKeyReused)
}

// recall reads the balances that were given when a result came about.
func (s *Service) recall(ctx context.Context, r *Result) error {
	for i := range r.Made {
		moved, err := s.books.Store.Caused(ctx, r.Made[i].Ref)
		if err != nil {
			return fmt.Errorf("balances after %s: %w", r.Made[i].Ref, err)
		}
		r.Made[i].remember(moved)
	}
	return nil
}

// booked is a fact as it is in the books, and where; the zero Ref if it is not.
// What ends a hold has none of its own, or several: the hold's state tells.
func (s *Service) booked(ctx context.Context, f Fact) (Fact, platform.Ref, error) {
	switch r := recipes[f.What]; {
	case r.Held:
		p, err := s.books.Store.Pending(ctx, pendingOf(f.Subject).ID)
		if errors.Is(err, platform.ErrNotFound) {
			return Fact{}, platform.Ref{}, nil
		}
		return p.Fact, p.Ref(), err
	case r.Settles != "" || r.Voids != "":
		return Fact{}, platform.Ref{}, nil
	}
	found, err := s.books.Store.Posted(ctx, f.id())
	if err != nil || len(found) == 0 {
		return Fact{}, platform.Ref{}, err
	}
	return found[0].Fact, found[0].Ref(), nil
}

// insufficient says of a floor that was met which account lacks how much, in the
// words of the books.
func insufficient(err error, facts []Fact) error {
	if platform.Code(err) != "floor" {
		return err
	}
	facts = slices.Clone(facts)
	details := platform.Details(err)
	name, _ := details["counter"].(string)
	short, _ := details["shortage"].(int64)
	_, a, code, broken := counted(platform.Ref{Kind: "counter", ID: platform.ID(strings.TrimPrefix(name, "counter/"))})
	currency, unknown := platform.ParseCurrency(code)
	if broken != nil || unknown != nil {
		return err
	}
	var asked int64
	for _, f := range facts {
		for _, l := range f.Legs {
			row, _ := lineOf(l.Role)
			if growth := grows(l, row); accountOf(l) == a && l.Amount.Currency() == currency && growth < 0 {
				asked -= growth
			}
		}
	}
	amounts, failed := monies(currency, asked, asked-short)
	if failed != nil || asked == 0 {
		return err
	}
	refusal := fmt.Errorf("%s lacks %s: %w", a, strconv.FormatInt(short, 10), ErrInsufficient)
	refusal = platform.Detail(platform.Detail(refusal, "asked", amounts[0]), "available", amounts[1])
	return platform.Detail(refusal, "account", a.String())
}
