package store

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// Refusals of a set that was sound, found in the state.
var (
	ErrStale     = platform.Err(platform.ErrConflict, "stale", "changed by somebody else meanwhile", "已被他人更改")
	ErrExists    = platform.Err(platform.ErrConflict, "exists", "exists already", "已存在")
	ErrTaken     = platform.Err(platform.ErrConflict, "taken", "the name is taken", "名称已被占用")
	ErrFloor     = platform.Err(platform.ErrState, "floor", "not enough left", "余额不足")
	ErrOverflow  = platform.Err(platform.ErrInvalid, "counter.overflow", "a counter over its range", "计数器超出范围")
	ErrKeyReused = platform.Err(platform.ErrInvalid, "key.reused", "the key was used for another command", "此键已用于另一命令")
)

// State is what a flush read: everything that its sets name. What is missing
// from a map does not exist. Decide changes it as sets pass.
type State struct {
	Answers  map[platform.Key]platform.Answer
	Versions map[platform.Ref]int64
	Held     map[platform.Ref][]platform.Claim // claims of those records
	Owners   map[platform.Claim]platform.Ref   // of claims that the sets want, or their records hold
	Counters map[platform.Ref]platform.Count
}

// NewState is an empty state.
func NewState() State {
	return State{
		Answers: map[platform.Key]platform.Answer{}, Versions: map[platform.Ref]int64{}, Held: map[platform.Ref][]platform.Claim{},
		Owners: map[platform.Claim]platform.Ref{}, Counters: map[platform.Ref]platform.Count{},
	}
}

// Outcome is what one set of a flush came to: its receipt, or why it was
// refused.
type Outcome struct {
	Receipt platform.Receipt
	Err     error
}

// Writes is what a flush has to write, each row once with its final value, in
// lock order.
type Writes struct {
	Rows      []*Row
	Deleted   []platform.Ref
	Taken     map[platform.Claim]platform.Ref
	Freed     map[platform.Claim]bool
	Counters  []platform.Count
	Movements []platform.Movement
	Events    []*Row
	Answers   map[platform.Key]platform.Answer
}

// Decide says what each set does, in order of arrival and each on its own: a
// later set sees what an earlier one did, and a refused one changes nothing and
// fails no neighbour. It is pure but for state, which it brings up to date.
func Decide(state State, sets []Prepared) (Writes, []Outcome) {
	d := decision{state: state, rows: map[platform.Ref]*Row{}, deleted: map[platform.Ref]bool{}, counted: map[platform.Ref]bool{}}
	d.writes = Writes{Taken: map[platform.Claim]platform.Ref{}, Freed: map[platform.Claim]bool{}, Answers: map[platform.Key]platform.Answer{}}
	outcomes := make([]Outcome, len(sets))
	for i, set := range sets {
		outcomes[i] = d.decide(set)
	}
	return d.finish(), outcomes
}

type decision struct {
	state   State
	writes  Writes
	rows    map[platform.Ref]*Row
	deleted map[platform.Ref]bool
	counted map[platform.Ref]bool
}

func (d *decision) decide(set Prepared) Outcome {
	if set.Key != (platform.Key{}) {
		if stored, known := d.state.Answers[set.Key]; known {
			if !bytes.Equal(stored.Digest, set.Answer.Digest) {
				return Outcome{Err: fmt.Errorf("key %s: %w", set.Key.Name, ErrKeyReused)}
			}
			return Outcome{Receipt: platform.Receipt{Answer: &stored}}
		}
	}
	if err := d.unchanged(set.Steps); err != nil {
		return Outcome{Err: err}
	}
	if err := d.free(set.Steps); err != nil {
		return Outcome{Err: err}
	}
	counts, err := d.count(set.Steps)
	if err != nil {
		return Outcome{Err: err}
	}
	return Outcome{Receipt: d.apply(set, counts)}
}

// unchanged checks that every record is as the set expects it.
func (d *decision) unchanged(steps []Step) error {
	for _, s := range steps {
		version := d.state.Versions[s.Ref]
		switch s.Op {
		case platform.Create, platform.Append:
			if version != 0 {
				return fmt.Errorf("create %s: %w", s.Ref, ErrExists)
			}
		case platform.Replace, platform.Check, platform.Delete:
			if version != s.Version {
				return fmt.Errorf("%s read at version %d, now %d: %w", s.Ref, s.Version, version, ErrStale)
			}
		}
	}
	return nil
}

// free checks that every claim is free, its own record's, or given up in the
// same set.
func (d *decision) free(steps []Step) error {
	if !slices.ContainsFunc(steps, func(s Step) bool { return s.Row != nil && len(s.Row.Claims) > 0 }) {
		return nil
	}
	leaving := map[platform.Claim]bool{}
	for _, s := range steps {
		if s.Op == platform.Replace || s.Op == platform.Delete {
			for _, c := range d.state.Held[s.Ref] {
				leaving[c] = true
			}
		}
	}
	wanted := map[platform.Claim]bool{}
	for _, s := range steps {
		if s.Row == nil {
			continue
		}
		for _, c := range s.Row.Claims {
			owner, held := d.state.Owners[c]
			if wanted[c] || held && owner != s.Ref && !leaving[c] {
				return platform.Detail(fmt.Errorf("claim %s: %w", c.Scope, ErrTaken), "claim", c.Scope)
			}
			wanted[c] = true
		}
	}
	return nil
}

// count adds up the counters in the order of the set, each addition against its
// own floor: a debit never passes on the strength of a later credit.
func (d *decision) count(steps []Step) ([]platform.Count, error) {
	var counts []platform.Count
	now := map[platform.Ref]platform.Count{}
	for _, s := range steps {
		if s.Op != platform.Add {
			continue
		}
		c, touched := now[s.Ref]
		if !touched {
			c = d.state.Counters[s.Ref]
			c.Ref = s.Ref
		}
		if s.Delta > 0 && c.Value > math.MaxInt64-s.Delta || s.Delta < 0 && c.Value < -math.MaxInt64-s.Delta {
			return nil, fmt.Errorf("%s: %w", s.Ref, ErrOverflow)
		}
		c.Value += s.Delta
		c.Seq++
		if s.Delta < 0 && s.Floor != nil && c.Value < *s.Floor {
			err := platform.Detail(fmt.Errorf("%s would be %d: %w", s.Ref, c.Value, ErrFloor), "shortage", *s.Floor-c.Value)
			return nil, platform.Detail(err, "counter", s.Ref.String())
		}
		now[s.Ref] = c
		counts = append(counts, c)
	}
	return counts, nil
}

func (d *decision) apply(set Prepared, counts []platform.Count) platform.Receipt {
	var cause platform.Event // the first event is what the movements belong to
	if i := slices.IndexFunc(set.Steps, func(s Step) bool { return s.Op == platform.Append }); i >= 0 {
		cause = *set.Steps[i].Event
	}
	receipt := platform.Receipt{Counters: counts}
	for _, s := range set.Steps {
		switch s.Op {
		case platform.Create, platform.Replace:
			d.write(s.Row)
			receipt.Versions = append(receipt.Versions, platform.Version{Ref: s.Ref, Version: s.Row.Version})
		case platform.Delete:
			d.remove(s.Ref)
		case platform.Append:
			d.writes.Events = append(d.writes.Events, s.Row)
			d.state.Versions[s.Ref] = 1
		case platform.Add:
			c := counts[0]
			counts = counts[1:]
			d.state.Counters[s.Ref], d.counted[s.Ref] = c, true
			d.writes.Movements = append(d.writes.Movements, platform.Movement{
				Counter: s.Ref, Seq: c.Seq, Delta: s.Delta, After: c.Value, Cause: s.Cause, Event: cause.ID, At: cause.At,
			})
		}
	}
	if set.Key != (platform.Key{}) {
		answer := set.Answer
		answer.Receipt = receipt
		d.state.Answers[set.Key], d.writes.Answers[set.Key] = answer, answer
	}
	return receipt
}

func (d *decision) write(row *Row) {
	d.release(row.Ref, row.Claims)
	for _, c := range row.Claims {
		d.state.Owners[c], d.writes.Taken[c] = row.Ref, row.Ref
		delete(d.writes.Freed, c)
	}
	d.state.Versions[row.Ref], d.state.Held[row.Ref], d.rows[row.Ref] = row.Version, row.Claims, row
	delete(d.deleted, row.Ref)
}

func (d *decision) remove(ref platform.Ref) {
	d.release(ref, nil)
	delete(d.state.Versions, ref)
	delete(d.state.Held, ref)
	delete(d.rows, ref)
	d.deleted[ref] = true
}

// release frees the claims that a record held and does not keep, unless
// another record of the set has taken them over already.
func (d *decision) release(ref platform.Ref, kept []platform.Claim) {
	for _, c := range d.state.Held[ref] {
		if slices.Contains(kept, c) || d.state.Owners[c] != ref {
			continue
		}
		delete(d.state.Owners, c)
		delete(d.writes.Taken, c)
		d.writes.Freed[c] = true
	}
}

func (d *decision) finish() Writes {
	w := d.writes
	for _, row := range d.rows {
		w.Rows = append(w.Rows, row)
	}
	for ref := range d.deleted {
		w.Deleted = append(w.Deleted, ref)
	}
	for ref := range d.counted {
		w.Counters = append(w.Counters, d.state.Counters[ref])
	}
	slices.SortFunc(w.Rows, func(a, b *Row) int { return compare(a.Ref, b.Ref) })
	slices.SortFunc(w.Deleted, compare)
	slices.SortFunc(w.Counters, func(a, b platform.Count) int { return compare(a.Ref, b.Ref) })
	return w
}

func compare(a, b platform.Ref) int {
	if c := strings.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	return strings.Compare(string(a.ID), string(b.ID))
}
