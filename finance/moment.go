package finance

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// BalanceAt is what was on an account at a moment: after the last entry that was
// booked then or before. It is refused as [Books.Balance] is. It costs a few
// reads however long the account is.
func (b Books) BalanceAt(ctx context.Context, a Account, currency platform.Currency, at time.Time) (Balance, error) {
	l, err := b.readable(ctx, a)
	if err != nil {
		return Balance{}, err
	}
	total, err := b.valueAt(ctx, a.counter(posted, currency.String()), at)
	if err != nil {
		return Balance{}, fmt.Errorf("balance of %s at %s: %w", a, at, err)
	}
	total *= int64(l.Normal)
	free := total
	if l.Floored {
		if free, err = b.valueAt(ctx, a.counter(available, currency.String()), at); err != nil {
			return Balance{}, fmt.Errorf("balance of %s at %s: %w", a, at, err)
		}
	}
	return balanceOf(a, currency, total, free)
}

func balanceOf(a Account, currency platform.Currency, total, free int64) (Balance, error) {
	amounts, err := monies(currency, total, free, total-free)
	if err != nil {
		return Balance{}, fmt.Errorf("balance of %s: %w", a, err)
	}
	return Balance{Account: a, Posted: amounts[0], Available: amounts[1], Held: amounts[2]}, nil
}

// valueAt is the value of a counter after its last movement at or before a
// moment. Numbers follow the order of commits, moments that of decisions, so
// the two may cross by the time of a commit: the last pages are read in full.
func (b Books) valueAt(ctx context.Context, counter platform.Ref, at time.Time) (int64, error) {
	counts, err := b.Store.Counts(ctx, counter)
	if err != nil || counts[0].Seq == 0 {
		return 0, err
	}
	from, until := int64(1), counts[0].Seq+1 // the last one lies in [from-page, until+page)
	var low, high time.Time
	for by := 0; until-from > pageSize; by++ {
		probe := from + (until-from)/2
		if by%2 == 0 && high.After(low) && !low.IsZero() { // where it lies if they came evenly
			hi, lo := bits.Mul64(uint64(at.Sub(low)), uint64(until-from))
			share, _ := bits.Div64(hi, lo, uint64(high.Sub(low)))
			probe = min(max(from+int64(share), from+1), until-1)
		}
		found, err := b.Store.MovementsFrom(ctx, counter, probe, 1, false)
		if err != nil {
			return 0, err
		}
		if len(found) > 0 && !found[0].At.After(at) {
			from, low = probe, found[0].At
		} else {
			until = probe
			if len(found) > 0 {
				high = found[0].At
			}
		}
	}
	return b.lastOf(ctx, counter, max(from-pageSize, 1), until+pageSize, at)
}

// lastOf is the value after the last movement in a range of numbers that was
// made at or before a moment.
func (b Books) lastOf(ctx context.Context, counter platform.Ref, from, until int64, at time.Time) (value int64, err error) {
	for from < until {
		found, err := b.Store.MovementsFrom(ctx, counter, from, pageSize, false)
		if err != nil {
			return 0, err
		}
		for _, m := range found {
			if !m.At.After(at) {
				value = m.After
			}
		}
		if len(found) < pageSize {
			break
		}
		from += pageSize
	}
	return value, nil
}

// Snapshot is an account at one moment, with the holds that take from it. What is
// posted less what is available is what they take.
type Snapshot struct {
	Balance
	Entries int64     `json:"entries"` // how many there are on the account: the number of the last
	Moves   int64     `json:"moves"`   // how often what is available changed, holds included; 0 for an account without floor
	Holds   []Pending `json:"holds"`   // the newest first
}

// Snapshot reads an account and its open holds as they were together. It is
// refused as [Books.Balance] is, and with ErrRestless when the account changed
// at each of five readings.
func (b Books) Snapshot(ctx context.Context, a Account, currency platform.Currency) (Snapshot, error) {
	l, err := b.readable(ctx, a)
	if err != nil {
		return Snapshot{}, err
	}
	refs := []platform.Ref{a.counter(posted, currency.String()), a.counter(available, currency.String())}
	for range 5 {
		before, err := b.Store.Counts(ctx, refs...)
		if err != nil {
			return Snapshot{}, fmt.Errorf("snapshot of %s: %w", a, err)
		}
		total := before[0].Value * int64(l.Normal)
		snapshot := Snapshot{Entries: before[0].Seq, Moves: before[1].Seq, Holds: []Pending{}}
		free := total
		if l.Floored {
			free = before[1].Value
			if snapshot.Holds, err = b.holds(ctx, a, before[1], total-free); err != nil {
				return Snapshot{}, fmt.Errorf("snapshot of %s: %w", a, err)
			}
		}
		if snapshot.Balance, err = balanceOf(a, currency, total, free); err != nil {
			return Snapshot{}, err
		}
		after, err := b.Store.Counts(ctx, refs...)
		if err != nil {
			return Snapshot{}, fmt.Errorf("snapshot of %s: %w", a, err)
		}
		if slices.Equal(before, after) {
			return snapshot, nil
		}
	}
	return Snapshot{}, fmt.Errorf("snapshot of %s: %w", a, ErrRestless)
}

// holds are the open holds on an account, which take so much of its available
// counter together. They are found by the account's holder, so that what is over
// costs nothing; only for one that takes from other holders first does it go back
// along the counter, until all are found.
func (b Books) holds(ctx context.Context, a Account, counter platform.Count, taken int64) ([]Pending, error) {
	h := holding{counter: counter.Ref, taken: taken, open: []Pending{}, seen: map[platform.ID]bool{}}
	for cursor := ""; h.taken > 0; {
		page, err := b.Store.Holding(ctx, a.holder(), cursor)
		if err != nil {
			return nil, err
		}
		h.take(page.Items)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for from := counter.Seq + 1; h.taken > 0 && from > 1; {
		page, err := b.Store.MovementsFrom(ctx, counter.Ref, from, pageSize, true)
		if err != nil || len(page) == 0 {
			return h.open, err
		}
		found, err := b.Store.Pendings(ctx, h.unseen(page)...)
		if err != nil {
			return nil, err
		}
		h.take(found)
		from = page[len(page)-1].Seq
	}
	return h.open, nil
}

// holding is what is found of a counter's holds, and how much is still to be found.
type holding struct {
	counter platform.Ref
	taken   int64
	open    []Pending
	seen    map[platform.ID]bool
}

func (h *holding) take(found []Pending) {
	for _, p := range found {
		fresh := !h.seen[p.ID]
		h.seen[p.ID] = true
		for _, e := range p.held() {
			if e.counter == h.counter && h.taken > 0 && fresh {
				h.taken += e.delta
				h.open = append(h.open, p)
			}
		}
	}
}

// unseen are the holds that moved the counter and were not looked at.
func (h *holding) unseen(page []platform.Movement) (ids []platform.ID) {
	for _, m := range page {
		if m.Cause.Kind == pendingKind && m.Delta < 0 && !h.seen[m.Cause.ID] {
			ids = append(ids, m.Cause.ID)
		}
	}
	return ids
}
