package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/liangding/platform/store/sandbox"
)

// What the order's answer says of a move is what the move's own route answers, in
// the caller's language, for whoever asks.
func TestTheMovesOfAnOrderAreWhatItsRoutesAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	path := "/v1/orders/" + string(w.delivered())
	bodies := map[string]any{"accept": nil, "rework": object{"reason": "streaks", "lines": []int{1}}, "start": nil, "confirm": nil, "cancel": object{"reason": "changed_mind"}}
	for _, who := range []string{"staff", "merchant", "customer"} {
		got := w.get(who, path+"?lang=zh")
		seen := 0
		for _, m := range got.body["moves"].([]any) {
			m := m.(map[string]any)
			verb := m["verb"].(string)
			body, tried := bodies[verb]
			if !tried || m["allowed"] == true {
				continue
			}
			seen++
			refused := w.call(who, "POST", path+"/"+verb+"?lang=zh", body, "Idempotency-Key", who+verb)
			assert.Equal(t, refused.code, m["code"], "%s %s", who, verb)
			assert.Equal(t, refused.body["detail"], m["text"], "%s %s: %s", who, verb, refused.raw)
		}
		assert.GreaterOrEqual(t, seen, 3, who)
	}
	open := []string{}
	for _, m := range w.get("customer", path).body["moves"].([]any) {
		if m := m.(map[string]any); m["allowed"] == true {
			open = append(open, m["verb"].(string))
		}
	}
	assert.Equal(t, []string{"accept", "rework", "tip", "refund"}, open)
	assert.Equal(t, 200, w.call("customer", "POST", path+"/accept", nil, "Idempotency-Key", "yes").status)
}
