package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/store"
)

// options say how to replay.
type options struct {
	seed     uint64
	faults   uint64           // seed of the institution's faults; 0 is none
	wall     func() time.Time // for speed and progress
	progress func(string)     // a line now and then; nil is none
	store    string           // as folder.Connect takes it; empty is memory
}

const (
	day        = 24 * time.Hour
	payBy      = 60 * day
	settleFor  = 90 * day // after the last happening: every deadline comes within
	relayEvery = 32       // commands
)

// replay is a run: the market, its clock, and what became of what.
type replay struct {
	options
	data   *dataset
	db     store.Engine
	market *market.Market
	clock  clock
	stream stream
	ctx    context.Context //nolint:containedctx // a run has one, of the system, and each of its steps is within it

	zone      platform.ID
	merchants map[string]platform.ID // by seller
	customers map[string]platform.ID // by person
	earned    map[platform.ID]int64  // by merchant, in minor units, before fees
	bank      bank
	listings  map[offer]platform.ID // empty for one that was refused

	commands, relayed int
	relaying          chan error // of the batch under way; nil for none
	placed            int        // orders of the dataset so far
	began             time.Time
	pace              pace
}

// clock is the virtual clock. It never goes back.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// give gives one command.
func give[C, A any](r *replay, by platform.Actor, do func(context.Context, C) (A, error), in C) (A, error) {
	r.commands++
	began := r.wall()
	answer, err := do(platform.As(r.ctx, by), in)
	r.pace = append(r.pace, strideOf(in, r.wall().Sub(began)))
	return answer, err
}

// note keeps a finding.
func (r *replay) note(f Finding) error {
	_, err := give(r, platform.SystemActor("replay"), r.Note, Note{f})
	return err
}

// found keeps several.
func (r *replay) found(all []Finding) error {
	for _, f := range all {
		if err := r.note(f); err != nil {
			return err
		}
	}
	return nil
}

// refused tells whether the platform said no, as opposed to having failed.
func refused(err error) bool {
	for _, kind := range []error{platform.ErrState, platform.ErrInvalid, platform.ErrDenied, platform.ErrConflict, platform.ErrNotFound} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// reject makes a finding of a refusal. Any other error goes out.
func (r *replay) reject(about string, err error) error {
	if err == nil || !refused(err) {
		return err
	}
	return r.note(Finding{Code: "command.refused", About: about, Detail: platform.Code(err)})
}

// run plays all that the dataset says, and lets every deadline come.
func (r *replay) run() error {
	r.began = r.wall()
	if err := r.prepare(); err != nil {
		return err
	}
	for next, ok := r.stream.next(); ok; next, ok = r.stream.next() {
		if err := r.until(next.at); err != nil {
			return err
		}
		if err := r.reject(next.about, next.do()); err != nil {
			return fmt.Errorf("%s at %s: %w", next.about, r.clock.now.Format(time.DateTime), err)
		}
		if err := r.relay(); err != nil {
			return err
		}
	}
	return r.until(r.clock.now.Add(settleFor))
}

// relay hands events on in the background, in batches, while commands go on.
// Their order is that of the commits, however they are cut.
func (r *replay) relay() error {
	if r.commands-r.relayed < relayEvery {
		return nil
	}
	if r.relaying != nil {
		select {
		case err := <-r.relaying:
			r.relaying = nil
			return err
		default:
			return nil // the batch before is under way
		}
	}
	r.relayed, r.relaying = r.commands, make(chan error, 1)
	go func(done chan<- error) { done <- r.market.Relay(r.ctx) }(r.relaying)
	return nil
}

// relayAll waits until every event is handed on.
func (r *replay) relayAll() error {
	if r.relaying != nil {
		err := <-r.relaying
		if r.relaying = nil; err != nil {
			return err
		}
	}
	return r.market.Relay(r.ctx)
}

// prepare keeps what was found while reading, opens the one zone, and fills the
// stream.
func (r *replay) prepare() error {
	if err := r.found(r.data.found); err != nil {
		return err
	}
	if err := r.openZone(); err != nil {
		return err
	}
	for _, l := range r.data.leads {
		at := l.contact
		if at.IsZero() {
			at = l.won
		}
		if !at.IsZero() {
			r.stream.add(at, leadRank, "lead/"+l.id, func() error { return r.contact(l) })
		}
	}
	for _, s := range r.data.sales {
		p := s.plan()
		if p.at[placedStep].IsZero() {
			p.at[placedStep] = r.clock.now // nothing about it has a moment
		}
		r.stream.add(p.at[placedStep], orderRank, "order/"+s.id, func() error { return r.order(s, p) })
	}
	return nil
}

// until moves the clock on, ticking at the border of each day that it passes:
// guards compare deadlines themselves, so that a tick may come late.
func (r *replay) until(at time.Time) error {
	quiet := 0
	for midnight := r.clock.now.Truncate(day).Add(day); !midnight.After(at); midnight = midnight.Add(day) {
		if quiet > int(settleFor/day) { // nothing is due any more
			break
		}
		fired, err := r.tick(midnight)
		if err != nil {
			return err
		}
		if err := r.daily(midnight); err != nil {
			return err
		}
		if quiet++; fired > 0 {
			quiet = 0
		}
	}
	if at.After(r.clock.now) {
		r.clock.now = at
	}
	return nil
}

// daily is what people do each morning, and on Thursdays.
func (r *replay) daily(midnight time.Time) error {
	if err := r.statement(midnight); err != nil {
		return fmt.Errorf("statement before %s: %w", midnight.Format(time.DateOnly), err)
	}
	if midnight.Weekday() != time.Thursday {
		return nil
	}
	return r.settle(midnight)
}

// tick fires all that is due at a moment, and delivers the institution's notices.
func (r *replay) tick(at time.Time) (fired int, err error) {
	if err := r.relayAll(); err != nil { // what fires may depend on what is known
		return 0, err
	}
	if at.After(r.clock.now) {
		r.clock.now = at
	}
	for {
		_, err := r.market.Sandbox.Tick(r.ctx, r.clock.now, 0)
		n, failed := r.market.Tick(r.ctx, r.clock.now, 5000)
		fired += n
		if err := errors.Join(err, failed); err != nil {
			return fired, fmt.Errorf("tick at %s: %w", r.clock.now.Format(time.DateTime), err)
		}
		if n == 0 {
			return fired, nil
		}
	}
}

// tell reports progress after each twentieth of the orders.
func (r *replay) tell() {
	r.placed++
	if all := len(r.data.sales); r.progress != nil && r.placed%max(all/20, 100) == 0 {
		speed := float64(r.commands) / r.wall().Sub(r.began).Seconds()
		r.progress(fmt.Sprintf("%s: %d of %d orders, %d commands, %.0f a second", r.clock.now.Format(time.DateOnly), r.placed, all, r.commands, speed))
	}
}

// operator is a member of the platform's staff in a role.
func operator(name, role string) platform.Actor {
	return platform.Actor{ID: platform.ID("operator:" + name), Kind: platform.Operator, Roles: []string{role}}
}

func customer(id platform.ID) platform.Actor {
	return platform.Actor{ID: id, Kind: platform.Customer}
}

func seller(id platform.ID) platform.Actor { return platform.Actor{ID: id, Kind: platform.Merchant} }
