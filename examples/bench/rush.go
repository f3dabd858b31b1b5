package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// rush is what came of one command that several callers gave for each of so many
// orders at once.
type rush struct {
	Command string `json:"command"`
	Callers int    `json:"callers"`
	Orders  int    `json:"orders"`
	Double  int    `json:"double"` // orders on which it took effect more than once
	Stuck   int    `json:"stuck"`  // orders on which it did not, or that did not come to rest
	Untrue  int    `json:"untrue"` // answers that were not so
}

// contest is a command that many give at once: how an order is made ready for it,
// what is sent, and what is true afterwards.
type contest struct {
	name   string
	ready  func(context.Context, *visit) error
	send   func(context.Context, *visit) (who, path string, body any, err error)
	late   string // the code for those who come too late
	joins  bool   // those who come later get the same answer, if they come soon enough
	state  string // of the order afterwards, if it moves
	effect func(context.Context, *visit) (int, error)
}

// contests are those of the table.
func contests() []contest {
	happened := func(what string) func(context.Context, *visit) (int, error) {
		return func(ctx context.Context, v *visit) (n int, err error) {
			return n, v.count(ctx, "happened", &n, "order", string(v.order), "type", what)
		}
	}
	listed := func(path func(*visit) string) func(context.Context, *visit) (int, error) {
		return func(ctx context.Context, v *visit) (int, error) {
			a, err := v.must(ctx, v.customer, "", path(v), nil)
			return a.items(), err
		}
	}
	customer := func(more string, body any) func(context.Context, *visit) (string, string, any, error) {
		return func(_ context.Context, v *visit) (string, string, any, error) {
			return v.customer, v.path(more), body, nil
		}
	}
	return []contest{
		{
			name: "pay", late: "payment.already_secured", joins: true, state: "confirmed", effect: happened("order.confirmed"),
			ready: func(ctx context.Context, v *visit) error { return v.place(ctx, v.Plain) },
			send: func(_ context.Context, v *visit) (string, string, any, error) {
				return v.customer, v.intent() + "/pay", object{"method": sandbox.OK}, nil
			},
		},
		{
			name: "refund", late: "order.refund_exceeds", ready: handedOver,
			send:   customer("/refund", object{"reason": "late", "amount": money{price, "CNY"}}),
			effect: listed(func(v *visit) string { return v.path("/refunds") }),
		},
		{name: "accept", late: "order.not_acceptable", state: "completed", ready: handedOver, send: customer("/accept", nil), effect: happened("order.completed")},
		{
			name: "cancel", late: "order.not_cancellable", state: "cancelled", ready: paid, effect: happened("order.cancelled"),
			send: customer("/cancel", object{"reason": "changed_mind", "max_fee": money{price, "CNY"}}),
		},
		{
			name: "deliver", late: "order.not_deliverable", state: "delivered", ready: started, effect: happened("order.delivered"),
			send: func(_ context.Context, v *visit) (string, string, any, error) {
				return v.owner(), v.path("/deliver"), photos(), nil
			},
		},
		{
			name: "change", late: "change.open", ready: paid, effect: listed(func(v *visit) string { return v.path("/changes") }),
			send: func(ctx context.Context, v *visit) (string, string, any, error) {
				body := object{"lines": []object{{"line": 1, "quantity": 2}}, "reason": "more_windows"}
				a, err := v.must(ctx, v.customer, v.key(), v.path("/quote-change"), body)
				body["hash"] = a.text("hash")
				return v.customer, v.path("/change"), body, err
			},
		},
		{
			name: "dispute", late: "dispute.open", ready: started, send: customer("/dispute", object{"reason": "not_as_described"}),
			effect: listed(func(v *visit) string { return "/v1/disputes?order=" + string(v.order) }),
		},
	}
}

func paid(ctx context.Context, v *visit) error {
	if err := v.place(ctx, v.Plain); err != nil {
		return err
	}
	return v.pay(ctx)
}

func started(ctx context.Context, v *visit) error {
	if err := paid(ctx, v); err != nil {
		return err
	}
	return v.start(ctx, v.owner())
}

func handedOver(ctx context.Context, v *visit) error {
	if err := started(ctx, v); err != nil {
		return err
	}
	return v.deliver(ctx, v.owner())
}

func runRace(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("bench race", flag.ContinueOnError)
	size := f.Int("orders", 100, "of each command and number of callers")
	callers := f.String("callers", "2,4,8,32", "how many give a command at once")
	only := f.String("only", "", "`pattern` of the commands; if empty, all")
	file := f.String("json", "", "write the table to this `file`")
	if err := f.Parse(args); err != nil {
		return err
	}
	which, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	var crowds []int
	for text := range strings.SplitSeq(*callers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || *size < 1 || f.NArg() > 0 {
			return errors.New("-orders and -callers are whole numbers above 0, and nothing may follow the flags")
		}
		crowds = append(crowds, n)
	}
	server := &pgserver.Server{Settings: settings}
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Stop()
	dsn, _, err := server.Create()
	if err != nil {
		return err
	}
	s, err := openStreet(ctx, dsn, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.count(ctx, "begin", new(sent)); err != nil {
		return err
	}
	var table rushes
	for _, c := range contests() {
		if !which.MatchString(c.name) {
			continue
		}
		for _, n := range crowds {
			row, err := s.rush(ctx, c, n, *size)
			if err != nil {
				return fmt.Errorf("%s by %d: %w", c.name, n, err)
			}
			log.Printf("%-8s %3d callers  %d double  %d stuck  %d untrue  load %.1f", c.name, n, row.Double, row.Stuck, row.Untrue, load())
			table = append(table, row)
		}
	}
	return errors.Join(table.print(out), save(*file, table), table.sound())
}

type rushes []rush

// sound fails if anything was not as it must be.
func (all rushes) sound() error {
	for _, r := range all {
		if r.Double+r.Stuck+r.Untrue > 0 {
			return fmt.Errorf("%s by %d callers: %d double, %d stuck, %d untrue: %w", r.Command, r.Callers, r.Double, r.Stuck, r.Untrue, errBroken)
		}
	}
	return nil
}

func (all rushes) print(w io.Writer) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%-8s %8s %7s %7s %6s %7s\n", "command", "callers", "orders", "double", "stuck", "untrue")
	for _, r := range all {
		fmt.Fprintf(&text, "%-8s %8d %7d %7d %6d %7d\n", r.Command, r.Callers, r.Orders, r.Double, r.Stuck, r.Untrue)
	}
	_, err := w.Write(text.Bytes())
	return err
}

// rush has so many callers give the command at once, for one order after the other:
// of every second order under one key.
func (s *street) rush(ctx context.Context, c contest, callers, orders int) (rush, error) {
	row := rush{Command: c.name, Callers: callers, Orders: orders}
	visits, err := s.prepare(ctx, c, orders)
	if err != nil {
		return row, err
	}
	var before, after int64
	if err := s.count(ctx, "charged", &before); err != nil {
		return row, err
	}
	for i, v := range visits {
		untrue, done, err := v.at(ctx, c, callers, i%2 == 1)
		if err != nil {
			return row, err
		}
		if row.Untrue += untrue; done == 0 {
			row.Stuck++
			continue
		}
		effects, err := c.effect(ctx, v)
		if err != nil {
			return row, err
		}
		if effects > 1 {
			row.Double++
		}
		rested := effects > 0
		if rested {
			if rested, err = v.rests(ctx, c); err != nil {
				return row, err
			}
		}
		if !rested {
			row.Stuck++
		}
	}
	if err := s.count(ctx, "charged", &after); err != nil {
		return row, err
	}
	if c.name == "pay" && after-before > int64(orders)*18_000 {
		row.Double += int((after-before)/18_000) - orders // charged at the institution
	}
	return row, nil
}

// prepare makes orders ready, eight at a time.
func (s *street) prepare(ctx context.Context, c contest, orders int) ([]*visit, error) {
	visits, failed := make([]*visit, orders), make([]error, 8)
	var all sync.WaitGroup
	for lane := range failed {
		all.Go(func() {
			for i := lane; i < orders && failed[lane] == nil; i += len(failed) {
				visits[i] = s.visitor()
				failed[lane] = c.ready(ctx, visits[i])
			}
		})
	}
	all.Wait()
	return visits, errors.Join(failed...)
}

// at has the callers give the command at once, and tells how many answers were untrue
// and how many told of success.
func (v *visit) at(ctx context.Context, c contest, callers int, shared bool) (untrue, done int, err error) {
	who, path, body, err := c.send(ctx, v)
	if err != nil {
		return 0, 0, err
	}
	answers, failed := make([]answer, callers), make([]error, callers)
	key, begin := v.key(), make(chan struct{})
	var all sync.WaitGroup
	for i := range callers {
		own := key
		if !shared {
			own = v.key()
		}
		all.Go(func() {
			<-begin
			answers[i], failed[i] = v.call(ctx, who, own, path, body)
		})
	}
	close(begin)
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return 0, 0, err
	}
	now, err := v.must(ctx, v.customer, "", v.path(""), nil)
	if err != nil {
		return 0, 0, err
	}
	untrue, done = c.judge(answers, now.text("state"), shared)
	return untrue, done, nil
}

// judge counts what was not true. Under one key everybody gets the one answer. Else
// one succeeds, and the others are told why they do not, with the state as it is.
func (c contest) judge(answers []answer, state string, shared bool) (untrue, done int) {
	ids := map[string]bool{}
	for _, a := range answers {
		switch {
		case a.status < http.StatusMultipleChoices:
			done++
			ids[a.text("id")] = true
			if c.state != "" && !c.joins && a.text("state") != c.state {
				untrue++
			}
		case shared && !c.joins || a.status != http.StatusConflict || a.text("code") != c.late:
			log.Printf("%s answered with %d: %.300s", c.name, a.status, a.raw)
			untrue++
		case a.body["state"] != nil && c.state != "" && !c.joins && a.text("state") != state:
			untrue++
		}
	}
	if untrue += max(0, len(ids)-1); !shared && !c.joins {
		untrue += max(0, done-1)
	}
	return untrue, done
}

// patience is how long an order may take to come to rest.
const patience = 30 * time.Second

// rests waits until the order is as it must be: in its state, with all money that is
// to go back gone.
func (v *visit) rests(ctx context.Context, c contest) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		a, err := v.must(ctx, v.customer, "", v.path(""), nil)
		if err != nil {
			return false, err
		}
		reserved := a.amount("reserved")
		if (c.state == "" || a.text("state") == c.state) && (reserved == "" || reserved == "0.00") {
			return true, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return false, nil
		}
	}
}
