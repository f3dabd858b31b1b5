package invoice_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/store/sandbox"
)

// Invariant 17, whatever happens in whatever order: numbers without gap, never
// more invoiced than was paid but while a red letter is under way, and in the end,
// once the authority does its work, invoices that are even with the payments.
func TestInvoicesStayWithinWhatWasPaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		m := &play{world: newWorld(t), r: r}
		r.Repeat(map[string]func(*rapid.T){
			"ask": m.ask, "issue": m.issue, "cancel": m.cancel, "reverse": m.reverse, "refund": m.refund, "use": m.use, "confirm": m.confirm, "wait": m.wait,
			"": func(*rapid.T) { m.sound(t) },
		})
		m.settle()
	})
}

// play is what people and the authority do to one order's invoices.
type play struct {
	*world
	r    *rapid.T
	made []platform.ID
}

func (m *play) one() (platform.ID, bool) {
	if len(m.made) == 0 {
		return "", false
	}
	return rapid.SampledFrom(m.made).Draw(m.r, "invoice"), true
}

// refusedOr lets a refusal of the domain pass, and nothing else.
func (m *play) refusedOr(err error) bool {
	refusal := errors.Is(err, platform.ErrState) || errors.Is(err, platform.ErrInvalid)
	require.True(m.r, err == nil || refusal, "%v", err)
	return err != nil
}

func (m *play) part() invoice.Part {
	fen := rapid.Int64Range(1, 6000).Draw(m.r, "amount")
	return invoice.Part{Line: rapid.IntRange(1, 2).Draw(m.r, "line"), Amount: yuan(fmt.Sprintf("%d.%02d", fen/100, fen%100))}
}

func (m *play) ask(*rapid.T) {
	in := invoice.RequestInvoice{Of: done, Kind: invoice.ForService, Title: person}
	if rapid.Bool().Draw(m.r, "a part") {
		in.Lines = []invoice.Part{m.part()}
	}
	v, err := m.RequestInvoice(as(customer), in)
	if m.refusedOr(err) {
		return
	}
	m.made = append(m.made, v.ID)
	m.authority.Force(string(v.ID), rapid.SampledFrom([]sandbox.InvoicerFault{"", "", sandbox.TimeoutAfter, sandbox.LostBefore, sandbox.Slow, sandbox.Refusal}).Draw(m.r, "fault"))
}

func (m *play) issue(*rapid.T) {
	if id, some := m.one(); some {
		_, err := m.IssueInvoice(as(operator), invoice.IssueInvoice{Invoice: id})
		m.refusedOr(err)
	}
}

func (m *play) cancel(*rapid.T) {
	if id, some := m.one(); some {
		_, err := m.CancelInvoice(as(customer), invoice.CancelInvoice{Invoice: id})
		m.refusedOr(err)
	}
}

func (m *play) reverse(*rapid.T) {
	id, some := m.one()
	if !some {
		return
	}
	l, err := m.AskRed(as(merchant), invoice.AskRed{Invoice: id, Lines: []invoice.Part{m.part()}, Reason: "wrong_title"})
	if !m.refusedOr(err) {
		m.authority.Force(string(l.ID), rapid.SampledFrom([]sandbox.InvoicerFault{"", sandbox.TimeoutAfter, sandbox.Refusal}).Draw(m.r, "fault"))
	}
}

// refund gives back of a line, at most what is left of it.
func (m *play) refund(*rapid.T) {
	p := m.part()
	m.shop.mu.Lock()
	l := &m.shop.lines[p.Line-1]
	sum, err := l.Given.Add(p.Amount)
	fits := err == nil && sum.Minor() <= l.Amount.Minor()
	if fits {
		l.Given = sum
	}
	m.shop.mu.Unlock()
	if fits {
		_, err = m.Reconcile(as(machine), invoice.Reconcile{Of: done, Kind: invoice.ForService})
		m.refusedOr(err)
	}
}

func (m *play) use(*rapid.T) {
	if id, some := m.one(); some {
		if v := m.get(m.r, id); v.Official != "" {
			m.authority.Use(v.Official)
		}
	}
}

func (m *play) confirm(*rapid.T) {
	if id, some := m.one(); some {
		for _, l := range m.letters(m.r, id) {
			m.authority.Confirm(string(l.ID))
		}
	}
}

func (m *play) wait(*rapid.T) {
	m.advance(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 30 * time.Hour}).Draw(m.r, "wait"))
	_, err := m.Tick(context.Background(), m.clock(), 0)
	require.NoError(m.r, err)
}

// settle has the authority and the other side do all that they were asked.
func (m *play) settle() {
	for range 20 {
		for _, id := range m.made {
			m.authority.Force(string(id), "")
			if v := m.get(m.r, id); v.State == invoice.Failed && v.Due.IsZero() { // a person decides
				_, err := m.CancelInvoice(as(operator), invoice.CancelInvoice{Invoice: id})
				require.NoError(m.r, err)
			}
			for _, l := range m.letters(m.r, id) {
				m.authority.Force(string(l.ID), "")
				m.authority.Confirm(string(l.ID))
			}
		}
		m.advance(8 * time.Hour)
		_, err := m.Tick(context.Background(), m.clock(), 0)
		require.NoError(m.r, err)
	}
	m.sound(m.r)
	if len(m.made) == 0 {
		return
	}
	t, err := m.Tally(as(operator), done, invoice.ForService)
	require.NoError(m.r, err)
	doc, _, err := m.shop.Invoiceable(context.Background(), done, "service")
	require.NoError(m.r, err)
	require.True(m.r, t.Since.IsZero(), "%s invoiced less %s of %s", t.Invoiced, t.Red, doc)
	for _, id := range m.made {
		require.NotContains(m.r, []invoice.State{invoice.Requested, invoice.Issuing, invoice.RedPending}, m.get(m.r, id).State)
	}
}
