package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store"
)

// shop is a server that runs in a data folder, and what its greeting told.
type shop struct {
	t        *testing.T
	greeting string
	stop     context.CancelFunc
	ended    chan error
}

func openShop(t *testing.T, folder string, more ...string) *shop {
	ctx, stop := context.WithCancel(t.Context())
	s := &shop{t: t, stop: stop, ended: make(chan error, 1)}
	s.greeting = started(ctx, t, folder, s.ended, more...)
	return s
}

func (s *shop) close() {
	s.stop()
	require.NoError(s.t, <-s.ended)
}

// word is what stands in the greeting behind a text.
func (s *shop) word(after string) string {
	return strings.Fields(s.greeting[strings.Index(s.greeting, after)+len(after):])[0]
}

// call speaks as a person of the demo, under a key that is the path.
func (s *shop) call(who, method, path, body string) (status int, answer map[string]any) {
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.word("marketplace on ")[:len(s.word("marketplace on "))-1]+path, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+s.word(strings.ToUpper(who)+"="))
	r.Header.Set("Idempotency-Key", "k"+path)
	reply, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer func() { _ = reply.Body.Close() }()
	raw, err := io.ReadAll(reply.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(raw, &answer), "%s", raw)
	return reply.StatusCode, answer
}

func TestARestartLosesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := openShop(t, folder)
	body := `{"lines":[{"listing":"` + s.word("LISTING=") + `","quantity":1}],"total":{"amount":"180.00","currency":"CNY"}}`
	status, placed := s.call("customer", "POST", "/v1/orders", body)
	require.Equal(t, http.StatusCreated, status)
	order := placed["id"].(string)
	_, intents := s.call("customer", "GET", "/v1/orders/"+order+"/intents", "")
	intent := intents["items"].([]any)[0].(map[string]any)["id"].(string)
	_, paid := s.call("customer", "POST", "/v1/intents/"+intent+"/pay", `{"method":"pm_ok"}`)
	require.Equal(t, "captured", paid["state"])
	listing := s.word("LISTING=")

	require.ErrorContains(t, run(t.Context(), []string{"-addr", "127.0.0.1:0", "-folder", folder}, io.Discard, io.Discard), "another process")
	s.close()
	s = openShop(t, folder)
	defer s.close()

	assert.Equal(t, listing, s.word("LISTING="), "the demo is the same")
	_, again := s.call("customer", "POST", "/v1/orders", body)
	assert.Equal(t, order, again["id"], "a repeat across the restart has the one effect")
	_, repeat := s.call("customer", "POST", "/v1/intents/"+intent+"/pay", `{"method":"pm_ok"}`)
	assert.Equal(t, paid["id"], repeat["id"])
	status, cancelled := s.call("customer", "POST", "/v1/orders/"+order+"/cancel", `{"reason":"changed_mind","max_fee":{"amount":"180.00","currency":"CNY"}}`)
	require.Equal(t, http.StatusOK, status, "%v", cancelled)
	assert.Equal(t, "cancelled", cancelled["state"], "its money goes back: the institution knows the charge still")
}

func TestAStoreIsBackedUpRestoredAndVerified(t *testing.T) {
	t.Parallel()
	folder, other := t.TempDir(), t.TempDir()
	s := openShop(t, folder)
	status, _ := s.call("customer", "POST", "/v1/orders", `{"lines":[{"listing":"`+s.word("LISTING=")+`","quantity":1}],"total":{"amount":"180.00","currency":"CNY"}}`)
	require.Equal(t, http.StatusCreated, status)
	do := func(args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), args, &out, io.Discard)
		return out.String(), err
	}
	file := filepath.Join(t.TempDir(), "backup")

	_, err := do("backup", "-folder", folder)
	require.ErrorContains(t, err, "usage: server backup [flags] FILE")
	_, err = do("restore", "-store=memory", file)
	require.ErrorContains(t, err, "dies with its process")
	_, err = do("backup", "-folder", folder, file)
	require.NoError(t, err, "while the server runs")
	s.close()
	_, err = do("backup", "-folder", folder, file)
	require.NoError(t, err)
	secret, err := os.ReadFile(filepath.Join(folder, "secret"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(other, "secret"), secret, 0o600))
	restored, err := do("restore", "-folder", other, file)
	require.NoError(t, err)
	assert.Contains(t, restored, "1 order\n")
	_, err = do("drill", "-folder", other, file)
	require.ErrorIs(t, err, errKeyless, "no new keys are made where the old ones are missing")
	_, err = do("-folder", other, "-addr=127.0.0.1:0")
	require.ErrorIs(t, err, errKeyless)

	_, err = do("restore", "-folder", other, file)
	require.ErrorIs(t, err, store.ErrNotEmpty)
	before, err := do("verify", "-folder", folder)
	require.NoError(t, err)
	after, err := do("verify", "-folder", other)
	require.NoError(t, err)
	assert.Contains(t, before, "sound")
	assert.Equal(t, before, after, "the same findings and the same audit root")

	told, err := do("drill", "-folder", folder, file)
	require.NoError(t, err)
	assert.Contains(t, told, "would be lost")
	drilled, err := do("verify", "-folder", folder)
	require.NoError(t, err)
	assert.Equal(t, before, drilled, "the event of the drill waits for the server to log it")

	head := filepath.Join(other, "audit.head")
	another := "1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	require.NoError(t, os.WriteFile(head, []byte(another), 0o600))
	found, err := do("verify", "-folder", other)
	require.ErrorIs(t, err, errUnsound)
	assert.Contains(t, found, "audit log/market.example")
	kept, err := os.ReadFile(head)
	require.NoError(t, err)
	assert.Equal(t, another, string(kept), "who looks changes nothing")

	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	raw[len(raw)/2] ^= 1
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	_, err = do("drill", "-folder", folder, file)
	require.ErrorIs(t, err, store.ErrDamaged)
	third := t.TempDir()
	_, err = do("restore", "-folder", third, file)
	require.ErrorIs(t, err, store.ErrDamaged)
	_, err = do("verify", "-folder", third)
	require.NoError(t, err, "nothing of it was stored")
}

// TestKeysAreBackedUpApartAndTheErasedStayErased: store and keys come back in any
// order, from before an erasure, and the list of those who were erased is applied
// before anything is read.
func TestKeysAreBackedUpApartAndTheErasedStayErased(t *testing.T) {
	t.Parallel()
	folder, files := t.TempDir(), t.TempDir()
	s := openShop(t, folder)
	do := func(args ...string) string {
		var out strings.Builder
		require.NoError(t, run(t.Context(), args, &out, io.Discard), "%v", args)
		return out.String()
	}
	status, placed := s.call("customer", "POST", "/v1/orders", `{"lines":[{"listing":"`+s.word("LISTING=")+`","quantity":1}],"total":{"amount":"180.00","currency":"CNY"},"note":"third floor"}`)
	require.Equal(t, http.StatusCreated, status)
	customer := placed["customer"].(string)
	keys, market := filepath.Join(files, "keys"), filepath.Join(files, "market")
	do("backup-keys", "-folder", folder, keys)
	status, _ = s.call("operator", "POST", "/v1/erasures", `{"subject":"customer/`+customer+`","basis":"consent_withdrawn"}`)
	require.Equal(t, http.StatusCreated, status)
	do("backup", "-folder", folder, market)
	s.close()
	assert.Contains(t, do("drill", "-folder", folder, market), "4 sealed values open with the keys of today, 1 of people who were erased do not")

	for _, order := range [][]string{{"restore-keys", keys, "restore", market}, {"restore", market, "restore-keys", keys}} {
		other := t.TempDir()
		for _, name := range []string{"secret", "kek"} {
			raw, err := os.ReadFile(filepath.Join(folder, name))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(other, name), raw, 0o600))
		}
		do(order[0], "-folder", other, order[1])
		assert.Contains(t, do(order[2], "-folder", other, order[3]), "1 people were erased, and stay so")
		assert.Contains(t, do("drill", "-folder", other, market), "4 sealed values open with the keys of today, 1 of people who were erased do not")
		assert.Contains(t, do("verify", "-folder", other), "sound")
	}
	err := run(t.Context(), []string{"-folder", folder, "-keys=memory"}, io.Discard, io.Discard)
	require.ErrorIs(t, err, errKeys)
	do("migrate", "-folder", folder)
	assert.Contains(t, do("migrate", "-print", "-keys=postgres://x"), "vault_key")
}
