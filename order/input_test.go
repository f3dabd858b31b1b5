package order_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// commands are those of the package on an order, each as whom it is meant for gives
// it, with everything right but perhaps the order.
func (h *house) commands(id platform.ID) map[string]func(context.Context) error {
	s := h.orders
	done := func(_ any, err error) error { return err }
	return map[string]func(context.Context) error{
		"confirm":  func(c context.Context) error { return done(s.Confirm(c, order.Confirm{Order: id})) },
		"decline":  func(c context.Context) error { return done(s.Decline(c, order.Decline{Order: id, Reason: "x"})) },
		"start":    func(c context.Context) error { return done(s.Start(c, order.Start{Order: id})) },
		"deliver":  func(c context.Context) error { return done(s.Deliver(c, order.Deliver{Order: id})) },
		"complete": func(c context.Context) error { return done(s.Complete(c, order.Complete{Order: id})) },
		"accept":   func(c context.Context) error { return done(s.Accept(c, order.Accept{Order: id})) },
		"rework": func(c context.Context) error {
			return done(s.RequestRework(c, order.RequestRework{Order: id, Reason: "x", Lines: []int{1}}))
		},
		"clear": func(c context.Context) error {
			return done(s.ClearReview(c, order.ClearReview{Order: id, Outcome: "allow", Reason: "x"}))
		},
		"cancel":       func(c context.Context) error { return done(s.Cancel(c, order.Cancel{Order: id, Reason: "x"})) },
		"quote cancel": func(c context.Context) error { return done(s.QuoteCancel(c, order.Cancel{Order: id})) },
		"no-show":      func(c context.Context) error { return done(s.NoShow(c, order.NoShow{Order: id})) },
		"waive no-show": func(c context.Context) error {
			return done(s.WaiveNoShow(c, order.WaiveNoShow{Order: id, Reason: "x"}))
		},
		"refund": func(c context.Context) error {
			return done(s.RequestRefund(c, order.RequestRefund{Order: id, Amount: cny("1"), Reason: "x"}))
		},
		"quote change": func(c context.Context) error {
			return done(s.QuoteChange(c, order.ProposeChange{Order: id, Start: nextDay, TimeZone: "UTC"}))
		},
		"change": func(c context.Context) error {
			return done(s.ProposeChange(c, order.ProposeChange{Order: id, Start: nextDay, TimeZone: "UTC", Reason: "x"}))
		},
	}
}

// Whoever asks wrongly, for whatever, is told so in the same way by every command,
// and nothing changes.
func TestBadInputWhoAndWhich(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	before := h.db.commits.Load()
	absent := h.w.NewRoot(as(customer), "ord")
	elsewhere := customer
	elsewhere.Tenant = "west"
	for name, c := range map[string]struct {
		ctx  context.Context
		id   platform.ID
		kind error
		code string
	}{
		"nobody":                    {context.Background(), o.ID, platform.ErrDenied, "actor.missing"},
		"another customer":          {as(stranger), o.ID, platform.ErrNotFound, "order.not_found"},
		"another merchant":          {as(rival), o.ID, platform.ErrNotFound, "order.not_found"},
		"a member who has no seat":  {as(member), o.ID, platform.ErrNotFound, "order.not_found"},
		"an auditor":                {as(auditor), o.ID, platform.ErrDenied, "order.actor_not_allowed"},
		"somebody of another house": {as(elsewhere), o.ID, platform.ErrNotFound, ""},
		"no such order":             {as(operator), absent, platform.ErrNotFound, "order.not_found"},
		"no id":                     {as(operator), "", platform.ErrInvalid, ""},
		"no id at all":              {as(operator), "order-1", platform.ErrInvalid, "id.malformed"},
		"a customer's id":           {as(operator), customer.ID, platform.ErrInvalid, "id.wrong_kind"},
		"a key of 256":              {platform.WithKey(as(operator), strings.Repeat("k", 256)), o.ID, platform.ErrInvalid, "key.malformed"},
		"a key with a space":        {platform.WithKey(as(operator), "a b"), o.ID, platform.ErrInvalid, "key.malformed"},
		"a key beyond ASCII":        {platform.WithKey(as(operator), "钥"), o.ID, platform.ErrInvalid, "key.malformed"},
	} {
		for verb, command := range h.commands(c.id) {
			if strings.HasPrefix(verb, "quote ") && strings.HasPrefix(name, "a key") {
				continue // a question has no key
			}
			err := command(c.ctx)
			require.ErrorIs(t, err, c.kind, "%s by %s", verb, name)
			if c.code != "" {
				assert.Equal(t, c.code, platform.Code(err), "%s by %s", verb, name)
			}
		}
	}
	assert.Equal(t, before, h.db.commits.Load())
	assert.Equal(t, o, h.read(o.ID))
}

// What is asked for is refused by kind and code, whatever else is right.
func TestBadInputWhat(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	o, delivered, ended := h.confirmed(listing), h.delivered(listing), h.completed(listing)
	code := func(_ any, err error) error { return err }
	photo := order.Taken{Kind: "photo", SHA256: strings.Repeat("a", 64), Bytes: 1, TakenAt: noon}
	with := func(change func(*order.Taken)) error {
		p := photo
		change(&p)
		begun := h.confirmed(listing)
		require.NoError(t, code(h.orders.Start(as(merchant), order.Start{Order: begun.ID})))
		return code(h.orders.Deliver(as(merchant), order.Deliver{Order: begun.ID, Proofs: []order.Taken{p}}))
	}
	place := func(change func(*order.Place)) error { return code(h.place(listing, change)) }
	change := func(in order.ProposeChange) error {
		in.Order, in.Reason = o.ID, "x"
		return code(h.orders.QuoteChange(as(customer), in))
	}
	refund := func(id platform.ID, amount string, lines ...order.RefundLine) error {
		return code(h.orders.RequestRefund(as(operator), order.RequestRefund{Order: id, Amount: cny(amount), Lines: lines, Reason: "x"}))
	}
	for name, c := range map[string]struct {
		err  error
		kind error
		code string
	}{
		"nothing of a line":         {place(func(in *order.Place) { in.Lines[0].Quantity = 0 }), platform.ErrInvalid, "order.quantity"},
		"10,001 of a line":          {place(func(in *order.Place) { in.Lines[0].Quantity = 10_001 }), platform.ErrInvalid, "order.quantity"},
		"10,001 of a changed line":  {change(order.ProposeChange{Lines: []order.ChangeLine{{Line: 1, Quantity: 10_001}}}), platform.ErrInvalid, "order.quantity"},
		"a line that is not there":  {change(order.ProposeChange{Lines: []order.ChangeLine{{Line: 9, Quantity: 1}}}), platform.ErrInvalid, "order.line_unknown"},
		"no lines left":             {change(order.ProposeChange{Lines: []order.ChangeLine{{Line: 1}}}), platform.ErrInvalid, "order.no_lines"},
		"another currency":          {change(order.ProposeChange{Lines: []order.ChangeLine{{Line: 1, Quantity: 1, Price: platform.MustMoney("1", "USD")}}}), platform.ErrInvalid, "money.currency_mixed"},
		"another total":             {place(func(in *order.Place) { in.Total = cny("99.99") }), platform.ErrState, "order.price_changed"},
		"a start in the past":       {change(order.ProposeChange{Start: noon.Add(-time.Second)}), platform.ErrInvalid, ""},
		"a start in two years":      {change(order.ProposeChange{Start: noon.AddDate(2, 0, 0), TimeZone: "UTC"}), platform.ErrInvalid, "order.start_far"},
		"an end before it":          {change(order.ProposeChange{Start: nextDay, End: nextDay, TimeZone: "UTC"}), platform.ErrInvalid, "order.interval"},
		"a zone of fancy":           {change(order.ProposeChange{Start: nextDay, TimeZone: "Mars/Base"}), platform.ErrInvalid, "time.zone"},
		"a reason of a page":        {code(h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, Reason: strings.Repeat("x", 65)})), platform.ErrInvalid, "text.too_long"},
		"a reason that rings":       {code(h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, Reason: "a\a"})), platform.ErrInvalid, "text.control"},
		"a reason of bytes":         {code(h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, Reason: "\xff"})), platform.ErrInvalid, "text.encoding"},
		"accept too early":          {code(h.orders.Accept(as(customer), order.Accept{Order: o.ID})), platform.ErrState, "order.not_acceptable"},
		"start too late":            {code(h.orders.Start(as(merchant), order.Start{Order: ended.ID})), platform.ErrState, "order.not_startable"},
		"a fee above the most":      {code(h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("29.99"), Reason: "x"})), platform.ErrState, "order.cancel_fee_changed"},
		"a refund below nothing":    {refund(ended.ID, "-1"), platform.ErrInvalid, "refund.amount"},
		"a refund above all":        {refund(ended.ID, "100.01"), platform.ErrState, "order.refund_exceeds"},
		"a refund of line 9":        {refund(ended.ID, "1", order.RefundLine{Line: 9, Amount: cny("1")}), platform.ErrInvalid, "refund.line_unknown"},
		"rework of line 9":          {code(h.orders.RequestRework(as(customer), order.RequestRework{Order: delivered.ID, Reason: "x", Lines: []int{9}})), platform.ErrInvalid, "order.line_unknown"},
		"a proof without hash":      {with(func(p *order.Taken) { p.SHA256 = "" }), platform.ErrInvalid, "proof.hash"},
		"a proof with half a hash":  {with(func(p *order.Taken) { p.SHA256 = p.SHA256[:32] }), platform.ErrInvalid, "proof.hash"},
		"a proof of last week":      {with(func(p *order.Taken) { p.TakenAt = noon.AddDate(0, 0, -7) }), platform.ErrInvalid, "proof.time"},
		"a proof of tomorrow":       {with(func(p *order.Taken) { p.TakenAt = nextDay }), platform.ErrInvalid, "proof.time"},
		"a proof of no such kind":   {with(func(p *order.Taken) { p.Kind = "rumour" }), platform.ErrInvalid, ""},
		"an unknown fault":          {code(h.orders.Cancel(as(operator), order.Cancel{Order: o.ID, Fault: "moon", Reason: "x"})), platform.ErrInvalid, "field.oneof"},
		"a policy without a name":   {code(h.orders.DraftPolicy(as(operator), order.DraftPolicy{From: nextDay, Rows: order.StandardPolicy().Rows})), platform.ErrInvalid, ""},
		"a policy without rows":     {code(h.orders.DraftPolicy(as(operator), order.DraftPolicy{Name: "none", From: nextDay})), platform.ErrInvalid, ""},
		"a policy that is an order": {code(h.orders.PublishPolicy(as(operator), order.PublishPolicy{Policy: o.ID})), platform.ErrInvalid, "id.wrong_kind"},
	} {
		require.ErrorIs(t, c.err, c.kind, name)
		if c.code != "" {
			assert.Equal(t, c.code, platform.Code(c.err), name)
		}
		assert.NotContains(t, fmt.Sprint(c.err), "runtime error", name)
	}
	assert.Equal(t, o, h.read(o.ID))
}

// One key is one command: with another body it is refused, and has no effect.
func TestBadInputKeyReused(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	ctx := platform.WithKey(as(customer), "k-1")
	first, err := h.orders.Cancel(ctx, order.Cancel{Order: o.ID, MaxFee: cny("30"), Reason: "x"})
	require.NoError(t, err)
	again, err := h.orders.Cancel(ctx, order.Cancel{Order: o.ID, MaxFee: cny("30"), Reason: "x"})
	require.NoError(t, err)
	assert.Equal(t, first.Cancellation, again.Cancellation, "the same answer")
	_, err = h.orders.Cancel(ctx, order.Cancel{Order: o.ID, MaxFee: cny("31"), Reason: "x"})
	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.Equal(t, "key.reused", platform.Code(err))
	assert.Len(t, h.refunds(o.ID), 1)
}

// Ports that are down leave nothing half done.
func TestBadInputPortDown(t *testing.T) {
	t.Parallel()
	h, _, o := manned(t)
	h.ports.Staffing = &unreachable{}
	h.orders = order.New(h.w, h.store, h.ports, nil)
	before := h.db.commits.Load()
	for verb, err := range map[string]error{
		"cancel": func() error {
			_, err := h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("100"), Reason: "x"})
			return err
		}(),
		"no-show": func() error { _, err := h.orders.NoShow(as(member), order.NoShow{Order: o.ID}); return err }(),
	} {
		require.ErrorIs(t, err, platform.ErrUnavailable, verb)
	}
	assert.Equal(t, before, h.db.commits.Load())
	assert.Equal(t, o, h.read(o.ID))
}

// unreachable is a dispatch that does not answer.
type unreachable struct{ crew }

func (unreachable) Present(context.Context, ...platform.ID) (json.RawMessage, []platform.Change, error) {
	return nil, nil, errors.Join(platform.ErrUnavailable)
}
