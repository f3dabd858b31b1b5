package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Route is one way for money, and what it costs.
type Route struct {
	Institution string
	Least, Most platform.Money  // of its currency; absent for no bound. A route without either takes every currency
	Methods     []string        // beginnings of the payer's tokens; if empty, any
	Rate        decimal.Decimal // of the amount
	Fixed       platform.Money  // and besides; absent for nothing
}

// takes tells whether the route is for such a payment.
func (r Route) takes(amount platform.Money, method string) bool {
	for _, bound := range []struct {
		of   platform.Money
		sign int
	}{{r.Least, -1}, {r.Most, 1}} {
		if bound.of.Absent() {
			continue
		}
		if c, err := amount.Cmp(bound.of); err != nil || c == bound.sign {
			return false
		}
	}
	return len(r.Methods) == 0 || slices.ContainsFunc(r.Methods, func(m string) bool { return strings.HasPrefix(method, m) })
}

// cost is what the route takes of an amount; one that cannot be worked out is
// dearest.
func (r Route) cost(amount platform.Money) decimal.Decimal {
	cost := amount.Decimal().Mul(r.Rate)
	if r.Fixed.Absent() {
		return cost
	}
	if r.Fixed.Currency() != amount.Currency() {
		return amount.Decimal()
	}
	return cost.Add(r.Fixed.Decimal())
}

// Ordered are the institutions of the routes for a payment, the cheapest first;
// those that cost the same in the order of the routes.
func Ordered(routes []Route, amount platform.Money, method string) (names []string) {
	fit := slices.DeleteFunc(slices.Clone(routes), func(r Route) bool { return !r.takes(amount, method) })
	slices.SortStableFunc(fit, func(a, b Route) int { return a.cost(amount).Cmp(b.cost(amount)) })
	for _, r := range fit {
		if !slices.Contains(names, r.Institution) {
			names = append(names, r.Institution)
		}
	}
	return names
}

// Circuit is whether a channel is used.
type Circuit string

// The circuits of a channel.
const (
	Closed   Circuit = "closed"    // it is used
	Open     Circuit = "open"      // it is not, where another takes the payment
	HalfOpen Circuit = "half_open" // one payment tries it
)

const (
	healthSpan  = 5 * time.Minute
	healthStep  = 10 * time.Second
	healthSteps = int(healthSpan / healthStep)

	fewCalls  = 10               // below them nothing is concluded
	slowCall  = 8 * time.Second  // 95 of 100 calls are faster
	openFor   = 30 * time.Second // until it is tried again
	slowShare = 20               // one call in so many
)

// Health is how calls to an institution went in the last five minutes, and what
// follows from it. It is a value: each method returns the next one. The zero value
// is that of a channel that was never used: closed.
type Health struct {
	opened time.Time // since when it is open, or was last tried; zero while it is closed
	steps  [healthSteps]Calls
	at     [healthSteps]int64 // of which ten seconds the step is
}

// Calls are some calls to an institution.
type Calls struct {
	All     int `json:"all"`
	Unknown int `json:"unknown"` // without a usable answer
	Slow    int `json:"slow"`
}

// Circuit is whether the channel is used at a moment.
func (h Health) Circuit(at time.Time) Circuit {
	switch {
	case h.opened.IsZero():
		return Closed
	case at.Before(h.opened.Add(openFor)):
		return Open
	}
	return HalfOpen
}

// Recent are the calls of the last five minutes, oldest first, ten seconds each.
func (h Health) Recent(at time.Time) []Calls {
	now := at.Unix() / int64(healthStep/time.Second)
	recent := make([]Calls, healthSteps)
	for n := range recent {
		step := now - int64(healthSteps-1-n)
		if i := int(step % int64(healthSteps)); h.at[i] == step {
			recent[n] = h.steps[i]
		}
	}
	return recent
}

// Sum are all calls of the last five minutes.
func (h Health) Sum(at time.Time) (sum Calls) {
	for _, c := range h.Recent(at) {
		sum.All, sum.Unknown, sum.Slow = sum.All+c.All, sum.Unknown+c.Unknown, sum.Slow+c.Slow
	}
	return sum
}

// Try returns the health as a payment is about to use the channel, and whether it
// may: of a half-open one, the first in thirty seconds.
func (h Health) Try(at time.Time) (Health, bool) {
	switch h.Circuit(at) {
	case Closed:
		return h, true
	case Open:
		return h, false
	}
	h.opened = at
	return h, true
}

// Saw returns the health after a call that took so long, and whether its outcome
// is unknown. Half of the calls without an answer, or one in twenty slower than
// eight seconds, opens the channel; an answer in time closes it again.
func (h Health) Saw(unknown bool, took time.Duration, at time.Time) Health {
	if !h.opened.IsZero() {
		if unknown || took > slowCall {
			h.opened = at
			return h
		}
		return Health{}
	}
	step := at.Unix() / int64(healthStep/time.Second)
	i := int(step % int64(healthSteps))
	if h.at[i] != step {
		h.at[i], h.steps[i] = step, Calls{}
	}
	h.steps[i].All++
	if unknown {
		h.steps[i].Unknown++
	}
	if took > slowCall {
		h.steps[i].Slow++
	}
	if sum := h.Sum(at); sum.All >= fewCalls && (2*sum.Unknown >= sum.All || slowShare*sum.Slow > sum.All && sum.Slow > 1) {
		h.opened = at
	}
	return h
}

// Channel is an institution as payments find it.
type Channel struct {
	Institution string       `json:"institution"`
	Circuit     Circuit      `json:"circuit"`
	Calls       Calls        `json:"calls"`  // of the last five minutes
	Recent      []Calls      `json:"recent"` // the same, ten seconds each, oldest first
	Licence     Licence      `json:"licence"`
	Record      *Institution `json:"record,omitempty"` // of the last check; none if nobody checked
	Licensed    bool         `json:"licensed"`         // takes new charges
}

// Channels are the institutions, in order of preference, as this process has found
// them lately. For operators and auditors.
func (s *Service) Channels(ctx context.Context) ([]Channel, error) {
	if err := s.visible(ctx, "", platform.Ref{Kind: "payment.institution"}); err != nil {
		return nil, err
	}
	records, err := s.store.Found(ctx, s.institutions...)
	if err != nil {
		return nil, err
	}
	now := s.w.Now()
	channels := make([]Channel, 0, len(s.ports.Gateways))
	for _, g := range s.ports.Gateways {
		info := g.Info()
		h := s.health.of(info.Institution)
		c := Channel{
			Institution: info.Institution, Circuit: h.Circuit(now), Calls: h.Sum(now), Recent: h.Recent(now),
			Licence: info.Licence, Licensed: info.licensed(now) == nil,
		}
		if r, known := recordOf(records.Institutions, info.Institution); known {
			c.Record, c.Licensed = &r, now.Before(r.Ends()) && slices.Contains(r.Kinds, Acquiring)
		}
		channels = append(channels, c)
	}
	return channels, nil
}

func recordOf(records []Institution, name string) (Institution, bool) {
	at := slices.IndexFunc(records, func(r Institution) bool { return r.Name == name })
	if at < 0 {
		return Institution{}, false
	}
	return records[at], true
}

// healths are those of the institutions of this process.
type healths struct {
	mu     sync.Mutex
	byName map[string]Health
}

func (l *healths) of(institution string) Health {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byName[institution]
}

// try asks whether a payment may use a channel.
func (l *healths) try(institution string, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, may := l.byName[institution].Try(at)
	if l.byName != nil {
		l.byName[institution] = next
	}
	return may
}

// saw notes a call, and tells how the channel changed, if it did.
func (l *healths) saw(institution string, unknown bool, took time.Duration, at time.Time) (changed Circuit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byName == nil {
		l.byName = map[string]Health{}
	}
	was := l.byName[institution]
	next := was.Saw(unknown, took, at)
	l.byName[institution] = next
	if was.opened.IsZero() == next.opened.IsZero() {
		return ""
	}
	return next.Circuit(at)
}

// channelChanged is a channel that was opened or closed.
type channelChanged struct {
	Institution string
	Circuit     Circuit
}

// Subject is the institution.
func (c channelChanged) Subject() platform.Ref { return institutionRef(c.Institution) }

// saw notes how a call went and, when that opens or closes the channel, says so.
func (s *Service) saw(ctx context.Context, institution string, begun time.Time, err error) {
	now := s.w.Now()
	unknown := err != nil && !errors.Is(err, ErrDeclined) && !errors.Is(err, ErrRefused)
	changed := s.health.saw(institution, unknown, now.Sub(begun), now)
	if changed == "" {
		return
	}
	what := map[Circuit]string{Closed: "payment.channel_closed", Open: "payment.channel_opened"}[changed]
	in := channelChanged{institution, changed}
	_, err = platform.Update(s.system(context.WithoutCancel(ctx)), s.w, in, func(context.Context) (struct{}, []platform.Change, error) {
		return struct{}{}, []platform.Change{platform.Happened(what, in.Subject(), map[string]string{"institution": institution})}, nil
	})
	if err != nil { // a word about the channel is not worth a payment's answer
		s.lanes.fail(fmt.Errorf("tell of channel %s: %w", institution, err))
	}
}

// route is the institution that takes a new charge, and what its use rests on: the
// one named, or else the first of the route that is licensed and takes the amount.
// One whose channel is open is used only when no other takes it, and one that is a
// party's own only when it is named.
func (s *Service) route(in Pay, amount platform.Money, records []Institution, at time.Time) (string, []platform.Change, error) {
	if in.Institution != "" {
		g, err := s.gateway(in.Institution)
		if err != nil {
			return "", nil, err
		}
		rests, err := s.admits(g, records, amount, at)
		return in.Institution, rests, err
	}
	names := s.order
	if len(s.opts.Routes) > 0 {
		names = Ordered(s.opts.Routes, amount, in.Method)
	}
	refusal := fmt.Errorf("pay %s: %w", amount, ErrNoChannel)
	spare, sparing := "", []platform.Change(nil)
	for _, name := range names {
		if s.gateways[name].Info().Owner != "" {
			continue
		}
		rests, err := s.admits(s.gateways[name], records, amount, at)
		if err != nil {
			refusal = err
			continue
		}
		if s.health.try(name, at) {
			return name, rests, nil
		}
		if spare == "" {
			spare, sparing = name, rests
		}
	}
	if spare == "" {
		return "", nil, refusal
	}
	return spare, sparing, nil
}

// admits tells whether an institution may be sent a new charge: by the record of
// its last check, or else by what the adapter says. In funds mode split it must be
// licensed to hand it on, too.
func (s *Service) admits(g Gateway, records []Institution, amount platform.Money, at time.Time) ([]platform.Change, error) {
	info := g.Info()
	r, known := recordOf(records, info.Institution)
	if !known {
		return nil, info.Admits(amount, at)
	}
	if err := cmp.Or(r.Covers(Acquiring, amount.Currency(), at), info.within(amount)); err != nil {
		return nil, err
	}
	if _, splits := g.(Splitter); splits && s.splits {
		if err := r.Covers(Splitting, amount.Currency(), at); err != nil {
			return nil, err
		}
	}
	return []platform.Change{platform.Unchanged(r)}, nil
}
