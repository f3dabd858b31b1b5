package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/sandbox"
)

// runs calls the program with these arguments, and returns what it printed.
func runs(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), args, &out, io.Discard)
	return out.String(), err
}

// TestAT5ABackupVerifiesWithTheKeyAlone: no store is opened, no secret is there,
// and one flipped bit anywhere is found.
func TestAT5ABackupVerifiesWithTheKeyAlone(t *testing.T) {
	t.Parallel()
	folder, share, file := t.TempDir(), filepath.Join(t.TempDir(), "share"), filepath.Join(t.TempDir(), "backup")
	s := openShop(t, folder, "-checkpoints", share)
	order := `{"lines":[{"listing":"` + s.word("LISTING=") + `","quantity":1}],"total":{"amount":"180.00","currency":"CNY"}}`
	status, _ := s.call("customer", "POST", "/v1/orders", order)
	require.Equal(t, http.StatusCreated, status)
	_, head := s.call("operator", "GET", "/v1/audit/checkpoint", "")
	key := head["key"].(string)
	require.Eventually(t, func() bool {
		newest, err := audit.Dir(share).Newest()
		return err == nil && newest != nil && !strings.Contains(string(newest), "\n0\n")
	}, 30*time.Second, 10*time.Millisecond, "every day one goes elsewhere")
	out, err := runs(t, "backup", "-folder", folder, file)
	require.NoError(t, err)
	assert.Contains(t, out, "server audit -key "+key+" "+file)
	s.close()

	told, err := runs(t, "audit", "-key", key, file)
	require.NoError(t, err)
	assert.Regexp(t, `^ok: [1-9]\d* events, root \S{44}\n`, told)
	again, err := runs(t, "audit", "-key", key, "-checkpoint", file+".checkpoint", file)
	require.NoError(t, err)
	assert.Equal(t, told, again)

	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	for at := 0; at < len(raw); at += max(1, len(raw)/64) {
		if at >= 4 && at < 10 {
			continue // time and system of the compression, which say nothing
		}
		bad := bytes.Clone(raw)
		bad[at] ^= 1 << (at % 8)
		require.NoError(t, os.WriteFile(file+".bad", bad, 0o600))
		_, err := runs(t, "audit", "-key", key, "-checkpoint", file+".checkpoint", file+".bad")
		require.Error(t, err, "byte %d", at)
	}
	for name, args := range map[string][]string{
		"no key": {"audit", file}, "no file": {"audit", "-key", key}, "both": {"audit", "-key", key, "-receipt", file, file}, "no such key": {"audit", "-key", "x", file},
		"another key": {"audit", "-key", "market.example+5a4f5b80+AR3tfZCJGHTLKCUgCDJkpLQRaCmCqIKXfpqoqTtNmGyq", file}, "no such file": {"audit", "-key", key, file + "x"},
		"another file": {"audit", "-key", key, "-checkpoint", file, file}, "no receipt": {"audit", "-key", key, "-receipt", file},
	} {
		_, err := runs(t, args...)
		require.Error(t, err, name)
	}
}

func TestAT3AReceiptVerifiesWithTheKeyAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	w.paid()
	w.pass(time.Second)
	ids, err := w.market.DB.Tree().Leaves(t.Context(), 0, 1000)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "receipt")
	receipt := w.get("operator", "/v1/audit/events/"+string(ids[len(ids)/2])).raw
	require.NoError(t, os.WriteFile(file, receipt, 0o600))
	told, err := runs(t, "audit", "-key", w.market.AuditKey, "-receipt", file)
	require.NoError(t, err)
	assert.Contains(t, told, "ok: ")
	var r audit.Receipt
	require.NoError(t, json.Unmarshal(receipt, &r))
	require.NoError(t, os.WriteFile(file, bytes.Replace(receipt, []byte(`{"event":{`), []byte(`{"event":{"amount":1,`), 1), 0o600))
	_, err = runs(t, "audit", "-key", w.market.AuditKey, "-receipt", file)
	require.ErrorContains(t, err, "is no receipt", "with a member that nothing proves")

	r.Event.Reason = "another"
	altered, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, altered, 0o600))
	_, err = runs(t, "audit", "-key", w.market.AuditKey, "-receipt", file)
	require.ErrorIs(t, err, audit.ErrProof)
}

// TestAT2ADatabaseThatWasSetBackNeedsAnOperator: the alarm is an event, an alert
// and a problem, and only an operator's answer ends it.
func TestAT2ADatabaseThatWasSetBackNeedsAnOperator(t *testing.T) {
	t.Parallel()
	last := audit.File(filepath.Join(t.TempDir(), "head"))
	require.NoError(t, last.Keep(audit.Head{Size: 10_000, Root: [32]byte{1}})) // by a process whose database is lost
	w := newWorldWith(t, sandbox.Faults{}, slog.DiscardHandler, func(o *market.Options) { o.Last = last })
	w.paid()
	for range 4 {
		now := time.UnixMicro(w.now.Add(time.Minute.Microseconds())).UTC()
		_, _ = w.market.Tick(t.Context(), now, 0) // which tells of it
	}

	r := w.call("operator", "GET", "/v1/audit/checkpoint", nil)
	assert.Equal(t, 503, r.status)
	assert.Equal(t, "audit.fork", r.code)
	assert.InDelta(t, 10_000, r.body["signed"].(object)["size"], 0)
	for who, status := range map[string]int{"": 401, "customer": 403, "merchant": 403, "staff": 403} {
		assert.Equal(t, status, w.call(who, "GET", "/v1/audit/alarms", nil).status, who)
	}
	alarms := w.get("operator", "/v1/audit/alarms").body
	require.Len(t, alarms["events"], 1, "told once, however often it is found")
	assert.Equal(t, "audit.forked", alarms["events"].([]any)[0].(object)["type"])
	found := false
	for _, a := range w.get("operator", "/v1/alerts").body["items"].([]any) {
		found = found || a.(object)["indicator"] == "audit_fork" && a.(object)["level"] == "critical"
	}
	assert.True(t, found, "it calls somebody")

	fork := alarms["open"].(object)
	answer := object{"signed": fork["signed"], "found": fork["found"], "reason": "restored_backup"}
	for who, status := range map[string]int{"": 401, "customer": 403, "merchant": 403, "staff": 403} {
		assert.Equal(t, status, w.call(who, "POST", "/v1/audit/acknowledgements", answer, "Idempotency-Key", "a0"+who).status, who)
	}
	assert.Equal(t, 422, w.call("operator", "POST", "/v1/audit/acknowledgements", object{"signed": fork["signed"], "found": fork["found"]}, "Idempotency-Key", "a1").status, "a reason")
	other := object{"signed": fork["found"], "found": fork["found"], "reason": "restored_backup"}
	assert.Equal(t, "audit.not_forked", w.call("operator", "POST", "/v1/audit/acknowledgements", other, "Idempotency-Key", "a2").code)
	assert.Equal(t, 503, w.call("operator", "GET", "/v1/audit/checkpoint", nil).status)
	for _, r := range together(8, func(int) reply {
		return w.call("operator", "POST", "/v1/audit/acknowledgements", answer, "Idempotency-Key", "a3")
	}) {
		assert.Equal(t, 201, r.status, "%s", r.raw)
	}
	w.pass(time.Second)
	w.get("operator", "/v1/audit/checkpoint")
	alarms = w.get("operator", "/v1/audit/alarms").body
	require.Len(t, alarms["events"], 2)
	assert.NotContains(t, alarms, "open")
	acknowledged := alarms["events"].([]any)[0].(object)
	assert.Equal(t, "audit.fork_acknowledged", acknowledged["type"])
	assert.Equal(t, "restored_backup", acknowledged["reason"])
	assert.Equal(t, fork["signed"], acknowledged["data"].(object)["signed"])
	w.get("operator", "/v1/audit/events/"+acknowledged["id"].(string))
	assert.Equal(t, "audit.not_forked", w.call("operator", "POST", "/v1/audit/acknowledgements", answer, "Idempotency-Key", "a4").code, "once")
	left, err := os.ReadFile(string(last) + ".left")
	require.NoError(t, err)
	assert.Equal(t, "10000 "+base64.StdEncoding.EncodeToString(append([]byte{1}, make([]byte, 31)...))+"\n", string(left))
}

// TestAT6TheWindowIsAMetric, and an indicator of its own.
func TestAT6TheWindowIsAMetric(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	w.paid()
	age, err := w.market.Unlogged(t.Context())
	require.NoError(t, err)
	assert.Positive(t, age)
	require.NoError(t, w.market.Relay(t.Context()))
	age, err = w.market.Unlogged(t.Context())
	require.NoError(t, err)
	assert.Zero(t, age)
	size, err := w.market.DB.Tree().Size(t.Context())
	require.NoError(t, err)
	assert.InDelta(t, size, w.figures()["audit_window_seconds_count"], 0)
}
