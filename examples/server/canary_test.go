package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
	"github.com/liangding/platform/security"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/sandbox"
)

// birds are what is told in confidence in the course of a journey, one for each
// personal field that there is.
var birds = security.Canaries{
	"Doorcode-4711-Canary", "Review-Canary-4712", "Feedback-Canary-4713", "Anna Canary-4714", "王金丝雀4715",
	"Canary Legal 4716 Ltd", "91310000CANARY4717", "canary-4718@example.org", "canary-4719 in a refused body",
}

// TestVA4NoCanaryAnywhere plants personal values in a run of the server on files,
// and looks for them in all that came of it: log, answers, problems, events,
// documents, backups and the files themselves.
func TestVA4NoCanaryAnywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := config{demo: true, commands: -1, reads: -1, folder: dir}
	db, o, _, done, err := c.open(t.Context(), folder.Open)
	require.NoError(t, err)
	var log, answers, told bytes.Buffer
	o.Sandbox.Seed = 7
	w := worldOn(t, db, o, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	w.heard = func(path string, answer []byte) {
		if path == "/v1/reveals" {
			told.Write(answer)
			return
		}
		answers.Write(answer)
	}

	planted := w.canaries()
	w.refusals()
	for _, p := range planted {
		revealed := w.do("operator", "/v1/reveals", object{"record": p.on.String(), "field": p.field, "purpose": "dispute", "reason": "complaint"})
		require.Equal(t, p.plain, revealed.body["plain"])
		w.pass(time.Second)
		receipt := w.get("operator", "/v1/audit/events/"+revealed.body["receipt"].(string))
		assert.Contains(t, string(receipt.raw), `"vault.revealed"`)
	}
	w.do("operator", "/v1/erasures", object{"subject": "customer/" + string(w.cast.Customer.ID), "basis": "consent_withdrawn"})
	refused := w.call("operator", "POST", "/v1/reveals", object{"record": planted[0].on.String(), "field": "note", "purpose": "dispute", "reason": "complaint"})
	assert.Equal(t, []any{409, "vault.shredded"}, []any{refused.status, refused.code}, "%s", refused.raw)
	w.pass(time.Hour)
	w.sound()

	outputs := map[string][]byte{"log": log.Bytes(), "answers": answers.Bytes()}
	for name, archive := range map[string]store.Archive{"market": db, "keys": o.Keys} {
		var lines, backup bytes.Buffer
		for line, err := range archive.Lines(t.Context()) {
			require.NoError(t, err)
			require.NoError(t, json.NewEncoder(&lines).Encode(line))
		}
		_, err := store.Backup(t.Context(), archive, &backup)
		require.NoError(t, err)
		outputs[name+" dump"], outputs[name+" backup"] = lines.Bytes(), unzipped(t, backup.Bytes())
	}
	for _, closed := range []bool{false, true} { // with its write-ahead log, and folded up
		if closed {
			require.NoError(t, w.market.Close())
			done()
		}
		for _, name := range []string{"market.db", "market.db-wal", "keys.db", "keys.db-wal", "kek", "secret", "audit.head", "sandbox.jsonl"} {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if closed && strings.HasSuffix(name, "-wal") && os.IsNotExist(err) {
				continue
			}
			require.NoError(t, err)
			outputs[name+map[bool]string{true: " closed"}[closed]] = raw
		}
	}
	require.Len(t, birds[:len(planted)].In(told.Bytes()), len(planted), "the reveals told, and the scanner sees it")
	for name, out := range outputs {
		require.NotEmpty(t, out, name)
		assert.Empty(t, birds.In(out), name)
	}
	assert.Contains(t, log.String(), `"route":"POST /v1/reveals"`)
	assert.NotContains(t, log.String(), "profile.contact", "nor what was asked for")
}

// planting is where a canary was put.
type planting struct {
	on    platform.Ref
	field string
	plain string
}

// canaries walks an order from placing to its review, takes a merchant and a
// member on, and tells of each something in confidence.
func (w *world) canaries() []planting {
	w.t.Helper()
	id := w.do("customer", "/v1/orders", object{
		"lines": []object{{"listing": w.cast.Listing, "quantity": 1}}, "total": cny("180.00"), "note": birds[0],
	}).id()
	path := "/v1/orders/" + string(id)
	w.do("customer", intent(id)+"/pay", object{"method": "pm_ok"})
	offers := w.do("operator", path+"/dispatch", nil).body["offers"].([]any)
	w.do("staff", "/v1/assignments/"+offers[0].(object)["id"].(string)+"/accept", nil)
	w.do("staff", path+"/start", nil)
	w.do("staff", path+"/deliver", w.photo())
	w.do("customer", path+"/accept", nil)
	w.do("customer", path+"/review", object{"score": 4, "text": birds[1]})
	feedback, err := w.market.Reviews.RecordFeedback(platform.As(w.t.Context(), platform.SystemActor("import")),
		care.RecordFeedback{Order: id, Score: 2, Reason: "duplicate", Text: birds[2]})
	require.NoError(w.t, err)
	member := w.do("operator", "/v1/members", object{"name": birds[3], "zone": w.cast.Zone}).id()
	second := w.do("operator", "/v1/members", object{"name": birds[4], "zone": w.cast.Zone}).id()
	application := w.do("operator", "/v1/applications", object{"party": object{
		"name": "Canary & Co", "legal_name": birds[5], "licence": birds[6], "contact": birds[7],
	}}).id()
	w.do("operator", "/v1/applications/"+string(application)+"/submit", nil)
	w.pass(8 * 24 * time.Hour)
	require.Equal(w.t, order.Closed, w.order(id).State)
	app := platform.Ref{Kind: "merchant.application", ID: application}
	return []planting{
		{platform.Ref{Kind: "order", ID: id}, "note", birds[0]},
		{platform.Ref{Kind: "care.review", ID: id.As("rvw")}, "text", birds[1]},
		{platform.Ref{Kind: "care.feedback", ID: feedback.ID}, "text", birds[2]},
		{platform.Ref{Kind: "staff.member", ID: member}, "name", birds[3]},
		{platform.Ref{Kind: "staff.member", ID: second}, "name", birds[4]},
		{app, "profile.legal_name", birds[5]}, {app, "profile.licence", birds[6]}, {app, "profile.contact", birds[7]},
	}
}

// refusals sends what is wrong, with a canary in it.
func (w *world) refusals() {
	w.t.Helper()
	for _, bad := range []struct {
		path string
		body any
	}{
		{"/v1/orders", object{"lines": []object{}, "note": birds[8]}},
		{"/v1/orders", object{"lines": []object{{"listing": birds[8], "quantity": 1}}, "total": cny("180.00"), "note": birds[8] + "\x07"}},
		{"/v1/orders", object{"note": object{"a": birds[8]}}},
		{"/v1/orders", birds[8]},
		{"/v1/members", object{"name": birds[8] + "\x07"}},
		{"/v1/reveals", object{"record": "order/" + birds[8], "field": birds[8], "purpose": birds[8], "reason": birds[8]}},
		{"/v1/reveals", object{"record": birds[8]}},
		{"/v1/erasures", object{"subject": "customer/x", "basis": birds[8]}},
	} {
		r := w.call("operator", "POST", bad.path, bad.body)
		require.GreaterOrEqual(w.t, r.status, 400, "%s: %s", bad.path, r.raw)
	}
}

func unzipped(t *testing.T, raw []byte) []byte {
	t.Helper()
	in, err := gzip.NewReader(bytes.NewReader(raw))
	require.NoError(t, err)
	out, err := io.ReadAll(in)
	require.NoError(t, err)
	return out
}

func TestOnlyOperatorsRevealAndErase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.do("customer", "/v1/orders", object{
		"lines": []object{{"listing": w.cast.Listing, "quantity": 1}}, "total": cny("180.00"), "note": "ring twice",
	}).id()
	ask := object{"record": "order/" + string(id), "field": "note", "purpose": "fulfilment", "reason": "unreachable"}
	erase := object{"subject": "customer/" + string(w.cast.Customer.ID), "basis": "consent_withdrawn"}

	for _, who := range []string{"customer", "merchant", "staff"} {
		assert.Equal(t, 403, w.call(who, "POST", "/v1/reveals", ask).status, who)
		assert.Equal(t, 403, w.call(who, "POST", "/v1/erasures", erase).status, who)
	}
	assert.Equal(t, 401, w.call("", "POST", "/v1/reveals", ask).status)
	first := w.do("operator", "/v1/reveals", ask)
	assert.Equal(t, "ring twice", first.body["plain"])
	second := w.do("operator", "/v1/reveals", ask)
	assert.NotEqual(t, first.body["receipt"], second.body["receipt"], "each has a receipt of its own")
	erased := w.do("operator", "/v1/erasures", erase)
	assert.NotEmpty(t, erased.body["erased"])
	again := w.do("operator", "/v1/erasures", erase)
	assert.Equal(t, erased.body, again.body)
	assert.Equal(t, "vault.shredded", w.call("operator", "POST", "/v1/reveals", ask).code)
	assert.Equal(t, "reveal.no_field", w.call("operator", "POST", "/v1/reveals", object{"record": ask["record"], "field": "total", "purpose": "dispute", "reason": "complaint"}).code)
}
