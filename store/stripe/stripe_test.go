package stripe_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/payment/gatewaytest"
	"github.com/liangding/platform/store/stripe"
)

// key is a key of ours.
func key(prefix string, n uint64) payment.Key {
	return payment.Key(platform.NewID(prefix, noon, 7, n))
}

func charge(n uint64, amount platform.Money) payment.Charge {
	return payment.Charge{Key: key("att", n), Amount: amount, Method: "pm_card_visa"}
}

var price = platform.MustMoney("100.00", "USD")

func TestAmountsFollowTheInstitutionsDecimals(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	for n, c := range []struct {
		amount, currency string
		wire             int64 // 0: cannot be written
	}{
		{"100", "JPY", 100}, {"100.01", "USD", 10_001}, {"1.230", "KWD", 1_230}, {"1.234", "KWD", 0},
		{"5", "ISK", 500}, {"5", "UGX", 500}, {"1200.00", "MGA", 1_200}, {"12.50", "MGA", 0}, {"92233720368547758", "ISK", 0},
	} {
		in := charge(uint64(n+1), platform.MustMoney(c.amount, c.currency))
		st, err := g.Charge(t.Context(), in)
		if c.wire == 0 {
			require.ErrorIs(t, err, payment.ErrUnrepresentable, in.Amount)
			continue
		}
		require.NoError(t, err, in.Amount)
		assert.Equal(t, in.Amount, st.Amount)
		p := f.find("payment_intents", st.Reference)
		assert.Equal(t, c.wire, p["amount"], in.Amount)
	}
	for _, amount := range []string{"100.50", "100.00"} {
		_, err := g.Payout(t.Context(), payment.Payout{Key: key("pay", 1), Amount: platform.MustMoney(amount, "HUF")})
		require.ErrorIs(t, err, payment.ErrRefused)
		assert.Equal(t, amount == "100.50", platform.Code(err) == "payment.amount_unrepresentable", "there are no forints to send")
	}
}

func TestErrorMeansWhatItSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"broken":           {500, `{"error":{"type":"api_error"}}`, payment.ErrUnknownOutcome},
		"bad gateway":      {502, `<html>`, payment.ErrUnknownOutcome},
		"unreadable":       {200, `{"id":`, payment.ErrUnknownOutcome},
		"redirect":         {302, ``, payment.ErrUnknownOutcome},
		"nobody's refusal": {400, `{}`, payment.ErrUnknownOutcome},
		"under way":        {409, `{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use"}}`, payment.ErrUnknownOutcome},
		"too many":         {429, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`, payment.ErrRetryable},
		"other content":    {400, `{"error":{"type":"idempotency_error"}}`, payment.ErrRefused},
		"unauthorised":     {401, `{"error":{"type":"invalid_request_error"}}`, payment.ErrRefused},
		"declined":         {402, `{"error":{"type":"card_error","code":"expired_card"}}`, payment.ErrDeclined},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := opened(t)
			g := f.gateway(nil)
			f.lock(func() { f.spoil = func(int, []byte) (int, []byte) { return c.status, []byte(c.body) } })

			_, err := g.Charge(t.Context(), charge(1, price))
			_, look := g.Lookup(t.Context(), key("att", 1))

			require.ErrorIs(t, err, c.want)
			for _, other := range []error{payment.ErrUnknownOutcome, payment.ErrRetryable, payment.ErrRefused, payment.ErrDeclined} {
				if other != c.want { //nolint:errorlint // the sentinel itself
					assert.NotErrorIs(t, err, other)
				}
			}
			require.ErrorIs(t, look, platform.ErrUnavailable, "a look-up that fails says nothing of the charge")
		})
	}
}

func TestPayerMayHaveToGoElsewhere(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(func(o *stripe.Options) { o.Return = "https://example.org/back" })
	in := charge(1, price)
	in.Method = "pm_3ds"

	st, err := g.Charge(t.Context(), in)

	require.NoError(t, err)
	assert.Equal(t, payment.NeedsAction, st.Outcome)
	assert.Equal(t, "https://hooks.stripe.com/3ds", st.Action)
	assert.Equal(t, "https://example.org/back", f.asked[0].Get("return_url"))
	assert.Equal(t, "always", f.asked[0].Get("automatic_payment_methods[allow_redirects]"))
}

func TestChargeThatMakesNoSenseIsNotSent(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	for name, change := range map[string]func(*payment.Charge){
		"no method":      func(c *payment.Charge) { c.Method = "" },
		"nothing":        func(c *payment.Charge) { c.Amount = platform.MustMoney("0.00", "USD") },
		"key":            func(c *payment.Charge) { c.Key = "att_1" },
		"a refund's key": func(c *payment.Charge) { c.Key = key("rtn", 1) },
	} {
		in := charge(1, price)
		change(&in)
		_, err := g.Charge(t.Context(), in)
		require.ErrorIs(t, err, payment.ErrRefused, name)
	}
	_, err := g.Lookup(t.Context(), "pay_1")
	require.ErrorIs(t, err, payment.ErrRefused)
	_, err = g.Refund(t.Context(), payment.Refund{Key: key("rtn", 1), Amount: price})
	require.ErrorIs(t, err, payment.ErrRefused, "of nothing")
	assert.Empty(t, f.asked)
}

func TestLookUpReadsAllPages(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	for n := range uint64(205) {
		_, err := g.Charge(t.Context(), charge(n+1, price))
		require.NoError(t, err)
	}
	for _, n := range []uint64{1, 100, 105, 205} {
		st, err := g.Lookup(t.Context(), key("att", n))
		require.NoError(t, err)
		assert.Equal(t, payment.Done, st.Outcome)
		assert.Equal(t, key("att", n), st.Key)
	}
	st, err := g.Lookup(t.Context(), key("att", 206))
	require.NoError(t, err)
	assert.Equal(t, payment.Absent, st.Outcome)
	f.clock.Advance(24 * time.Hour)
	lines, _, err := g.Lines(t.Context(), noon, "")
	require.NoError(t, err)
	assert.Len(t, lines, 205)
	assert.Equal(t, key("att", 1), lines[0].Key, "the oldest comes first")
}

func TestRefundBelongsToItsCharge(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	st, err := g.Charge(t.Context(), charge(1, price))
	require.NoError(t, err)

	_, err = g.Refund(t.Context(), payment.Refund{Key: key("rtn", 1), Charge: key("att", 1), Amount: platform.MustMoney("1.00", "EUR")})
	require.ErrorIs(t, err, payment.ErrRefused, "in another currency")
	_, err = g.Refund(t.Context(), payment.Refund{Key: key("rtn", 1), Charge: key("att", 9), Amount: price})
	require.ErrorIs(t, err, payment.ErrRefused, "of no charge")
	_, err = g.Refund(t.Context(), payment.Refund{Key: key("rtn", 1), Reference: st.Reference, Amount: price})
	require.NoError(t, err, "by the institution's own reference")
	f.lock(func() {
		f.all["refunds"][0]["status"] = "failed"
		f.all["refunds"][0]["failure_reason"] = "expired_or_canceled_card"
	})
	st, err = g.Lookup(t.Context(), key("rtn", 1))
	require.NoError(t, err)
	assert.Equal(t, payment.Declined, st.Outcome)
	assert.Equal(t, "expired_or_canceled_card", st.Code)

	f.lock(func() { f.spoil = func(int, []byte) (int, []byte) { return 500, nil } })
	_, err = g.Refund(t.Context(), payment.Refund{Key: key("rtn", 2), Charge: key("att", 1), Amount: price})
	require.ErrorIs(t, err, payment.ErrRetryable, "it was only asked about the charge")
}

// A split that was stopped in the middle goes on when it is asked for again.
func TestSplitGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	_, err := g.Charge(t.Context(), charge(1, price))
	require.NoError(t, err)
	split := payment.Split{Key: key("spl", 1), Charge: key("att", 1), Shares: []payment.Share{
		{Account: "acct_1", Amount: platform.MustMoney("60.00", "USD")}, {Account: "acct_2", Amount: platform.MustMoney("30.00", "USD")},
	}}
	f.lock(func() { f.faults[string(split.Key)+"/acct_2"] = gatewaytest.LostBefore })

	_, err = g.Split(t.Context(), split)
	require.ErrorIs(t, err, payment.ErrUnknownOutcome)
	st, there, err := g.LookupSplit(t.Context(), split)
	require.NoError(t, err)
	assert.Equal(t, payment.Pending, st.Outcome)
	assert.Equal(t, split.Shares[:1], there)

	_, err = g.Split(t.Context(), split)
	require.NoError(t, err)
	st, there, err = g.LookupSplit(t.Context(), split)
	require.NoError(t, err)
	assert.Equal(t, payment.Done, st.Outcome)
	assert.ElementsMatch(t, split.Shares, there)
	assert.Len(t, f.all["transfers"], 2)
	assert.Equal(t, int64(1_000), f.balance("usd"))
}

func TestSplitThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	_, err := g.Charge(t.Context(), charge(1, price))
	require.NoError(t, err)
	share := payment.Share{Account: "acct_1", Amount: price}
	for name, p := range map[string]payment.Split{
		"nothing":     {Key: key("spl", 1), Charge: key("att", 1)},
		"twice":       {Key: key("spl", 1), Charge: key("att", 1), Shares: []payment.Share{share, share}},
		"to nobody":   {Key: key("spl", 1), Charge: key("att", 1), Shares: []payment.Share{{Amount: price}}},
		"of nothing":  {Key: key("spl", 1), Charge: key("att", 2), Shares: []payment.Share{share}},
		"another key": {Key: key("att", 1), Charge: key("att", 1), Shares: []payment.Share{share}},
	} {
		_, err := g.Split(t.Context(), p)
		require.ErrorIs(t, err, payment.ErrRefused, name)
	}
	rest := payment.Split{Key: key("spl", 2), Charge: key("att", 1), Final: true}
	st, _, err := g.LookupSplit(t.Context(), rest)
	require.NoError(t, err)
	assert.Equal(t, payment.Absent, st.Outcome)
	_, err = g.Split(t.Context(), rest)
	require.NoError(t, err)
	st, _, err = g.LookupSplit(t.Context(), rest)
	require.NoError(t, err)
	assert.Equal(t, payment.Done, st.Outcome, "all the rest is ours")
	require.ErrorIs(t, g.AddReceiver(t.Context(), payment.Receiver{Account: "acct_nobody"}), payment.ErrRefused)
	assert.Empty(t, f.all["transfers"])
}

func TestNoticeIsSignedByALiveSecret(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := stripe.New(secretKey, []string{"whsec_next", webhook}, &stripe.Options{Now: f.clock.Now, Transport: f})
	_, err := g.Charge(t.Context(), charge(1, price))
	require.NoError(t, err)
	body := f.letters[0].Body
	header := func(secret string, at time.Time) string { return signed(secret, at, body)["Stripe-Signature"][0] }
	stamp := strconv.FormatInt(noon.Unix(), 10)
	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"genuine":         {header(webhook, noon), nil},
		"the next secret": {header("whsec_next", noon), nil},
		"one of several":  {header("whsec_gone", noon) + "," + header(webhook, noon)[len("t="+stamp+","):], nil},
		"gone":            {header("whsec_gone", noon), payment.ErrNoticeSignature},
		"nothing":         {"", payment.ErrNoticeSignature},
		"no time":         {header(webhook, noon)[len("t="+stamp+","):], payment.ErrNoticeSignature},
		"other time":      {"t=1," + header(webhook, noon)[len("t="+stamp+","):], payment.ErrNoticeSignature},
		"no hex":          {"t=" + stamp + ",v1=zz", payment.ErrNoticeSignature},
		"v0 only":         {"t=" + stamp + ",v0=" + header(webhook, noon)[len("t="+stamp+",v1="):], payment.ErrNoticeSignature},
		"five minutes":    {header(webhook, noon.Add(-5*time.Minute)), nil},
		"older":           {header(webhook, noon.Add(-5*time.Minute-time.Second)), payment.ErrNoticeStale},
		"of the future":   {header(webhook, noon.Add(5*time.Minute+time.Second)), payment.ErrNoticeStale},
	} {
		read, err := g.Notices(t.Context(), map[string][]string{"stripe-signature": {c.header}}, body)
		require.ErrorIs(t, err, c.want, name)
		assert.Equal(t, c.want == nil, len(read) == 1, name)
	}
}

func TestNoticeTellsOfWhatIsOurs(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	for body, want := range map[string]struct {
		st  payment.Status
		err error
	}{
		`{"id":"evt_1","data":{"object":{"object":"payout","id":"po_1","amount":100,"currency":"usd","status":"paid","metadata":{"platform_key":"pay_1"}}}}`: {
			st: payment.Status{Key: "pay_1", Outcome: payment.Done, Amount: platform.MustMoney("1.00", "USD"), Reference: "po_1"}},
		`{"id":"evt_1","data":{"object":{"object":"payout","metadata":{}}}}`:                     {},
		`{"id":"evt_1","data":{"object":{"object":"customer","metadata":{"platform_key":"x"}}}}`: {},
		`{"id":"evt_1","data":{}}`: {err: payment.ErrNoticeForm},
		`{"id":"evt_1","data":{"object":{"object":"refund","metadata":{"platform_key":"x"},"amount":"1"}}}`: {err: payment.ErrNoticeForm},
		`{"data":{"object":{}}}`: {err: payment.ErrNoticeForm},
		`[]`:                     {err: payment.ErrNoticeForm},
	} {
		read, err := g.Notices(t.Context(), signed(webhook, noon, []byte(body)), []byte(body))
		require.ErrorIs(t, err, want.err, body)
		if want.st.Key == "" {
			assert.Empty(t, read, body)
			continue
		}
		assert.Equal(t, want.st, read[0].Status, body)
	}
}

func TestDisputeIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	var disputes []string
	for n := range uint64(2) {
		st, err := g.Charge(t.Context(), charge(n+1, price))
		require.NoError(t, err)
		f.letters = nil
		disputes = append(disputes, f.object(f.find("payment_intents", st.Reference)))
	}
	l := f.letters[0]

	read, err := g.Notices(t.Context(), l.Header, l.Body)
	require.NoError(t, err)
	assert.Equal(t, disputes[1], read[0].Dispute)
	assert.Equal(t, payment.Status{Key: key("att", 2), Outcome: payment.Pending, Amount: price, Code: "fraudulent"}, read[0].Status)
	d, err := g.Evidence(t.Context(), payment.Evidence{Dispute: disputes[0], Text: "signed at the door"})
	require.NoError(t, err)
	assert.Equal(t, payment.Dispute{
		Reference: disputes[0], Charge: key("att", 1), Amount: price, Reason: "fraudulent", State: payment.DisputeContested, Due: noon.AddDate(0, 0, 7),
	}, d)
	_, err = g.Accept(t.Context(), disputes[0])
	require.ErrorIs(t, err, payment.ErrRefused, "it was contested")
	d, err = g.Accept(t.Context(), disputes[1])
	require.NoError(t, err)
	assert.Equal(t, payment.DisputeLost, d.State)
	_, err = g.Evidence(t.Context(), payment.Evidence{Dispute: disputes[1], Text: "late"})
	require.ErrorIs(t, err, payment.ErrRefused)
	f.lock(func() { f.all["disputes"][0]["status"] = "won" })
	d, err = g.Dispute(t.Context(), disputes[0])
	require.NoError(t, err)
	assert.Equal(t, payment.DisputeWon, d.State)
	_, err = g.Dispute(t.Context(), "dp_nobody")
	require.ErrorIs(t, err, payment.ErrRefused)

	f.lock(func() { f.spoil = func(int, []byte) (int, []byte) { return 500, nil } })
	_, err = g.Notices(t.Context(), l.Header, l.Body)
	require.ErrorIs(t, err, payment.ErrRetryable, "it is posted again")
	f.lock(func() { f.spoil = nil })
	f.clock.Advance(24 * time.Hour)
	lines, _, err := g.Lines(t.Context(), noon, "")
	require.NoError(t, err)
	assert.Equal(t, payment.LineChargeback, lines[len(lines)-1].Kind)
}

var _ http.RoundTripper = (*institution)(nil)
