package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// ledgerArm is so many clients, each with so many transfers in a request.
type ledgerArm struct{ callers, bulk int }

func ledgerArms() []ledgerArm { return []ledgerArm{{1, 1}, {8, 1}, {64, 1}, {8, bulk}} }

func (a ledgerArm) name() string {
	if a.bulk > 1 {
		return "bulk"
	}
	return strconv.Itoa(a.callers)
}

// client is one that keeps its connection.
type client struct {
	http   *http.Client
	url    string
	chance *rand.Rand
	name   string
	n      int
}

func (a ledgerArm) calls(url string, run uint64) []call {
	calls := make([]call, a.callers)
	for i := range calls {
		c := &client{
			http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}, url: url,
			chance: rand.New(rand.NewPCG(run, uint64(i))), name: fmt.Sprintf("%d/%d", run, i),
		}
		if a.bulk > 1 {
			calls[i] = func(ctx context.Context) (int64, error) { return c.batch(ctx, a.bulk) }
		} else {
			calls[i] = func(ctx context.Context) (int64, error) { return 1, c.transfer(ctx) }
		}
	}
	return calls
}

// money and line are as the API writes them.
type money struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

type line struct {
	Account string `json:"account"`
	Amount  money  `json:"amount"`
}

type step struct {
	What string `json:"what"`
	Legs []line `json:"legs"`
}

type group struct {
	Key   string `json:"key,omitempty"`
	Steps []step `json:"steps"`
}

// group is the next transfer, one posting of three legs: of a hundred, ninety go to the
// merchant and ten to the platform.
func (c *client) group() group {
	from, to := "unapplied:"+string(party("cus", c.chance.IntN(payers))), "payable:"+string(party("mer", c.chance.IntN(payees)))
	cny := func(amount string) money { return money{amount, "CNY"} }
	return group{Steps: []step{
		{"transfer.made", []line{{from, cny("100.00")}, {to, cny("-90.00")}, {"commission", cny("-10.00")}}},
	}}
}

func (c *client) transfer(ctx context.Context) error {
	var done struct {
		Outcome string `json:"outcome"`
	}
	err := c.post(ctx, "/v1/ledger/transfers", c.group(), &done)
	if err == nil && done.Outcome != "posted" {
		err = fmt.Errorf("a transfer was %s: %w", done.Outcome, errBroken)
	}
	return err
}

func (c *client) batch(ctx context.Context, n int) (int64, error) {
	var in struct {
		Groups []group `json:"groups"`
	}
	for range n {
		in.Groups = append(in.Groups, c.group())
	}
	var done struct {
		Results []struct {
			Outcome string `json:"outcome"`
		} `json:"results"`
	}
	if err := c.post(ctx, "/v1/ledger/batches", in, &done); err != nil {
		return 0, err
	}
	for _, r := range done.Results {
		if r.Outcome != "posted" {
			return 0, fmt.Errorf("a transfer of a batch was %s: %w", r.Outcome, errBroken)
		}
	}
	return int64(len(done.Results)), nil
}

// post sends one command under a key of its own.
func (c *client) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	c.n++
	r.Header.Set("Idempotency-Key", fmt.Sprintf("%s/%d", c.name, c.n))
	r.Header.Set("Content-Type", "application/json")
	return ask(c.http, r, out)
}

// ask sends a request as the accountant and reads the answer.
func ask(c *http.Client, r *http.Request, out any) error {
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := c.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answered with %d: %s", r.URL.Path, answer.StatusCode, text)
	}
	return json.Unmarshal(text, out)
}
