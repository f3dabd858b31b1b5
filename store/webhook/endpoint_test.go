package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
	"github.com/liangding/platform/store/webhook"
)

var (
	noon   = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	secret = published.Secret
)

func event(n uint64) platform.Event {
	return platform.Event{
		ID: platform.NewID("evt", noon, platform.Slot(n%4096), n), Type: "order.completed", At: noon, Version: int64(n),
		Subject: platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 7, 1)}, Actor: platform.SystemActor("test"),
	}
}

func events(n int) (all []platform.Event) {
	for i := range n {
		all = append(all, event(uint64(i+1)))
	}
	return all
}

// receiver verifies what it gets, as a consumer would, and answers as it is
// told.
type receiver struct {
	*testing.T
	url     string
	secrets webhook.Secrets
	calls   atomic.Int64

	mu     sync.Mutex
	met    map[string]int
	bodies [][]byte
	does   func(w http.ResponseWriter, id string) // if nil, 204
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{T: t, met: map[string]int{}, secrets: secrets(t, secret)}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook?token=s3cret"
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.calls.Add(1)
	body, err := io.ReadAll(q.Body)
	assert.NoError(r, err)
	id, err := r.secrets.Verify(q.Header, body, noon)
	if !assert.NoError(r, err) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.mu.Lock()
	does := r.does
	r.mu.Unlock()
	if does != nil {
		if does(w, id); w.Header().Get("X-Failed") != "" {
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.met[id]++
	r.bodies = append(r.bodies, body)
}

// answers has the receiver answer so, and take nothing.
func (r *receiver) answers(status int, header ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.does = func(w http.ResponseWriter, _ string) {
		w.Header().Set("X-Failed", "yes")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

func (r *receiver) takes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.does = nil
}

func (r *receiver) endpoint(edits ...func(*webhook.Options)) *webhook.Endpoint {
	o := webhook.Options{Private: true, Now: func() time.Time { return noon }}
	for _, edit := range edits {
		edit(&o)
	}
	e, err := webhook.New(r.url, []string{secret}, &o)
	require.NoError(r, err)
	r.Cleanup(func() { assert.NoError(r, e.Close()) })
	return e
}

// left is what a Publish left.
func left(t *testing.T, err error) *store.LeftError {
	t.Helper()
	var l *store.LeftError
	require.ErrorAs(t, err, &l)
	return l
}

func TestEachEventIsASignedMessage(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	e := r.endpoint(func(o *webhook.Options) {
		o.Envelope.Source = "https://market.example"
		o.Wants = func(e platform.Event) bool { return e.Version != 3 }
	})

	require.NoError(t, e.Publish(t.Context(), events(20)))

	assert.Len(t, r.met, 19)
	assert.NotContains(t, r.met, string(event(3).ID))
	var got struct {
		Source, ID     string
		SubjectVersion int64
	}
	require.NoError(t, json.Unmarshal(r.bodies[0], &got))
	assert.Equal(t, "https://market.example", got.Source)
	assert.Equal(t, 1, r.met[got.ID])
	assert.NotZero(t, got.SubjectVersion)
}

func TestAReceiverWithTheOldSecretGoesOnWhileSecretsTurn(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	e := r.endpoint()
	next := webhook.NewSecret()
	require.ErrorIs(t, e.Rotate(), webhook.ErrSecret)
	require.NoError(t, e.Rotate(next, secret))

	require.NoError(t, e.Publish(t.Context(), events(1)))
	r.secrets = secrets(t, next)
	require.NoError(t, e.Publish(t.Context(), events(2)[1:]))

	assert.Len(t, r.met, 2)
}

func TestAnswersAreHeeded(t *testing.T) {
	t.Parallel()
	later := noon.Add(90 * time.Second).Format(http.TimeFormat)
	for _, c := range []struct {
		what   string
		status int
		header []string
		want   error
		wait   time.Duration
		calls  int64 // at most, of twenty events
	}{
		{"a redirect", 302, []string{"Location", "http://127.0.0.1:1/"}, webhook.ErrRefused, 0, 20},
		{"a refusal", 422, nil, webhook.ErrRefused, 0, 20},
		{"a failure", 500, nil, webhook.ErrFailing, 0, 10},
		{"too many", 429, nil, webhook.ErrBusy, time.Second, 8},
		{"too many, with a pause", 429, []string{"Retry-After", "120"}, webhook.ErrBusy, 2 * time.Minute, 8},
		{"too many, until a moment", 429, []string{"Retry-After", later}, webhook.ErrBusy, 90 * time.Second, 8},
		{"maintenance", 503, []string{"Retry-After", "60"}, webhook.ErrFailing, time.Minute, 8},
		{"a pause without end", 503, []string{"Retry-After", "99999999999"}, webhook.ErrFailing, 24 * time.Hour, 8},
		{"a pause that is none", 503, []string{"Retry-After", "-5"}, webhook.ErrFailing, 0, 10},
		{"gone", 410, nil, webhook.ErrGone, 0, 8},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.answers(c.status, c.header...)

			err := r.endpoint().Publish(t.Context(), events(20))

			l := left(t, err)
			require.ErrorIs(t, err, c.want)
			assert.NotContains(t, err.Error(), "s3cret")
			assert.Equal(t, c.wait, l.Wait)
			assert.LessOrEqual(t, r.calls.Load(), c.calls)
			assert.Equal(t, 20, len(l.Failed)+len(l.Untried))
		})
	}
}

func TestAReceiverThatIsGoneIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.answers(http.StatusGone)
	e := r.endpoint()
	require.Error(t, e.Publish(t.Context(), events(1)))
	assert.True(t, e.Gone())
	calls := r.calls.Load()

	err := e.Publish(t.Context(), events(30))

	require.ErrorIs(t, err, store.ErrHopeless)
	assert.Len(t, left(t, err).Failed, 30, "all are parked at once")
	assert.Equal(t, calls, r.calls.Load())
	r.takes()
	e.Enable()
	require.NoError(t, e.Publish(t.Context(), events(30)))
	assert.Len(t, r.met, 30)
}

func TestOneEventThatIsRefusedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	bad := string(event(5).ID)
	r.does = func(w http.ResponseWriter, id string) {
		if id == bad {
			w.Header().Set("X-Failed", "yes")
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	err := r.endpoint().Publish(t.Context(), events(40))
	l := left(t, err)
	assert.Len(t, l.Failed, 1)
	assert.Empty(t, l.Untried)
	assert.Len(t, r.met, 39)
}

func TestAnEventTooLargeForAMessageIsHopeless(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	large := event(1)
	large.Data = json.RawMessage(`"` + strings.Repeat("x", 256<<10) + `"`)
	err := r.endpoint().Publish(t.Context(), []platform.Event{large, event(2)})
	require.ErrorIs(t, err, webhook.ErrTooLarge)
	require.ErrorIs(t, err, store.ErrHopeless)
	assert.Len(t, r.met, 1)
}

func TestALongAnswerIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	ended := make(chan error, 1)
	r.does = func(w http.ResponseWriter, _ string) {
		var err error
		for range 4096 {
			if _, err = w.Write(bytes.Repeat([]byte("x"), 4096)); err != nil {
				break
			}
		}
		ended <- err
	}
	require.NoError(t, r.endpoint().Publish(t.Context(), events(1)))
	assert.Error(t, <-ended, "16 MiB were taken")
}

func TestWhatIsCutShortWasNotTried(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	ctx, stop := context.WithCancel(t.Context())
	r.does = func(w http.ResponseWriter, _ string) { stop(); <-ctx.Done(); w.Header().Set("X-Failed", "yes") }
	err := r.endpoint().Publish(ctx, events(50))
	l := left(t, err)
	assert.NotEmpty(t, l.Untried)
	for _, err := range l.Failed {
		assert.NotErrorIs(t, err, webhook.ErrUnreachable)
	}
}

func TestAddressesThatMustNotBeCalledAreRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "market.example", "http://market.example/", "ftp://market.example/", "https:///path", "https://u:p@market.example/", "https://market.example/#x",
		"https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://10.1.2.3:8443/", "https://:443/", "https://market.example:x/",
	} {
		_, err := webhook.New(address, []string{secret}, nil)
		assert.ErrorIs(t, err, webhook.ErrURL, address)
	}
	_, err := webhook.New("https://market.example/hook", nil, nil)
	assert.ErrorIs(t, err, webhook.ErrSecret)
	local, err := webhook.New("https://localhost:1/hook", []string{secret}, nil)
	require.NoError(t, err, "a name is resolved when it is called")
	assert.ErrorIs(t, local.Publish(t.Context(), events(1)), webhook.ErrPrivate)
}

type order struct {
	platform.Head
	Mark string `json:"mark" class:"internal"`
}

func (o order) Ref() platform.Ref { return platform.Ref{Kind: "order", ID: o.ID} }

// TestAReceiverThatWasDownForAnHourGetsEverything, and each order's versions tell
// the order of what happened to it.
func TestAReceiverThatWasDownForAnHourGetsEverything(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{platform.Shape[order]{Name: "order", Prefix: "ord"}.Kind()}, nil)
	clock := storetest.NewClock(noon)
	r := newReceiver(t)
	r.answers(http.StatusBadGateway)
	relay := &store.Relay{Outbox: db, Sinks: map[string]store.Sink{"merchant": r.endpoint()}, Now: clock.Now}
	o := order{Head: platform.Head{ID: platform.NewID("ord", noon, 7, 1)}}
	const minutes = 60
	for range minutes {
		say(t, db, &o, clock.Now())
		_, err := relay.Tick(t.Context(), clock.Advance(time.Minute), 0)
		require.True(t, err == nil || errors.Is(err, webhook.ErrFailing), "%v", err)
	}
	assert.Less(t, r.calls.Load(), int64(700), "a receiver that is down is left alone between")

	r.takes()
	for range 70 {
		_, err := relay.Tick(t.Context(), clock.Advance(time.Minute), 0)
		require.NoError(t, err)
	}

	var versions []int64
	for _, body := range r.bodies {
		var got struct{ SubjectVersion int64 }
		require.NoError(t, json.Unmarshal(body, &got))
		versions = append(versions, got.SubjectVersion)
	}
	slices.Sort(versions)
	require.Len(t, versions, minutes)
	for i, v := range versions {
		assert.Equal(t, int64(i+1), v)
	}
}

// say writes the next version of an order.
func say(t *testing.T, db platform.DB, o *order, now time.Time) {
	t.Helper()
	w := platform.Writer{Store: db, Now: func() time.Time { return now }}
	ctx := platform.As(t.Context(), platform.SystemActor("test"))
	_, err := platform.Update(ctx, w, struct{ order }{*o}, func(context.Context) (order, []platform.Change, error) {
		return *o, []platform.Change{platform.Put(*o), platform.Happened("order.moved", o.Ref(), nil)}, nil
	})
	require.NoError(t, err)
	o.Version++
}
