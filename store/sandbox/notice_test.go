package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// outcomes reads the letters as the institution's own port does.
func outcomes(t *testing.T, s *sandbox.Sandbox, letters []sandbox.Letter) (ids []string, all []payment.Outcome) {
	t.Helper()
	for _, l := range letters {
		notices, err := s.Notices(t.Context(), l.Header, l.Body)
		require.NoError(t, err)
		require.Len(t, notices, 1)
		ids, all = append(ids, notices[0].ID), append(all, notices[0].Status.Outcome)
	}
	return ids, all
}

func TestNoticesTellEachStepInTime(t *testing.T) {
	t.Parallel()
	s, clock := opened(nil)
	_, err := s.Charge(t.Context(), charge("att_1", sandbox.Delay))
	require.NoError(t, err)

	_, first := outcomes(t, s, s.Drain())
	_, again := outcomes(t, s, s.Drain())
	clock.Advance(time.Minute)
	_, last := outcomes(t, s, s.Drain())

	assert.Equal(t, []payment.Outcome{payment.Pending}, first)
	assert.Empty(t, again)
	assert.Equal(t, []payment.Outcome{payment.Done}, last)
}

func TestNoticesMayComeTwiceAndInAnyOrder(t *testing.T) {
	t.Parallel()
	s, _ := opened(func(o *sandbox.Options) { o.Faults = sandbox.Faults{Duplicate: 1} })
	_, err := s.Charge(t.Context(), charge("att_1", sandbox.OK))
	require.NoError(t, err)
	ids, _ := outcomes(t, s, s.Drain())
	require.Len(t, ids, 2)
	assert.Equal(t, ids[0], ids[1])

	s, clock := opened(func(o *sandbox.Options) { o.Faults = sandbox.Faults{Reorder: 1} })
	_, err = s.Charge(t.Context(), charge("att_1", sandbox.Delay))
	require.NoError(t, err)
	clock.Advance(time.Hour)
	_, all := outcomes(t, s, s.Drain())
	assert.Equal(t, []payment.Outcome{payment.Done, payment.Pending}, all)
}

func TestTickDeliversUntilTaken(t *testing.T) {
	t.Parallel()
	var taken []sandbox.Letter
	deaf := true
	s, clock := opened(func(o *sandbox.Options) {
		o.Deliver = func(_ context.Context, header map[string][]string, body []byte) error {
			if deaf {
				return errors.New("503")
			}
			taken = append(taken, sandbox.Letter{Header: header, Body: body})
			return nil
		}
	})
	for i := range 3 {
		_, err := s.Charge(t.Context(), charge("att_"+strconv.Itoa(i), sandbox.OK))
		require.NoError(t, err)
	}

	n, err := s.Tick(t.Context(), clock.Now(), 0)
	require.Error(t, err)
	assert.Zero(t, n)
	deaf = false
	clock.Advance(time.Hour)
	n, err = s.Tick(t.Context(), clock.Now(), 2)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	n, err = s.Tick(t.Context(), clock.Now(), 2)
	require.NoError(t, err)
	assert.Equal(t, 1, n)

	ids, _ := outcomes(t, s, taken) // signed anew, or the old ones would be stale
	slices.Sort(ids)
	assert.Len(t, slices.Compact(ids), 3)
	silent, _ := opened(nil)
	_, err = silent.Charge(t.Context(), charge("att_1", sandbox.OK))
	require.NoError(t, err)
	n, err = silent.Tick(t.Context(), clock.Now(), 0)
	require.NoError(t, err)
	assert.Zero(t, n, "without Deliver notices wait for Drain")
	assert.Len(t, silent.Drain(), 1)
}

// vector is a signed message of the Standard Webhooks specification.
type vector struct {
	Secret    string `json:"secret"`
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Payload   string `json:"payload"`
	Signature string `json:"signature"`
}

func (v vector) header() map[string][]string {
	return map[string][]string{"webhook-id": {v.ID}, "webhook-timestamp": {strconv.FormatInt(v.Timestamp, 10)}, "webhook-signature": {v.Signature}}
}

func (v vector) opened(secret string, late time.Duration) *sandbox.Sandbox {
	now := time.Unix(v.Timestamp, 0).Add(late)
	return sandbox.New(&sandbox.Options{Secret: secret, Now: func() time.Time { return now }})
}

func vectors(t *testing.T) []vector {
	t.Helper()
	raw, err := os.ReadFile("../../../shared/data/vectors/standard_webhooks.json")
	if err != nil {
		t.Skip("no vectors of Standard Webhooks beside the module: ", err)
	}
	var file struct{ Symmetric []vector }
	require.NoError(t, json.Unmarshal(raw, &file))
	require.NotEmpty(t, file.Symmetric)
	return file.Symmetric
}

// A genuine message that is no notice passes the signature and fails as a form.
func TestSignatureFollowsStandardWebhooks(t *testing.T) {
	t.Parallel()
	const wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	for _, v := range vectors(t) {
		for name, c := range map[string]struct {
			change func(map[string][]string)
			late   time.Duration
			want   error
		}{
			"genuine":            {func(map[string][]string) {}, 0, payment.ErrNoticeForm},
			"no id":              {func(h map[string][]string) { delete(h, "webhook-id") }, 0, payment.ErrNoticeSignature},
			"no timestamp":       {func(h map[string][]string) { delete(h, "webhook-timestamp") }, 0, payment.ErrNoticeSignature},
			"no signature":       {func(h map[string][]string) { delete(h, "webhook-signature") }, 0, payment.ErrNoticeSignature},
			"other signature":    {func(h map[string][]string) { h["webhook-signature"] = []string{wrong} }, 0, payment.ErrNoticeSignature},
			"empty signature":    {func(h map[string][]string) { h["webhook-signature"] = []string{"v1,"} }, 0, payment.ErrNoticeSignature},
			"other version":      {func(h map[string][]string) { h["webhook-signature"] = []string{"v2" + v.Signature[2:]} }, 0, payment.ErrNoticeSignature},
			"timestamp no digit": {func(h map[string][]string) { h["webhook-timestamp"] = []string{"hello"} }, 0, payment.ErrNoticeSignature},
			"one of several": {func(h map[string][]string) {
				h["webhook-signature"] = []string{wrong + " v2,x " + v.Signature + " " + wrong}
			}, 0, payment.ErrNoticeForm},
			"five minutes old": {func(map[string][]string) {}, 5 * time.Minute, payment.ErrNoticeForm},
			"older":            {func(map[string][]string) {}, 5*time.Minute + time.Second, payment.ErrNoticeStale},
			"from the future":  {func(map[string][]string) {}, -5*time.Minute - time.Second, payment.ErrNoticeStale},
		} {
			for _, secret := range []string{v.Secret, v.Secret[len("whsec_"):]} {
				header := v.header()
				c.change(header)
				_, err := v.opened(secret, c.late).Notices(t.Context(), header, []byte(v.Payload))
				require.ErrorIs(t, err, c.want, name)
			}
		}
		_, err := v.opened(v.Secret, 0).Notices(t.Context(), v.header(), []byte(v.Payload+" "))
		require.ErrorIs(t, err, payment.ErrNoticeSignature, "other bytes")
	}
}

// A notice that is not taken waits, once, however often it is delivered.
func TestRefusedNoticesDoNotMultiply(t *testing.T) {
	t.Parallel()
	delivered, refused := 0, errors.New("busy")
	s, _ := opened(func(o *sandbox.Options) {
		o.Faults = sandbox.Faults{Duplicate: 1}
		o.Deliver = func(context.Context, map[string][]string, []byte) error { delivered++; return refused }
	})
	_, err := s.Charge(t.Context(), charge("att_1", sandbox.OK))
	require.NoError(t, err)
	for range 10 {
		_, err := s.Tick(t.Context(), noon, 0)
		require.ErrorIs(t, err, refused)
	}
	assert.Equal(t, 10*2, delivered)

	refused = nil
	taken, err := s.Tick(t.Context(), noon, 0)
	require.NoError(t, err)
	assert.Equal(t, 2, taken)
	taken, err = s.Tick(t.Context(), noon, 0)
	require.NoError(t, err)
	assert.Zero(t, taken)
}

func TestSecretIsNeverEmpty(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"whsec_", "not base64!"} {
		assert.Panics(t, func() { sandbox.New(&sandbox.Options{Secret: secret}) }, secret)
	}
}

// Only the exact bytes under the live secret pass.
func FuzzNotices(f *testing.F) {
	s, _ := opened(nil)
	_, err := s.Charge(context.Background(), charge("att_1", sandbox.OK))
	require.NoError(f, err)
	genuine := s.Drain()[0]
	head := func(name string) string { return genuine.Header[name][0] }
	id, at, sig := head("Webhook-Id"), head("Webhook-Timestamp"), head("Webhook-Signature")
	f.Add(id, at, sig, genuine.Body)
	f.Add(id, at, sig+" v1,", append(bytes.Clone(genuine.Body), '\n'))
	f.Add("", "99999999999999999999", "v1,AAAA", []byte(`{"data":{"amount":{}}}`))

	f.Fuzz(func(t *testing.T, gotID, gotAt, gotSig string, raw []byte) {
		header := maps.Clone(genuine.Header)
		header["Webhook-Id"], header["Webhook-Timestamp"], header["Webhook-Signature"] = []string{gotID}, []string{gotAt}, []string{gotSig}
		notices, err := s.Notices(t.Context(), header, raw)
		exact := gotID == id && gotAt == at && bytes.Equal(raw, genuine.Body)
		if err == nil && !exact {
			t.Fatalf("passed: %q %q %q %q", gotID, gotAt, gotSig, raw)
		}
		if err == nil && (len(notices) != 1 || notices[0].Status.Key != "att_1") {
			t.Fatalf("read as %+v", notices)
		}
	})
}
