package main

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/sandbox"
)

// events opens the order's stream; next is the name of the next event, or
// "ended".
func (w *world) events(who string, id platform.ID, headers ...string) (next func() string) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.t.Context(), 30*time.Second)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/v1/orders/"+string(id)+"/events", nil)
	require.NoError(w.t, err)
	for _, p := range w.people {
		if p.name == who {
			r.Header.Set("Authorization", "Bearer "+p.token)
		}
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { stop(); _ = answer.Body.Close() })
	require.Equal(w.t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	return func() string {
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				return name
			}
		}
		return "ended"
	}
}

func TestEventsStreamAsTheyHappen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.place()
	var readers []func() string
	for range 20 {
		readers = append(readers, w.events("customer", id))
	}

	for _, next := range readers {
		require.Equal(t, "order.placed", next())
	}
	w.do("customer", intent(id)+"/pay", object{"method": sandbox.OK})
	require.NoError(t, w.market.Relay(t.Context()))
	for _, next := range readers {
		require.Equal(t, "order.confirmed", next())
	}
	assert.Equal(t, 200, w.call("customer", http.MethodHead, "/v1/orders/"+string(id)+"/events", nil).status, "a head has an end")
}

func TestAStreamGoesOnAfterTheLastEventSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.started()
	page, err := platform.List[platform.Event](t.Context(), w.market.DB, platform.Query{
		Kind: "event", By: []string{"subject", "id"}, Equal: []any{platform.Ref{Kind: "order", ID: id}},
	})
	require.NoError(t, err)
	staffed := slices.IndexFunc(page.Items, func(e platform.Event) bool { return e.Type == "order.staffed" })

	assert.Equal(t, "order.started", w.events("customer", id, "Last-Event-ID", string(page.Items[staffed].ID))())
	assert.Equal(t, "order.placed", w.events("customer", id, "Last-Event-ID", "nonsense")())
}

func TestAStreamEndsWhenTheOrderIsOutOfSight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.paid()
	offer := w.do("operator", "/v1/orders/"+string(id)+"/dispatch", nil).body["offers"].([]any)[0].(object)["id"].(string)
	w.do("staff", "/v1/assignments/"+offer+"/accept", nil)
	require.Contains(t, string(w.get("staff", "/v1/assignments").raw), offer, "a member finds its own work")
	next := w.events("staff", id)
	for _, name := range []string{"order.placed", "order.confirmed", "order.staffed"} {
		require.Equal(t, name, next())
	}

	w.do("operator", "/v1/assignments/"+offer+"/release", object{"reason": "ill", "fault": "staff"})
	require.Equal(t, 404, w.call("staff", "GET", "/v1/orders/"+string(id), nil).status)
	require.NoError(t, w.market.Relay(t.Context()))

	assert.Equal(t, "ended", next())
}
