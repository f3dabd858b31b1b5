package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// street is a shop in a process of its own, seen from here.
type street struct {
	front

	cmd     *exec.Cmd
	in      io.Closer
	http    *http.Client
	keys    atomic.Int64
	persons atomic.Int64
}

// openStreet starts this program anew, as a shop.
func openStreet(ctx context.Context, dsn string, branches int) (*street, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &street{
		cmd:  exec.CommandContext(ctx, self, "shop", "-dsn", dsn, "-branches", strconv.Itoa(branches)),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	s.cmd.Stderr = log.Writer()
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.front)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the shop ended early: %w", err), s.close())
	}
	return s, nil
}

func (s *street) close() error { return errors.Join(s.in.Close(), s.cmd.Wait()) }

// object is a body as the API reads and writes it.
type object = map[string]any

// answer is what the shop said.
type answer struct {
	status int
	body   object
	raw    []byte
}

func (a answer) text(member string) string { t, _ := a.body[member].(string); return t }

// amount is that of a member that is money.
func (a answer) amount(member string) string {
	m, _ := a.body[member].(object)
	t, _ := m["amount"].(string)
	return t
}

// items is how many a page has.
func (a answer) items() int { all, _ := a.body["items"].([]any); return len(all) }

// call sends a request as somebody, under a key if it is a command.
func (s *street) call(ctx context.Context, who, key, path string, in any) (a answer, err error) {
	method, body := http.MethodGet, []byte(nil)
	if key != "" {
		method = http.MethodPost
		if in == nil {
			in = object{}
		}
		if body, err = json.Marshal(in); err != nil {
			return a, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Authorization", "Bearer "+who)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
		r.Header.Set("Content-Type", "application/json")
	}
	got, err := s.http.Do(r)
	if err != nil {
		return a, err
	}
	a.status = got.StatusCode
	a.raw, err = io.ReadAll(got.Body)
	if err = errors.Join(err, got.Body.Close()); err == nil && len(a.raw) > 0 && a.raw[0] == '{' {
		err = json.Unmarshal(a.raw, &a.body)
	}
	return a, err
}

// must is a call that has to succeed.
func (s *street) must(ctx context.Context, who, key, path string, in any) (answer, error) {
	a, err := s.call(ctx, who, key, path, in)
	if err == nil && a.status >= http.StatusBadRequest {
		err = fmt.Errorf("%s answered with %d: %s", path, a.status, a.raw)
	}
	return a, err
}

func (s *street) key() string { return "bench-" + strconv.FormatInt(s.keys.Add(1), 10) }

// visit is one order of somebody new: many orders of one customer would be looked at
// twice.
type visit struct {
	*street

	customer string
	order    platform.ID
}

func (s *street) visitor() *visit {
	return &visit{street: s, customer: "customer/" + string(party("cus", int(s.persons.Add(1))))}
}

func (v *visit) owner() string { return "merchant/" + string(v.Merchant) }

func (v *visit) path(more string) string { return "/v1/orders/" + string(v.order) + more }

func (v *visit) intent() string {
	return "/v1/intents/" + string(payment.IntentID(platform.Ref{Kind: "order", ID: v.order}, payment.Full))
}

func (v *visit) place(ctx context.Context, listing platform.ID) error {
	a, err := v.must(ctx, v.customer, v.key(), "/v1/orders", object{"lines": []object{{"listing": listing, "quantity": 1}}, "total": money{price, "CNY"}})
	v.order = platform.ID(a.text("id"))
	return err
}

func (v *visit) pay(ctx context.Context) error {
	_, err := v.must(ctx, v.customer, v.key(), v.intent()+"/pay", object{"method": sandbox.OK})
	return err
}

// staffed has the order offered to a member, who takes it. If everybody is at work, by
// what the rooms have heard so far, the operator tries again.
func (v *visit) staffed(ctx context.Context) (member string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		a, err := v.must(ctx, "operator/", v.key(), v.path("/dispatch"), nil)
		if err != nil {
			return "", err
		}
		if offers, _ := a.body["offers"].([]any); len(offers) > 0 {
			offer, _ := offers[0].(object)
			id, _ := offer["id"].(string)
			member, _ = offer["member"].(string)
			member = "staff/" + member
			_, err = v.must(ctx, member, v.key(), "/v1/assignments/"+id+"/accept", nil)
			return member, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return "", errNobody
		}
	}
}

// errNobody tells that everybody of a team is at work.
var errNobody = errors.New("nobody is free: the rooms do not follow as fast as orders come")

func (v *visit) start(ctx context.Context, who string) error {
	_, err := v.must(ctx, who, v.key(), v.path("/start"), nil)
	return err
}

func (v *visit) deliver(ctx context.Context, who string) error {
	_, err := v.must(ctx, who, v.key(), v.path("/deliver"), photos())
	return err
}

func (v *visit) accept(ctx context.Context) error {
	_, err := v.must(ctx, v.customer, v.key(), v.path("/accept"), nil)
	return err
}

// photos is a proof taken now.
func photos() object {
	return object{"proofs": []object{{"kind": "photo", "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "bytes": 48213, "taken_at": time.Now().UTC().Add(-time.Second)}}}
}

// count reads a figure of the load program's own.
func (s *street) count(ctx context.Context, what string, figure any, query ...string) error {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	a, err := s.must(ctx, "operator/", "", "/bench/"+what+"?"+values.Encode(), nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(a.raw, figure)
}
