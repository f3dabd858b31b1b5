package wechatpay_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/memory"
)

const seller = platform.ID("mer_01kdvdna00eajs4d2pf2dbsqqz")

// shop takes whatever happens to its orders, and books clearing accounts alone.
type shop struct{}

func (shop) Secured(context.Context, platform.Ref, string, platform.Money, platform.Money, time.Time) ([]platform.Change, error) {
	return nil, nil
}

func (shop) Returned(context.Context, platform.Ref, platform.Ref, string, []platform.Leg, time.Time) ([]platform.Change, error) {
	return nil, nil
}

func (shop) Post(_ context.Context, _ string, subject platform.Ref, _ time.Time, legs []platform.Leg) (changes []platform.Change, _ error) {
	for _, l := range legs {
		if l.Role == "clearing" {
			changes = append(changes, platform.Delta(platform.Counter("clearing:"+string(l.Party), "CNY"), l.Amount.Minor(), subject))
		}
	}
	return changes, nil
}

// stage is a service in funds mode split at this institution, and an order of
// 100.00 that was paid there.
type stage struct {
	*institution
	s      *payment.Service
	db     *memory.DB
	w      platform.Writer
	splits payment.Splits
	order  platform.Ref
	name   string
}

func staged(f *institution, g payment.Gateway) *stage {
	f.t.Helper()
	v := &stage{institution: f, db: memory.New(payment.Kinds(), nil), name: g.Info().Institution}
	v.w = platform.Writer{Store: v.db, Now: f.clock.Now}.Ready()
	v.splits = payment.Splits{Books: shop{}, Store: payment.StoreOn(v.db), Gateways: []payment.Gateway{g}}
	v.s = payment.New(v.w, v.splits.Store, payment.Ports{Books: v.splits, Subject: shop{}, Gateways: v.splits.Gateways}, nil)
	_, err := v.s.Check(v.by(platform.Operator), payment.Check{
		Name: v.name, Entity: "Tenpay", Licence: "Z2000844000019", Kinds: []payment.Business{payment.Acquiring, payment.Splitting}, ValidUntil: noon.AddDate(1, 0, 0),
		Evidence: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	})
	require.NoError(f.t, err)
	v.order = platform.Ref{Kind: "order", ID: v.w.NewRoot(v.by(platform.Customer), "ord")}
	v.update(platform.Customer, func(ctx context.Context) ([]platform.Change, error) {
		return payment.Asks{Store: v.splits.Store}.Ask(ctx, v.order, "full", money(100_00), time.Time{})
	})
	a, err := v.s.Pay(v.by(platform.Customer), payment.Pay{Intent: payment.IntentID(v.order, payment.Full), Method: "native", Institution: v.name})
	require.NoError(f.t, err)
	f.settle(wireNumber(a.Key()))
	v.hear()
	return v
}

func (v *stage) by(kind platform.ActorKind) context.Context {
	prefix := map[platform.ActorKind]string{platform.Operator: "opr", platform.Customer: "cus"}[kind]
	return platform.As(v.t.Context(), platform.Actor{ID: platform.NewID(prefix, noon, 1, 1), Kind: kind})
}

type step struct{}

func (v *stage) update(kind platform.ActorKind, decide func(context.Context) ([]platform.Change, error)) {
	v.t.Helper()
	_, err := platform.Update(v.by(kind), v.w, step{}, func(ctx context.Context) (int, []platform.Change, error) {
		changes, err := decide(ctx)
		return 0, append(changes, platform.Happened("test.step", v.order, nil)), err
	})
	require.NoError(v.t, err)
}

func (v *stage) book(what string, subject platform.Ref, legs ...platform.Leg) {
	v.t.Helper()
	v.update(platform.Operator, func(ctx context.Context) ([]platform.Change, error) {
		return v.splits.Post(ctx, what, subject, v.clock.Now(), legs)
	})
}

// hear hands the institution's notices on.
func (v *stage) hear() {
	v.t.Helper()
	for _, l := range v.took() {
		require.NoError(v.t, v.s.Receive(v.t.Context(), v.name, l.Header, l.Body))
	}
}

// pass lets time pass, and the institution carry out what it has accepted.
func (v *stage) pass(d time.Duration) {
	v.t.Helper()
	_, err := v.s.Tick(v.t.Context(), v.clock.Advance(d), 0)
	require.NoError(v.t, err)
	var accepted []string
	v.lock(func() {
		for number := range v.sharings {
			accepted = append(accepted, number)
		}
		for number := range v.returns {
			accepted = append(accepted, number)
		}
		for number := range v.refunds {
			accepted = append(accepted, number)
		}
	})
	for _, number := range accepted {
		v.settle(number)
	}
	v.hear()
}

// clearing is what the books have on a clearing account.
func (v *stage) clearing(name string) int64 {
	v.t.Helper()
	c, err := platform.Read[platform.Count](v.t.Context(), v.db, "counter", platform.Counter("clearing:"+name, "CNY").ID)
	require.NoError(v.t, err)
	return c.Value
}

// A share is accepted, looked for and found; a refund waits until it is back; in the
// end the rest is unfrozen. So for a merchant of WeChat's own, and, the other way
// round, for a sub-merchant, out of whose money the provider gets its fee.
func TestServiceSplitsAndRefundsAtWeChat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open                   func(*institution) payment.Gateway
		receiver               platform.ID
		share, back, ours, due int64
	}{
		"a merchant of its own": {func(f *institution) payment.Gateway { return f.gateway(nil) }, seller, 90_00, 45_00, 100_00 - 90_00 + 45_00, 100_00 - 90_00 + 45_00 - 50_00},
		"a sub-merchant": {
			func(f *institution) payment.Gateway { return f.partner() }, payment.Ours, 10_00, 5_00, 100_00 - 10_00 + 5_00, 100_00 - 10_00 + 5_00 - 50_00,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := opened(t)
			v := staged(f, c.open(f))
			owner := v.splits.Gateways[0].Info().Owner
			if owner == "" {
				owner = seller
			}
			_, err := v.s.AddRecipient(v.by(platform.Operator), payment.AddRecipient{Party: c.receiver, Institution: v.name, Account: "1900000201", Name: "good cleaners"})
			require.NoError(t, err)
			v.book("order.completed", v.order, platform.Leg{Role: "earning", Of: v.order.ID, Party: owner, Amount: money(-90_00)}, platform.Leg{Role: "commission", Amount: money(-10_00)})
			for range 3 {
				v.pass(time.Minute)
			}
			require.Equal(t, c.share, v.clearing(v.name+"."+string(c.receiver)))

			refund := platform.Ref{Kind: "order.refund", ID: v.w.NewChild("rfd", v.order.ID)}
			v.update(platform.Operator, func(ctx context.Context) ([]platform.Change, error) {
				changes, err := v.splits.Post(ctx, "refund.approved", refund, v.clock.Now(), []platform.Leg{
					{Role: "earning", Of: v.order.ID, Party: owner, Amount: money(45_00)}, {Role: "commission", Amount: money(5_00)},
					{Role: "refund_due", Of: v.order.ID, Amount: money(-50_00)},
				})
				if err != nil {
					return nil, err
				}
				asked, err := payment.Asks{Store: v.splits.Store}.Return(ctx, refund, v.order, money(50_00), v.clock.Now())
				return append(changes, asked...), err
			})
			_, err = v.s.Send(v.by(platform.Operator), payment.Send{Return: refund.ID.As("rtn")})
			require.NoError(t, err)
			require.Empty(t, v.refunds, "the share comes back first")
			for range 6 {
				v.pass(time.Minute)
			}
			r, err := v.s.Return(v.by(platform.Operator), refund.ID.As("rtn"))
			require.NoError(t, err)
			require.Equal(t, payment.ReturnSucceeded, r.State)
			v.book("order.closed", v.order)
			for range 3 {
				v.pass(time.Minute)
			}

			all, err := v.s.Splits(v.by(platform.Operator), v.order)
			require.NoError(t, err)
			require.Len(t, all, 3, "out, back, and the end")
			for _, h := range all {
				assert.Equal(t, payment.SharingDone, h.State)
			}
			assert.Equal(t, c.share-c.back, v.clearing(v.name+"."+string(c.receiver)))
			assert.Equal(t, c.ours, v.clearing(v.name), "the refund is the order's to book")
			assert.Equal(t, c.due, v.balance())
		})
	}
}
