package pages

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/liangding/platform/examples/server/edge"
)

// after is what a page knows after a form was refused with a status.
func after(status int, action string, typed url.Values) context.Context {
	return context.WithValue(context.Background(), refusedKey{}, refused{action, typed, &edge.Problem{Status: status}})
}

// TestAKeyIsKeptWhenNobodyKnowsWhetherTheCommandHappened: the next press then finds out,
// instead of doing it a second time; a refusal, of which nothing is left, has a new one.
func TestAKeyIsKeptWhenNobodyKnowsWhetherTheCommandHappened(t *testing.T) {
	t.Parallel()
	typed := url.Values{"key": {"k"}, "note": {"ring"}}
	for status, same := range map[int]bool{http.StatusServiceUnavailable: true, http.StatusInternalServerError: true, http.StatusConflict: false, http.StatusUnprocessableEntity: false} {
		f := formFor(after(status, "/my/orders/o/pay", typed), "/my/orders/o", "pay")
		assert.Equal(t, same, f.Key == "k", status)
		assert.Equal(t, "ring", f.Field("note").Value, "and what was typed stays")
		assert.NotEmpty(t, f.Key)
	}
}

// TestWhatWasTypedStaysInItsOwnForm: neither another record's form nor another of the
// same action has it, or its key.
func TestWhatWasTypedStaysInItsOwnForm(t *testing.T) {
	t.Parallel()
	ctx := after(http.StatusServiceUnavailable, "/my/orders/o/pay", url.Values{"key": {"k"}, "intent": {"full"}, "method": {"pm_ok"}})
	own := formFor(ctx, "/my/orders/o", "pay").about("intent", "full")
	assert.Equal(t, "k", own.Key)
	assert.True(t, own.Chosen("method", "pm_ok"))
	for _, f := range []*form{formFor(ctx, "/my/orders/o", "pay").about("intent", "extra"), formFor(ctx, "/my/orders/p", "pay")} {
		assert.NotEqual(t, "k", f.Key)
		assert.False(t, f.Chosen("method", "pm_ok"))
		assert.False(t, f.Refused)
	}
}
