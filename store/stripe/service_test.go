package stripe_test

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

const merchant = platform.ID("mer_01kdvdna00eajs4d2pf2dbsqqg")

// shop takes whatever happens to its orders, and books of counters.
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
			changes = append(changes, platform.Delta(platform.Counter("clearing:"+string(l.Party), l.Amount.Currency().String()), l.Amount.Minor(), subject))
		}
	}
	return changes, nil
}

// stage is a service in funds mode split at this institution, and an order that was
// paid there.
type stage struct {
	*institution
	t      *testing.T
	s      *payment.Service
	db     *memory.DB
	w      platform.Writer
	splits payment.Splits
	order  platform.Ref
}

func staged(t *testing.T) *stage {
	t.Helper()
	f := opened(t)
	v := &stage{institution: f, t: t, db: memory.New(payment.Kinds(), nil)}
	g := f.gateway(nil)
	v.w = platform.Writer{Store: v.db, Now: f.clock.Now}.Ready()
	v.splits = payment.Splits{Books: shop{}, Store: payment.StoreOn(v.db), Gateways: []payment.Gateway{g}}
	licensed := payment.Check{
		Name: "stripe", Entity: "Stripe", Licence: "1", Kinds: []payment.Business{payment.Acquiring, payment.Splitting}, ValidUntil: noon.AddDate(1, 0, 0),
		Evidence: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	}
	v.s = payment.New(v.w, v.splits.Store, payment.Ports{Books: v.splits, Subject: shop{}, Gateways: v.splits.Gateways}, nil)
	_, err := v.s.Check(v.by(platform.Operator), licensed)
	require.NoError(t, err)
	v.order = platform.Ref{Kind: "order", ID: v.w.NewRoot(v.by(platform.Customer), "ord")}
	v.update(platform.Customer, func(ctx context.Context) ([]platform.Change, error) {
		return payment.Asks{Store: v.splits.Store}.Ask(ctx, v.order, "full", price, time.Time{})
	})
	a, err := v.s.Pay(v.by(platform.Customer), payment.Pay{Intent: payment.IntentID(v.order, payment.Full), Method: "pm_card_visa"})
	require.NoError(t, err)
	require.Equal(t, payment.AttemptCaptured, a.State)
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

func (v *stage) pass(d time.Duration) {
	v.t.Helper()
	_, err := v.s.Tick(v.t.Context(), v.clock.Advance(d), 0)
	require.NoError(v.t, err)
}

// clearing is what the books have on a clearing account.
func (v *stage) clearing(name string) int64 {
	v.t.Helper()
	c, err := platform.Read[platform.Count](v.t.Context(), v.db, "counter", platform.Counter("clearing:"+name, "USD").ID)
	require.NoError(v.t, err)
	return c.Value
}

// A merchant is onboarded, gets its share by a transfer, and gives a part of it back
// by an explicit reversal after the payer's refund; and the books have of the
// platform's balance what Stripe has.
func TestServiceSplitsAndRefundsAtStripe(t *testing.T) {
	t.Parallel()
	v := staged(t)
	v.book("order.completed", v.order, platform.Leg{Role: "earning", Of: v.order.ID, Party: merchant, Amount: platform.MustMoney("-90.00", "USD")})
	r, err := v.s.Onboard(v.by(platform.Operator), payment.Onboard{Party: merchant, Institution: "stripe", Country: "US", Email: "hi@merchant.example"})
	require.NoError(t, err)
	require.Equal(t, payment.RecipientAsked, r.State)
	require.Contains(t, r.Needs, "external_account")
	link, err := v.s.OnboardingLink(v.by(platform.Operator), payment.OnboardingLink{Recipient: r.ID, Back: "https://platform.example/back"})
	require.NoError(t, err)
	require.Contains(t, link.URL, "https://connect.stripe.com/")
	v.settle(payment.Key(r.ID)) // its holder came
	v.pass(24 * time.Hour)
	all, err := v.s.Splits(v.by(platform.Operator), v.order)
	require.NoError(t, err)
	require.Len(t, all, 1)
	if all[0].State == payment.SharingManual { // the split came before the account
		_, err = v.s.DecideSplit(v.by(platform.Operator), payment.DecideSplit{Split: all[0].ID, Decision: payment.DecideSend, Reason: "onboarded"})
		require.NoError(t, err)
	}
	v.pass(time.Second)
	require.Len(t, v.all["transfers"], 1)
	require.Equal(t, int64(90_00), v.clearing("stripe."+string(merchant)))

	refund := platform.Ref{Kind: "order.refund", ID: v.w.NewChild("rfd", v.order.ID)}
	v.update(platform.Operator, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := v.splits.Post(ctx, "refund.approved", refund, v.clock.Now(), []platform.Leg{
			{Role: "earning", Of: v.order.ID, Party: merchant, Amount: platform.MustMoney("45.00", "USD")},
			{Role: "refund_due", Of: v.order.ID, Amount: platform.MustMoney("-50.00", "USD")},
		})
		if err != nil {
			return nil, err
		}
		asked, err := payment.Asks{Store: v.splits.Store}.Return(ctx, refund, v.order, platform.MustMoney("50.00", "USD"), v.clock.Now())
		return append(changes, asked...), err
	})
	v.pass(time.Second)
	require.Len(t, v.all["refunds"], 1)
	transfer := v.all["transfers"][0]["id"].(string)
	require.Empty(t, v.all[transfer+"/reversals"], "the refund comes first")
	v.settle(payment.Key(refund.ID.As("rtn")))
	v.pass(time.Minute)
	v.pass(time.Minute)

	require.Len(t, v.all[transfer+"/reversals"], 1)
	assert.Equal(t, int64(45_00), v.all["transfers"][0]["amount_reversed"])
	assert.Equal(t, int64(45_00), v.clearing("stripe."+string(merchant)))
	assert.Equal(t, int64(100_00-90_00+45_00), v.clearing("stripe"), "the refund is the order's to book")
	assert.Equal(t, v.clearing("stripe")-50_00, v.balance("usd"))
	v.book("order.closed", v.order)
	v.pass(time.Second)
	all, err = v.s.Splits(v.by(platform.Operator), v.order)
	require.NoError(t, err)
	for _, h := range all {
		assert.Equal(t, payment.SharingDone, h.State)
	}
	assert.NotEmpty(t, v.all["payment_intents"][0]["metadata"].(map[string]string)["platform_final"])
}
