package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/refund"
)

// How often a difference is planted, by seed: on a line of the institution's
// statement, and at the institution itself by an order that is delivered.
const (
	ofLines  = 200
	ofOrders = 500
)

// plants are the differences on lines; each is what becomes of one.
var plants = []struct {
	class reconciliation.Class
	alter func(payment.Line) []payment.Line
}{
	{reconciliation.MissingAtInstitution, func(payment.Line) []payment.Line { return nil }},
	{reconciliation.Duplicate, func(l payment.Line) []payment.Line {
		again := l
		again.ID += "-again"
		return []payment.Line{l, again}
	}},
	{reconciliation.AmountDiffers, func(l payment.Line) []payment.Line {
		l.Gross = plus(l.Gross, brl(1))
		return []payment.Line{l}
	}},
	{reconciliation.FeeDiffers, func(l payment.Line) []payment.Line {
		l.Fee = brl(37) // by contract there is none
		return []payment.Line{l}
	}},
}

// difference is one that was planted or found.
type difference struct {
	class reconciliation.Class
	line  string // its id, or ours of what has none
}

// bank is what is known of the institution's statements.
type bank struct {
	planted     []difference
	days, lines int
	console     []platform.ID          // whose money went back at the institution's console, as its lines will come
	byHand      map[string]platform.ID // the same, by line
}

// dice is a number below n for what a name stands for, by seed.
func (r *replay) dice(n uint64, name string) uint64 {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, r.seed), name...))
	return binary.BigEndian.Uint64(sum[:8]) % n
}

// meddle is what somebody does at the institution once in a while when an order is
// delivered, and tells nobody: gives a part of it back, or sends money.
func (r *replay) meddle(c *checkout) error {
	switch o := c.orders; {
	case len(o) == 0 || c.status != "delivered":
		return nil
	case r.dice(ofOrders, "deposit/"+c.id) == 0:
		r.market.Sandbox.Deposit(brl(777))
	case r.dice(ofOrders, "console/"+c.id) == 0:
		i, err := r.market.Payments.Intent(r.ctx, o[0].intent())
		if err != nil || len(i.Paid) == 0 {
			return err
		}
		a, err := r.market.Payments.Attempt(r.ctx, i.Paid[0])
		if err == nil && r.market.Sandbox.RefundByHand(a.Key(), brl(100)) == nil { // else it has less
			r.bank.console = append(r.bank.console, o[0].merchant)
		}
		return err
	}
	return nil
}

// statement takes in what the institution says of the day that has ended, with what
// is planted, and resolves what differs.
func (r *replay) statement(midnight time.Time) error {
	date := midnight.Add(-day)
	file, err := r.file(date)
	if err != nil {
		return err
	}
	ctx := platform.As(r.ctx, finances[0])
	st, err := r.market.Recon.Import(ctx, reconciliation.Import{File: file, Institution: institution, Day: date.Format(time.DateOnly)})
	if err != nil {
		return err
	}
	r.bank.days, r.bank.lines = r.bank.days+1, r.bank.lines+st.Lines
	run, err := r.market.Recon.Reconcile(ctx, reconciliation.Reconcile{Statement: st.ID})
	if err != nil || run.Cases == 0 {
		return err
	}
	for cursor := ""; ; {
		open, err := r.market.Recon.Inbox(ctx, reconciliation.CaseOpen, cursor)
		if err != nil {
			return err
		}
		for _, c := range open.Items {
			if err := r.explain(c); err != nil {
				return fmt.Errorf("resolve %s: %w", c.Class, err)
			}
		}
		if cursor = open.Next; cursor == "" {
			return nil
		}
	}
}

// file is the statement of a day as the institution would send it, with what is
// planted.
func (r *replay) file(date time.Time) (*bytes.Buffer, error) {
	var all bytes.Buffer
	out := csv.NewWriter(&all)
	_ = out.Write([]string{"id", "kind", "key", "reference", "gross", "fee", "currency", "at"}) // a buffer takes everything
	for cursor := ""; ; {
		lines, next, err := r.market.Sandbox.Lines(r.ctx, date, cursor)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			for _, l := range r.plant(l) {
				_ = out.Write([]string{l.ID, string(l.Kind), string(l.Key), l.Reference, l.Gross.Decimal().String(), l.Fee.Decimal().String(), currency, l.At.Format(time.RFC3339Nano)})
			}
		}
		if cursor = next; cursor == "" {
			out.Flush()
			return &all, out.Error()
		}
	}
}

// plant is what becomes of a line on its way into the file.
func (r *replay) plant(l payment.Line) []payment.Line {
	about := difference{reconciliation.MissingInBooks, l.ID}
	switch {
	case l.Key == "" && l.Kind == payment.LineRefund:
		r.bank.byHand[l.ID], r.bank.console = r.bank.console[0], r.bank.console[1:]
		r.bank.planted = append(r.bank.planted, about)
	case l.Key == "" && l.Gross == brl(777):
		r.bank.planted = append(r.bank.planted, about)
	case l.Key != "" && l.Kind == payment.LineCharge && r.dice(ofLines, l.ID) == 0:
		p := plants[r.dice(uint64(len(plants)), "plant/"+l.ID)]
		about.class = p.class
		if p.class == reconciliation.MissingAtInstitution {
			about.line = tail(l.Key.Record())
		}
		r.bank.planted = append(r.bank.planted, about)
		return p.alter(l)
	}
	return []payment.Line{l}
}

// differenceOf is what a case is about.
func differenceOf(c reconciliation.Case) difference {
	d := difference{class: c.Class}
	if len(c.Lines) > 0 {
		name, _, _ := strings.Cut(c.Lines[0], "#")
		d.line = strings.TrimSuffix(name, "-again")
	} else if len(c.Subjects) > 0 {
		d.line = tail(c.Subjects[0].ID)
	}
	return d
}

// explain resolves a difference that was planted: what the console gave back comes
// from its merchant, and anything else as it is proposed. What an institution with
// faults tells before the books have it, they will have.
func (r *replay) explain(c reconciliation.Case) error {
	found, in := differenceOf(c), reconciliation.ResolveCase{Case: c.ID, Reason: "source.planted"}
	if !slices.Contains(r.bank.planted, found) {
		return nil
	}
	if by := r.bank.byHand[found.line]; by != "" {
		legs, err := refund.Chain{Books: r.market.Books}.Sources(r.ctx, by, c.Differs.Neg())
		if err != nil {
			return err
		}
		for _, l := range legs {
			in.Against = append(in.Against, finance.Line{Account: finance.Account{Role: l.Role, Of: l.Of, Party: l.Party}.String(), Amount: l.Amount})
		}
	}
	done, err := r.market.Recon.ResolveCase(platform.As(r.ctx, finances[0]), in)
	if err == nil && done.State == reconciliation.CaseProposed {
		_, err = r.market.Recon.ApproveCase(platform.As(r.ctx, finances[1]), reconciliation.ApproveCase{Case: c.ID})
	}
	return err
}

// brl is an amount in minor units.
func brl(minor int64) platform.Money {
	m, err := platform.FromMinor(minor, zero().Currency())
	if err != nil {
		panic(err) // the smallest of all numbers is nobody's amount
	}
	return m
}

// tail is what ids of one root have in common, whatever their prefix.
func tail(id platform.ID) string { return strings.TrimPrefix(string(id), id.Prefix()) }
