package budget

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Books turns what happened into postings. finance.Books is one.
type Books interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
}

// Control keeps the lines for other rooms: they hand over what they commit and
// spend, and put its changes into their own sets. It may be used by several
// goroutines at once.
type Control struct {
	Store Store
	Books Books
}

// acts are what a source does to its commitments.
var acts = map[string]func(c Commitment, l Line, amount platform.Money, at time.Time) (step, error){
	"budget.committed": Commitment.commit,
	"budget.spent": func(c Commitment, l Line, amount platform.Money, at time.Time) (step, error) {
		return c.spend(l, amount, false, at)
	},
	"budget.settled": func(c Commitment, l Line, amount platform.Money, at time.Time) (step, error) {
		return c.spend(l, amount, true, at)
	},
	"budget.released": func(c Commitment, l Line, _ platform.Money, at time.Time) (step, error) {
		return c.commit(l, zero(l.Plan), at)
	},
}

// Post tells what a source does on lines, each leg an amount of one line (Of);
// legs of one line add up. What is one of
//
//	budget.committed   the source has the amount open on the line, no more and no less
//	budget.spent       a part of it is spent; what is above what is open comes from free
//	budget.settled     the last part is spent, maybe none, and the rest is free again
//	budget.released    nothing is open any more, whatever the amount
//
// The changes join the caller's set. Among them are the commitments, a check of
// each line, the postings and an event. It fails with ErrNoLine for a leg without
// a line, with ErrClosed for a line that is not in force (unless the commitment
// was carried over), and with ErrCurrency. The commit fails with ErrState, code
// floor, when a line has not enough; [Control.Refusal] says it in this room's
// words.
func (c Control) Post(ctx context.Context, what string, source platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error) {
	act, known := acts[what]
	if !known {
		return nil, fmt.Errorf("%s of %s: %w", what, source, errWhat)
	}
	legs, err := byLine(legs)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", what, source, err)
	}
	held, err := c.held(ctx, source, legs)
	for _, h := range held {
		if err == nil && what != "budget.released" {
			err = h.line.open()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", what, source, err)
	}
	var steps []step
	for i, h := range held {
		s, err := act(h.commitment, h.line, legs[i].Amount, at)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", what, source, err)
		}
		steps = append(steps, s)
	}
	e := Entry{Head: platform.Head{ID: entryID(source, steps)}, What: what, Source: source, Legs: legs, At: at}
	return c.changes(ctx, e, steps)
}

// held is a commitment, maybe of nothing yet, and the line on which it lies.
type held struct {
	commitment Commitment
	line       Line
}

// held reads what a source has on lines, in two trips at most.
func (c Control) held(ctx context.Context, source platform.Ref, legs []platform.Leg) ([]held, error) {
	asked := make([]platform.ID, len(legs))
	for i, l := range legs {
		asked[i] = commitmentID(source, l.Of)
	}
	found, err := c.Store.Commitments(ctx, asked...)
	if err != nil {
		return nil, err
	}
	all, on := make([]held, len(legs)), make([]platform.ID, len(legs))
	for i, l := range legs {
		on[i] = l.Of
		all[i].commitment = Commitment{
			Head: platform.Head{ID: asked[i]}, Source: source, Line: l.Of, On: l.Of, Open: zero(l.Amount), Spent: zero(l.Amount),
		}
		if at := slices.IndexFunc(found, func(c Commitment) bool { return c.ID == asked[i] }); at >= 0 {
			all[i].commitment, on[i] = found[at], found[at].On
		}
	}
	lines, err := c.Store.Lines(ctx, on...)
	if err != nil {
		return nil, err
	}
	for i := range all {
		at := slices.IndexFunc(lines, func(l Line) bool { return l.ID == on[i] })
		if at < 0 {
			return nil, fmt.Errorf("line %s: %w", on[i], ErrNoLine)
		}
		all[i].line = lines[at]
		if lines[at].Plan.Currency() != legs[i].Amount.Currency() {
			return nil, fmt.Errorf("line %s: %w", on[i], ErrCurrency)
		}
	}
	return all, nil
}

// byLine adds up the legs of each line.
func byLine(legs []platform.Leg) (out []platform.Leg, err error) {
	for _, l := range legs {
		if _, bad := platform.ParseID(string(l.Of)); bad != nil || l.Of.Prefix() != "bgt" {
			return nil, ErrNoLine
		}
		if l.Amount.Absent() || l.Amount.Sign() < 0 {
			return nil, fmt.Errorf("line %s: %w", l.Of, errAmount)
		}
		at := slices.IndexFunc(out, func(o platform.Leg) bool { return o.Of == l.Of })
		if at < 0 {
			out = append(out, platform.Leg{Of: l.Of, Amount: l.Amount})
			continue
		}
		if out[at].Amount, err = out[at].Amount.Add(l.Amount); err != nil {
			return nil, fmt.Errorf("line %s: %w", l.Of, err)
		}
	}
	if len(out) == 0 {
		return nil, ErrNoLine
	}
	slices.SortFunc(out, func(a, b platform.Leg) int { return cmp.Compare(a.Of, b.Of) })
	return out, nil
}

// entryID tells each act of a source apart, by how often its commitments moved.
func entryID(source platform.Ref, steps []step) platform.ID {
	var name strings.Builder
	for _, s := range steps {
		_, _ = fmt.Fprintf(&name, "%s %d\x00", s.next.ID, s.next.Moves)
	}
	return derived("ben", source.ID, name.String())
}

// changes are those of an act: its entry, the commitments, the lines that must
// stay as they are, postings, months and events.
func (c Control) changes(ctx context.Context, e Entry, steps []step) ([]platform.Change, error) {
	warned, err := c.warned(ctx, steps, e.At)
	if err != nil {
		return nil, err
	}
	set := []platform.Change{platform.Put(e)}
	checked := map[platform.ID]bool{}
	for _, s := range steps {
		set = append(set, platform.Put(s.next))
		if !checked[s.line.ID] {
			checked[s.line.ID], set = true, append(set, platform.Unchanged(s.line))
		}
		if s.spent.Sign() > 0 {
			set = append(set, platform.Delta(s.line.month(e.At), s.spent.Minor(), e.Ref()))
		}
	}
	booked, err := c.book(ctx, e, steps)
	if err != nil {
		return nil, err
	}
	told := platform.Happened(e.What, e.Ref(), map[string]any{"source": e.Source, "lines": e.Legs})
	return slices.Concat(set, booked, []platform.Change{told}, warned), nil
}

// book posts what the steps do to free, committed and spent.
func (c Control) book(ctx context.Context, e Entry, steps []step) (set []platform.Change, err error) {
	var released, committed, spent legs
	for _, s := range steps {
		fromOpen, err := s.spent.Sub(s.excess)
		if err != nil {
			return nil, err
		}
		err = errors.Join(
			released.move("committed", "free", s.line, s.released),
			committed.move("free", "committed", s.line, s.committed),
			spent.move("committed", "spent", s.line, fromOpen),
			spent.move("free", "spent", s.line, s.excess),
		)
		if err != nil {
			return nil, err
		}
	}
	for _, p := range []struct {
		what string
		legs
	}{{"budget.released", released}, {"budget.committed", committed}, {"budget.spent", spent}} {
		if len(p.legs) == 0 {
			continue
		}
		more, err := c.Books.Post(ctx, p.what, e.Ref(), e.At, p.legs)
		if err != nil {
			return nil, fmt.Errorf("book %s of %s: %w", p.what, e.ID, err)
		}
		set = append(set, more...)
	}
	return set, nil
}

// Lines tells of lines, in the order asked, as a JSON list of {id, centre,
// account, currency}. It fails with ErrNoLine for one that there is not, and with
// ErrClosed for one that is not in force.
func (c Control) Lines(ctx context.Context, ids ...platform.ID) (json.RawMessage, error) {
	lines, err := c.Store.Lines(ctx, ids...)
	if err != nil {
		return nil, err
	}
	told := make([]map[string]any, len(ids))
	for i, id := range ids {
		at := slices.IndexFunc(lines, func(l Line) bool { return l.ID == id })
		if at < 0 {
			return nil, fmt.Errorf("line %s: %w", id, ErrNoLine)
		}
		l := lines[at]
		if err := l.open(); err != nil {
			return nil, err
		}
		told[i] = map[string]any{"id": l.ID, "centre": l.Centre, "account": l.Account, "currency": l.Plan.Currency().String()}
	}
	return json.Marshal(told)
}

// Refusal is the error of a command as this room says it: ErrExceeded, with the
// line and what was lacking as details, where a line had not enough free; any
// other error stays as it is.
func (c Control) Refusal(err error) error { return refusal(err) }

func refusal(err error) error {
	facts := platform.Details(err)
	counter, _ := facts["counter"].(string)
	_, line, ok := strings.Cut(counter, "available:free:")
	if platform.Code(err) != "floor" || !ok {
		return err
	}
	line, _, _ = strings.Cut(line, "/")
	return platform.Detail(platform.Detail(fmt.Errorf("line %s: %w", line, ErrExceeded), "line", line), "shortage", facts["shortage"])
}
