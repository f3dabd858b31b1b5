package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// book is a store of its own for one run of an arm.
type book interface {
	// call is what one caller does again and again, with the transfers of its teller.
	call(ctx context.Context, t *teller) (call, error)

	// sound checks that what was answered is there, once, and that it adds up.
	sound(ctx context.Context, s sample) error

	close() error
}

// errBroken voids a run.
var errBroken = errors.New("an invariant is broken; the run is void")

// engine is a book on an engine of the platform: each call is a set.
type engine struct {
	db      store.Engine
	bulk    int  // transfers a set
	records bool // each leaves a record
	opened  int64
}

// open opens the accounts; without it they are opened by their first transfer.
func (e *engine) open(ctx context.Context) error {
	for _, s := range openings() {
		if _, err := e.db.Commit(ctx, s); err != nil {
			return err
		}
		e.opened++
	}
	return nil
}

func (e *engine) call(_ context.Context, t *teller) (call, error) {
	return func(ctx context.Context) (int64, error) {
		transfers := make([]transfer, e.bulk)
		for i := range transfers {
			transfers[i] = t.transfer()
		}
		s := set(transfers...)
		for i := 0; e.records && i < e.bulk; i++ {
			s.Changes = append(s.Changes, platform.Put(transfers[i]))
		}
		_, err := e.db.Commit(ctx, s)
		return int64(e.bulk), err
	}, nil
}

func (e *engine) close() error { return e.db.Close() }

// sound reads everything that is stored.
func (e *engine) sound(ctx context.Context, s sample) error {
	var sum, answers, pending int64
	records, counters, movements := map[string]int64{}, map[platform.Ref]platform.Count{}, map[platform.Ref]platform.Count{}
	for line, err := range e.db.Lines(ctx) {
		switch {
		case err != nil:
			return err
		case line.Key != nil:
			answers++
		case line.Pending != "":
			pending++
		case line.Kind == store.Counter:
			var c platform.Count
			if err := json.Unmarshal(line.Doc, &c); err != nil {
				return err
			}
			counters[c.Ref] = c
			sum += c.Value
		case line.Kind == store.Movement:
			var m platform.Movement
			if err := json.Unmarshal(line.Doc, &m); err != nil {
				return err
			}
			last := movements[m.Counter]
			if m.Seq != last.Seq+1 || m.After != last.Value+m.Delta {
				return fmt.Errorf("movement %d of %s: %w", m.Seq, m.Counter, errBroken)
			}
			movements[m.Counter] = platform.Count{Ref: m.Counter, Seq: m.Seq, Value: m.After}
		default:
			records[line.Kind]++
		}
	}
	for ref, c := range counters {
		if movements[ref] != c {
			return fmt.Errorf("%s is not what its movements came to: %w", ref, errBroken)
		}
	}
	kept := int64(0)
	if e.records {
		kept = s.transfers
	}
	return errors.Join(
		equal("counters with movements", int64(len(movements)), int64(len(counters))),
		equal("sum of all balances", sum, e.opened*opening*1000),
		equal("transfers", records["transfer"], kept),
		equal("events", records[store.Event], s.transfers+e.opened),
		equal("events in the outbox", pending, s.transfers+e.opened),
		equal("answers", answers, s.calls),
	)
}

func equal(what string, found, expected int64) error {
	if found == expected {
		return nil
	}
	return fmt.Errorf("%s: %d, not %d: %w", what, found, expected, errBroken)
}
