package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/risk/screen"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

// options say how to replay.
type options struct {
	seed     uint64
	faults   uint64           // seed of the institution's faults; 0 is none
	wall     func() time.Time // for speed and progress
	progress func(string)     // a line now and then; nil is none
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
	db     *memory.DB
	market *market.Market
	clock  clock
	stream stream
	ctx    context.Context // of the system

	zone      platform.ID
	merchants map[string]platform.ID // by seller
	customers map[string]platform.ID // by person
	listings  map[offer]platform.ID  // empty for one that was refused

	commands, relayed int
	relaying          chan error // of the batch under way; nil for none
	placed            int        // orders of the dataset so far
	began             time.Time
	pace              pace
}

// clock is the virtual clock. It never goes back.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// open makes a market for a dataset, with nothing in it.
func open(d *dataset, o options) (*replay, error) {
	r := &replay{
		options: o, data: d, db: memory.New(append(market.Kinds(), kinds()...), nil),
		merchants: map[string]platform.ID{}, customers: map[string]platform.ID{}, listings: map[offer]platform.ID{},
	}
	r.clock.now = d.first()
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("replay"), o.seed))
	ids := rand.New(rand.NewChaCha8(seed))
	rules := rules()
	var err error
	r.market, err = market.Open(r.db, &market.Options{
		Now: r.clock.Now, IDs: ids.Uint64, Secret: seed[:], Name: "replay.example",
		Merchant: merchant.Options{LicenceOptional: true, ApplyFor: 3650 * day}, // the funnel knows no lapse
		Order: order.Options{
			Windows: order.Windows{Pay: payBy}, ExtraKinds: []string{"freight"},
			FourEyes: []platform.Money{platform.MustMoney("5000.00", currency)},
		},
		Fees:    finance.Fees{Version: "replay-1", Rate: decimal.RequireFromString("0.1275"), Rounding: platform.HalfUp, Kinds: []string{"service"}},
		Sandbox: r.sandbox(),
		Rules:   &rules,
	})
	r.ctx = platform.As(context.Background(), platform.SystemActor("replay"))
	return r, err
}

// rules let every order and payment of the records pass: they have happened.
// Without a deadline on reads the machine's speed decides nothing.
func rules() screen.Rules {
	return screen.Rules{
		Version: "replay-1", Basis: "what the records say has happened", Owner: "replay",
		Policies: []screen.Policy{{Event: "order.place", Failure: "open"}, {Event: "payment.pay", Failure: "open"}},
	}
}

func (r *replay) sandbox() sandbox.Options {
	if r.faults == 0 {
		return sandbox.Options{}
	}
	return sandbox.Options{
		Seed: r.faults,
		Faults: sandbox.Faults{
			Decline: 0.04, Delay: 0.04, Timeout: 0.03, Lost: 0.02, Late: 0.01, Down: 0.02, Short: 0.01,
			RefundDecline: 0.05, RefundDelay: 0.05, RefundTimeout: 0.05, LostRefund: 0.05, RefundDown: 0.05,
			Silence: 0.05, Duplicate: 0.1, Reorder: 0.1,
		},
		Deliver: func(ctx context.Context, header map[string][]string, body []byte) error {
			return r.market.Payments.Receive(ctx, institution, header, body)
		},
	}
}

// first is the earliest moment of the dataset.
func (d *dataset) first() time.Time {
	first := time.Time{}
	for _, s := range d.sales {
		for _, at := range []time.Time{s.purchased, s.earliest()} {
			if !at.IsZero() && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	for _, l := range d.leads {
		if !l.contact.IsZero() && (first.IsZero() || l.contact.Before(first)) {
			first = l.contact
		}
	}
	if first.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return first
}

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
		if quiet++; fired > 0 {
			quiet = 0
		}
	}
	if at.After(r.clock.now) {
		r.clock.now = at
	}
	return nil
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
