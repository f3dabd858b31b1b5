package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/books"
	"github.com/liangding/platform/examples/server/console"
	"github.com/liangding/platform/examples/server/dispute"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/examples/server/fees"
	"github.com/liangding/platform/examples/server/grants"
	"github.com/liangding/platform/examples/server/insights"
	"github.com/liangding/platform/examples/server/invoices"
	"github.com/liangding/platform/examples/server/merchants"
	"github.com/liangding/platform/examples/server/orders"
	"github.com/liangding/platform/examples/server/pages"
	"github.com/liangding/platform/examples/server/payments"
	"github.com/liangding/platform/examples/server/payouts"
	"github.com/liangding/platform/examples/server/periods"
	"github.com/liangding/platform/examples/server/receivables"
	"github.com/liangding/platform/examples/server/reconciliations"
	"github.com/liangding/platform/examples/server/spending"
	"github.com/liangding/platform/examples/server/staff"
	"github.com/liangding/platform/examples/server/supervision"
	"github.com/liangding/platform/examples/server/trust"
	"github.com/liangding/platform/examples/server/verification"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/store"
)

// app is the server with everything mounted.
type app struct {
	market *market.Market
	http   *http.Server
	cast   market.Cast
	people []person
	log    *slog.Logger
}

// casting is who acts in the demo: made now, or kept from the first time.
type casting func(context.Context, *market.Market) (market.Cast, error)

// assemble opens the market, fills it for a demo, and mounts every domain.
func assemble(ctx context.Context, base string, c config, log *slog.Logger, db store.Engine, o market.Options, cast casting) (*app, error) {
	past, err := seasonOf(ctx, c, db)
	if err != nil {
		return nil, err
	}
	var m *market.Market
	if o.Now == nil {
		o.Now = past.Now
	}
	o.Sandbox.Deliver = past.deliver(&m, post(base+edge.Notices+"sandbox"))
	if c.trace != "" {
		db = traced{db, otel.Tracer("github.com/liangding/platform/store")}
	}
	window := windows()
	o.Window = func(d time.Duration) { window.Observe(d.Seconds()) }
	o.Fees.Volumes = true
	o.Payment.Funds = payment.FundsMode(c.funds)
	m, err = market.Open(db, &o)
	if err != nil {
		return nil, err
	}
	a := &app{market: m, log: log}
	who := edge.Authenticator(nil)
	if c.demo {
		if a.cast, err = cast(ctx, m); err != nil {
			return nil, err
		}
		if err := past.play(ctx, log, m, a.cast); err != nil {
			return nil, err
		}
		if err := empower(ctx, m, a.cast); err != nil {
			return nil, err
		}
		if a.people, err = watchers(ctx, m, a.cast); err != nil {
			return nil, err
		}
		who = granted(m, tokens(a.people))
	}
	s := edge.New(edge.Options{
		Who: who, Log: log, Version: "0.1.0", CommandsPerMinute: c.commands, ReadsPerMinute: c.reads,
		Ready: func(ctx context.Context) error { return ready(ctx, db) },
	})
	s.Registry().MustRegister(watched{db, time.Now}, window)
	books.Mount(s.API, m)
	periods.Mount(s.API, m)
	fees.Mount(s.API, m)
	merchants.Mount(s.API, m)
	orders.Mount(ctx, s.API, m)
	dispute.Mount(s.API, m)
	payments.Mount(s.API, m)
	payouts.Mount(s.API, m)
	receivables.Mount(s.API, m)
	reconciliations.Mount(s.API, m)
	staff.Mount(s.API, m)
	trust.Mount(s.API, m)
	grants.Mount(s.API, m)
	spending.Mount(s.API, m)
	invoices.Mount(s.API, m)
	supervision.Mount(s.API, m)
	insights.Mount(s.API, m)
	verification.Mount(s.API, m)
	console.Mount(s, m)
	pages.Mount(s, m)
	a.http = s.HTTP(c.addr)
	return a, nil
}

// granted gives whoever a token names the roles that are granted at this moment,
// whatever they were when it was issued. When that cannot be read, there are none.
func granted(m *market.Market, who edge.Authenticator) edge.Authenticator {
	return func(r *http.Request) (platform.Actor, bool) {
		known, ok := who(r)
		if !ok {
			return known, false
		}
		actor, err := m.Access.Actor(r.Context(), known.ID, known.Kind)
		if err != nil {
			actor.Roles = nil
		}
		return actor, true
	}
}

// empower gives the demo's operators their first grants again when all have ended,
// as in a data folder that lay unused for long.
func empower(ctx context.Context, m *market.Market, c market.Cast) error {
	in := access.Bootstrap{Accounts: []platform.ID{c.Operator.ID}, Roles: market.DemoRoles}
	if c.Second.ID != "" { // a folder of before has one
		in.Accounts = append(in.Accounts, c.Second.ID)
	}
	_, err := m.Access.Bootstrap(platform.As(ctx, platform.SystemActor("demo")), in)
	if errors.Is(err, access.ErrBegun) {
		return nil
	}
	return err
}

// watchers are the demo's people, with those who watch over the others if there
// are two to appoint them.
func watchers(ctx context.Context, m *market.Market, c market.Cast) ([]person, error) {
	all := people(c)
	if c.Second.ID == "" {
		return all, nil
	}
	supervisor, err := m.DemoSupervision(ctx, c)
	auditor := platform.Actor{ID: supervisor.ID.As("aud"), Kind: platform.Auditor, Tenant: m.Writer.Tenant}
	return append(all, person{"supervisor", token(), supervisor}, person{"auditor", token(), auditor}), err
}

// ready reads from the store.
func ready(ctx context.Context, db platform.Getter) error {
	_, err := db.Scan(ctx, platform.Query{Kind: "event", Limit: 1})
	return err
}

// post delivers the sandbox's notices as an institution does: over HTTP.
func post(url string) func(context.Context, map[string][]string, []byte) error {
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, header map[string][]string, body []byte) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		for name, values := range header {
			r.Header[http.CanonicalHeaderKey(name)] = values
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("notice answered with %d: %w", answer.StatusCode, platform.ErrUnavailable)
		}
		return nil
	}
}

// tick does what is due, and hands events on soon after they happened.
func (a *app) tick(ctx context.Context) {
	failed := func(err error) { a.log.ErrorContext(ctx, "tick", "problem", err.Error()) }
	go platform.Run(ctx, platform.Running{Every: 200 * time.Millisecond, Log: failed}, relay{a.market})
	go platform.Run(ctx, platform.Running{Every: time.Hour, Log: failed}, sweep{a.market})
	platform.Run(ctx, platform.Running{Log: failed}, a.market, a.market.Sandbox)
}

// sweep forgets what nobody may ask for any more.
type sweep struct{ *market.Market }

// Tick implements [platform.Ticker].
func (s sweep) Tick(ctx context.Context, _ time.Time, _ int) (int, error) { return s.Sweep(ctx) }

// relay is the part of a tick that people wait for.
type relay struct{ *market.Market }

// Tick implements [platform.Ticker].
func (r relay) Tick(ctx context.Context, _ time.Time, _ int) (int, error) { return 0, r.Relay(ctx) }
