// Server is the reference server: the whole marketplace behind HTTP.
//
//	go run ./examples/server
//
// starts it on 127.0.0.1:8080 with demo data, and prints a login link and a
// token for each of the demo's people. -help lists the flags; each can also be
// set by the environment, as PLATFORM_ADDR for -addr.
//
//	server backup [flags] FILE
//	server restore [flags] FILE
//	server verify [flags]
//	server drill [flags] FILE
//	server import -by OPERATOR [-dry] [flags] FILE
//	server appoint -by OPERATOR,OPERATOR [flags]
//	server backup-keys [flags] FILE
//	server restore-keys [flags] FILE
//
// copy the store to a file while the server runs on, fill an empty store of any
// engine from one, prove what is stored, rehearse a loss (restore and prove a
// backup elsewhere, and record how long it took), take over accounts and orders of
// another system, a [market.Takeover] as JSON, and give the first operators of a
// market their roles. The keys of personal data
// are copied and filled apart, and kept elsewhere than the store; what wraps them
// is the file kek in the data folder. Whoever was erased stays so: restoring either
// destroys the keys again of those whom the store knows as erased.
//
//	server migrate [-print] [flags]
//
// makes the tables that this program needs, which serving does by itself; -print
// writes the SQL for PostgreSQL instead, for those who run it with a tool of
// their own.
//
//	server audit -key KEY [-checkpoint FILE] BACKUP
//	server audit -key KEY -receipt FILE
//
// proves the audit log of a backup, or one receipt, with nothing but the log's
// public key; a backup is written with a checkpoint beside it, and one kept from
// before serves as well.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // zones, wherever the server runs

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/security/audit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// config is the flags.
type config struct {
	addr     string
	demo     bool
	weeks    int
	store    string
	keys     string
	folder   string
	trace    string
	logs     string
	commands int
	reads    int
	funds    string
	by       string
	dry      bool
	share    string
	files    []string // what follows the flags
}

// flags reads the arguments, and what they leave open from the environment.
func flags(args []string, env func(string) (string, bool), errs io.Writer) (config, error) {
	var c config
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&c.addr, "addr", "127.0.0.1:8080", "`address` to listen on")
	f.BoolVar(&c.demo, "demo", true, "fill with demo data and print demo tokens; listens on loopback only")
	f.IntVar(&c.weeks, "weeks", 6, "weeks of trade that a new demo begins with; 0 is none")
	f.StringVar(&c.store, "store", "", "where the data are: memory, sqlite:`PATH` or postgres://…; if empty, SQLite in the data folder")
	f.StringVar(&c.keys, "keys", "", "where the keys of personal data are, as -store says it: a store of their own; if empty, SQLite in the data folder")
	f.StringVar(&c.folder, "folder", "data", "`path` of the data folder: what must outlive the process; not used with -store memory")
	f.StringVar(&c.share, "checkpoints", "", "`path` of a folder outside the platform's control, where a signed checkpoint of the audit log is kept every day")
	f.StringVar(&c.trace, "trace", "", "OTLP `endpoint` for traces, such as http://127.0.0.1:4318; if empty, none are sent")
	f.StringVar(&c.logs, "log", "json", "log `format`: json, text or off")
	f.IntVar(&c.commands, "commands", 60, "commands a minute and account; negative is without limit")
	f.IntVar(&c.reads, "reads", 600, "reads a minute and account; negative is without limit")
	f.StringVar(&c.funds, "funds", "platform", "funds `mode`: platform holds what others have earned until it pays out; split leaves it on their own accounts at the institution")
	f.StringVar(&c.by, "by", "", "`id` of the operator who answers for an import, or those of operators to be appointed")
	f.BoolVar(&c.dry, "dry", false, "tell what an import would do, and write nothing")
	var wrong error
	f.VisitAll(func(fl *flag.Flag) {
		name := "PLATFORM_" + strings.ToUpper(fl.Name)
		fl.Usage += "; or " + name
		v, _ := env(name)
		if v == "" {
			return
		}
		if err := fl.Value.Set(v); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("%s=%s: %w", name, v, err))
		}
		if fl.DefValue = v; fl.Name == "store" || fl.Name == "keys" {
			fl.DefValue = "as " + name + " says" // which may hold a password
		}
	})
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if c.funds != string(payment.PlatformFunds) && c.funds != string(payment.SplitFunds) {
		wrong = errors.Join(wrong, fmt.Errorf("-funds %q: %w", c.funds, errFunds))
	}
	c.files = f.Args()
	return c, wrong
}

var errFunds = errors.New("either platform or split")

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	var job string
	if len(args) > 0 {
		switch args[0] {
		case "migrate":
			return migrate(ctx, args[1:], out, errs)
		case "audit":
			return verifyOffline(args[1:], out, errs)
		}
		if _, known := chores[args[0]]; known {
			job, args = args[0], args[1:]
		}
	}
	c, err := flags(args, os.LookupEnv, errs)
	switch {
	case err != nil:
		return err
	case job != "":
		return chore(ctx, job, c, out)
	case len(c.files) > 0:
		return fmt.Errorf("%q is no flag; a flag's value follows =, as in -demo=false", c.files[0])
	}
	if err := c.loopback(); err != nil {
		return err
	}
	log, err := c.logger(errs)
	if err != nil {
		return err
	}
	finish, err := c.tracing(ctx)
	if err != nil {
		return err
	}
	defer finish()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.addr, err)
	}
	base := "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	db, o, cast, done, err := c.open(ctx, folder.Open)
	if err != nil {
		return err
	}
	defer done()
	if c.share != "" {
		o.Journals = append(o.Journals, audit.Dir(c.share))
	}
	if err := keyed(ctx, db, o); err != nil {
		return err
	}
	a, err := assemble(ctx, base, c, log, db, o, cast)
	if err != nil {
		return err
	}
	defer func() { _ = a.market.Close() }()
	if c.demo {
		a.introduce(out, base)
	} else {
		log.WarnContext(ctx, "nobody can log in: give edge.Options.Who an authenticator")
	}
	log.InfoContext(ctx, "listening", "address", base)
	return a.serve(ctx, listener)
}

// loopback refuses to show demo tokens to the world.
func (c config) loopback() error {
	host, _, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", c.addr, err)
	}
	if ip := net.ParseIP(host); c.demo && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s is not a loopback address: demo mode has public tokens, use -demo=false", c.addr)
	}
	return nil
}

func (c config) logger(w io.Writer) (*slog.Logger, error) {
	switch c.logs {
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case "off":
		return slog.New(slog.DiscardHandler), nil
	}
	return nil, fmt.Errorf("-log %q: json, text or off", c.logs)
}

// tracing sends spans to the endpoint, if there is one.
func (c config) tracing(ctx context.Context) (finish func(), err error) {
	if c.trace == "" {
		return func() {}, nil
	}
	if u, err := url.Parse(c.trace); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("-trace %q: an address such as http://127.0.0.1:4318", c.trace)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.trace))
	if err != nil {
		return nil, fmt.Errorf("trace to %s: %w", c.trace, err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	return func() {
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = provider.Shutdown(flush) // spans may be lost, the server's answer is not
	}, nil
}

// token is a bearer token for the demo.
func token() string { return rand.Text() }

// introduce prints who may log in, and what a shell needs to speak for them.
func (a *app) introduce(out io.Writer, base string) {
	fmt.Fprintf(out, "\nServices marketplace on %s, with demo data.\n\n", base)
	var exports strings.Builder
	for _, p := range a.people {
		fmt.Fprintf(out, "  %-10s %s/login?token=%s\n             Authorization: Bearer %s\n             %s\n", p.name, base, p.token, p.token, does[p.name])
		fmt.Fprintf(&exports, " %s=%s", strings.ToUpper(p.name), p.token)
	}
	fmt.Fprintf(out, "\n  export%s LISTING=%s\n", &exports, a.cast.Listing)
	fmt.Fprint(out, walk)
	fmt.Fprintf(out, "\n  %s/openapi.json describes the API. Ctrl-C stops the server.\n\n", base)
}

// does tells what each of the demo's people finds behind their link.
var does = map[string]string{
	"operator": "the console: everything, and who is sent to work", "second": "the console: the second pair of eyes", "third": "the console, once somebody grants a role",
	"merchant": "what waits for an answer, listings, earnings, disputes", "customer": "finds a service, orders, pays, follows, rates", "staff": "offers, jobs, hours",
	"supervisor": "the console: findings over the others' work", "auditor": "the console, to read",
}

// walk is one job from end to end in a browser. A link logs in as somebody else.
const walk = `
  One job in a browser, each step behind the link of whoever takes it:
    customer   choose Window cleaning, show the whole price, order, pay with the card that pays
    operator   open the newest order, press Dispatch
    staff      take the job, set out, arrive, start, hand over with a photo
    customer   open the order: accept the work, rate it
    merchant   see what was earned; orders of Curtain washing wait for the merchant's answer
`

// person is somebody who may log in.
type person struct {
	name, token string
	actor       platform.Actor
}

func people(c market.Cast) []person {
	all := []person{
		{"operator", token(), c.Operator}, {"second", token(), c.Second}, {"third", token(), c.Third},
		{"merchant", token(), c.Merchant}, {"customer", token(), c.Customer}, {"staff", token(), c.Staff},
	}
	return slices.DeleteFunc(all, func(p person) bool { return p.actor.ID == "" }) // an older folder has fewer
}

func tokens(all []person) edge.Authenticator {
	actors := make(map[string]platform.Actor, len(all))
	for _, p := range all {
		actors[p.token] = p.actor
	}
	return edge.Tokens(actors)
}

// serve answers until ctx ends, then lets requests under way finish.
func (a *app) serve(ctx context.Context, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- a.http.Serve(listener) }()
	go a.tick(ctx)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	err := a.http.Shutdown(drain)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
