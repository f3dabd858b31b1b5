package order_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// gives are the verbs of people, as their commands.
func (h *house) gives(id platform.ID, by platform.Actor) map[string]func() error {
	ctx := as(by)
	return map[string]func() error{
		"clear": func() error {
			return failure(h.orders.ClearReview(ctx, order.ClearReview{Order: id, Outcome: "allow", Reason: "x"}))
		},
		"reject": func() error {
			return failure(h.orders.ClearReview(ctx, order.ClearReview{Order: id, Outcome: "reject", Reason: "x"}))
		},
		"confirm":  func() error { return failure(h.orders.Confirm(ctx, order.Confirm{Order: id})) },
		"decline":  func() error { return failure(h.orders.Decline(ctx, order.Decline{Order: id, Reason: "x"})) },
		"start":    func() error { return failure(h.orders.Start(ctx, order.Start{Order: id})) },
		"deliver":  func() error { return failure(h.orders.Deliver(ctx, order.Deliver{Order: id})) },
		"complete": func() error { return failure(h.orders.Complete(ctx, order.Complete{Order: id})) },
		"accept":   func() error { return failure(h.orders.Accept(ctx, order.Accept{Order: id})) },
		"rework": func() error {
			return failure(h.orders.RequestRework(ctx, order.RequestRework{Order: id, Reason: "x", Lines: []int{1}}))
		},
		"change": func() error {
			_, err := h.propose(by, order.ProposeChange{Order: id, Lines: []order.ChangeLine{{Line: 1, Quantity: 3}}})
			if platform.Code(err) == "change.refunded" { // it can still be moved
				_, err = h.propose(by, order.ProposeChange{Order: id, Start: h.clock.now().Add(time.Hour), TimeZone: "UTC"})
			}
			return err
		},
		"tip": func() error {
			_, err := h.orders.GiveTip(ctx, order.GiveTip{Order: id, Amount: cny("0.01")})
			return err
		},
		"waive": func() error {
			return failure(h.orders.WaiveNoShow(ctx, order.WaiveNoShow{Order: id, Reason: "x"}))
		},
		"cancel": func() error {
			q, err := h.orders.QuoteCancel(ctx, order.Cancel{Order: id})
			if err != nil {
				return err
			}
			return failure(h.orders.Cancel(ctx, order.Cancel{Order: id, MaxFee: q.Fee, Reason: "x"}))
		},
		"refund": func() error {
			_, err := h.orders.RequestRefund(ctx, order.RequestRefund{Order: id, Amount: cny("0.01"), Reason: "x"})
			return err
		},
	}
}

// TestAC9AllowedIsWhatTheCommandsDo: on orders of all terms, in every state, at any
// time and for anybody, a verb is listed exactly when its command succeeds, and is
// refused with the very code of the command.
func TestAC9AllowedIsWhatTheCommandsDo(t *testing.T) {
	t.Parallel()
	people := []platform.Actor{customer, merchant, member, operator, auditor, stranger, rival}
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t, nil)
		h.screen.outcome = rapid.SampledFrom([]string{"allow", "allow", "review"}).Draw(rt, "screen")
		seats := rapid.IntRange(0, 1).Draw(rt, "seats")
		o, err := h.place(h.list(func(m map[string]any) {
			m["seats"] = seats
			m["confirmation"] = rapid.SampledFrom([]string{"auto", "manual"}).Draw(rt, "confirmation")
			m["acceptance"] = rapid.SampledFrom([]string{"customer", "proof"}).Draw(rt, "acceptance")
		}), nil)
		require.NoError(rt, err)
		for range rapid.IntRange(1, 14).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"", "", "pay", "fill", "pass"}).Draw(rt, "besides") {
			case "pay":
				_ = h.pay(o.ID, o.Total)
			case "fill":
				_ = h.fill(o.ID, seats, member)
			case "pass":
				h.clock.pass(rapid.SampledFrom([]time.Duration{time.Minute, 3 * time.Hour, 30 * time.Hour, 200 * time.Hour}).Draw(rt, "by"))
			}
			by := rapid.SampledFrom(people).Draw(rt, "who")
			was := h.read(o.ID)
			open, now := was.Allowed(by, h.clock.now()), h.clock.now()
			all := h.gives(o.ID, by)
			verb := rapid.SampledFrom([]string{"clear", "reject", "confirm", "decline", "start", "deliver", "complete", "accept", "rework", "change", "cancel", "waive", "tip", "refund"}).Draw(rt, "verb")
			if len(open) > 0 && rapid.IntRange(0, 9).Draw(rt, "onwards") > 0 {
				verb = rapid.SampledFrom(open).Draw(rt, "open")
			}

			failed := all[verb]()

			require.Equal(rt, slices.Contains(open, verb), failed == nil, "%s by %s of %s: listed %v, %v", verb, by.Kind, was.State, open, failed)
			for _, p := range was.Permissions(by, now) {
				require.NotNil(rt, all[p.Verb], p.Verb)
				if p.Verb == verb && failed != nil {
					require.Equal(rt, platform.Code(failed), platform.Code(p.Refusal), "%s by %s of %s", verb, by.Kind, was.State)
				}
			}
		}
	})
}

// TestThePolicyShownIsTheOneThatAnOrderPins: what a customer reads before ordering is
// the version by which a cancellation is priced.
func TestThePolicyShownIsTheOneThatAnOrderPins(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	shown, err := h.orders.PolicyInForce(t.Context(), "")
	require.NoError(t, err)
	o, err := h.place(h.list(nil), nil)
	require.NoError(t, err)
	require.Equal(t, order.Standard, shown.Name)
	require.Equal(t, o.PolicyVersion, shown.Version)
	_, err = h.orders.PolicyInForce(t.Context(), "no such policy")
	require.ErrorIs(t, err, platform.ErrUnavailable)
}

// What time alone stands against is open from a moment on, and not before.
func TestAPermissionTellsFromWhen(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, err := h.place(h.list(nil), func(p *order.Place) { p.Start, p.TimeZone = nextDay, "UTC" })
	require.NoError(t, err)
	require.NoError(t, h.pay(o.ID, o.Total))
	start := func(at time.Time) order.Permission {
		all := h.read(o.ID).Permissions(merchant, at)
		n := slices.IndexFunc(all, func(p order.Permission) bool { return p.Verb == "start" })
		require.GreaterOrEqual(t, n, 0)
		return all[n]
	}

	early := start(noon)

	require.Equal(t, "order.not_startable", platform.Code(early.Refusal))
	require.Equal(t, "目前不可开始服务", platform.Text(early.Refusal, "zh"))
	require.Equal(t, "order.start", early.Command)
	require.Equal(t, nextDay.Add(-time.Hour), early.From)
	require.Error(t, start(early.From.Add(-1)).Refusal)
	require.Equal(t, order.Permission{Verb: "start", Command: "order.start"}, start(early.From))
}

// Every move that people can make has its answer once, whoever asks; a stranger
// gets none.
func TestPermissionsAreOfEveryMoveOfPeople(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, err := h.place(h.list(nil), nil)
	require.NoError(t, err)
	for _, by := range []platform.Actor{customer, merchant, operator, auditor} {
		var verbs []string
		for _, p := range o.Permissions(by, noon) {
			verbs = append(verbs, p.Verb)
		}
		require.Equal(t, []string{"clear", "reject", "confirm", "decline", "start", "deliver", "complete", "accept", "rework", "change", "cancel", "waive", "tip", "refund"}, verbs, by.Kind)
	}
	require.Empty(t, o.Permissions(stranger, noon))
	for _, p := range o.Permissions(auditor, noon) {
		require.Equal(t, "order.actor_not_allowed", platform.Code(p.Refusal), p.Verb)
	}
}
