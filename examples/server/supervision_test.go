package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/liangding/platform/store/sandbox"
)

// A supervisor runs a control over HTTP, and an operator may not.
func TestControlsAndAuditsOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	w.pass(time.Second)
	run := w.do("supervisor", "/v1/controls/runs", object{"control": "C1"})
	assert.EqualValues(t, 0, run.body["hits"])
	assert.Len(t, w.get("operator", "/v1/controls").body["items"], 12)
	assert.Len(t, w.get("auditor", "/v1/controls/runs?control=C1").body["items"], 1)
	refused := w.call("operator", "POST", "/v1/controls/runs", object{"control": "C1"}, "Idempotency-Key", "no")
	assert.Equal(t, []any{403, "finding.supervisor"}, []any{refused.status, refused.code})
	books := w.call("supervisor", "POST", "/v1/periods/soft-closes", object{"month": "2030-02"}, "Idempotency-Key", "books")
	assert.Equal(t, []any{403, "access.segregation"}, []any{books.status, books.code})

	raised := w.do("supervisor", "/v1/findings", object{"source": "tip", "object": "cash", "code": "no_count", "severity": "low"})
	assert.Equal(t, "open", raised.body["state"])
	assert.Len(t, w.get("auditor", "/v1/findings").body["items"], 1)

	e := w.do("supervisor", "/v1/engagements", object{
		"firm": "Tallyman", "licence": "A-17", "partner": "p", "from": "2030-03", "until": "2030-03", "scope": []string{"all"}, "deadline": "2030-12-01T00:00:00Z",
	})
	at := "/v1/engagements/" + string(e.id())
	w.do("supervisor", at+"/engage", object{"fee": cny("1000.00"), "independence": evidence})
	stranger := w.call("auditor", "POST", at+"/read", object{"record": "order/" + string(w.cast.Listing), "reason": "sample"}, "Idempotency-Key", "stranger")
	assert.Equal(t, []any{403, "audit.admission"}, []any{stranger.status, stranger.code})
	auditor := w.people[len(w.people)-1].actor.ID
	w.do("supervisor", at+"/admit", object{"account": auditor, "until": "2030-04-01T00:00:00Z"})
	seen := w.do("auditor", at+"/read", object{"record": "merchant/" + string(w.cast.Merchant.ID), "reason": "sample"})
	assert.Contains(t, string(seen.raw), string(w.cast.Merchant.ID))
	pack := w.call("auditor", "POST", at+"/pack", nil)
	assert.Equal(t, 200, pack.status)
	assert.Len(t, w.get("auditor", at+"/packs").body["items"], 1)
}

const evidence = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
