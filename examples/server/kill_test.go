package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain is the server itself when a test of this file starts it as a process
// to be killed.
func TestMain(m *testing.M) {
	if folder := os.Getenv("PLATFORM_TEST_SERVE"); folder != "" {
		err := run(context.Background(), []string{"-addr=127.0.0.1:0", "-log=off", "-weeks=0", "-commands=-1", "-reads=-1", "-folder=" + folder}, os.Stdout, os.Stderr)
		if err != nil {
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// victim is a server in a process of its own.
type victim struct {
	process *exec.Cmd
	told    map[string]string // CUSTOMER, LISTING …, and base
}

func spawn(t *testing.T, folder string) victim {
	t.Helper()
	v := victim{exec.CommandContext(t.Context(), os.Args[0]), map[string]string{}}
	v.process.Env = append(os.Environ(), "PLATFORM_TEST_SERVE="+folder)
	out, err := v.process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, v.process.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		for _, m := range regexp.MustCompile(`([A-Z]+)=(\S+)`).FindAllStringSubmatch(lines.Text(), -1) {
			v.told[m[1]] = m[2]
		}
		if m := regexp.MustCompile(`marketplace on (\S+),`).FindStringSubmatch(lines.Text()); m != nil {
			v.told["base"] = m[1]
		}
		if strings.Contains(lines.Text(), "Ctrl-C") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return v
		}
	}
	t.Fatal("the server did not start")
	return v
}

// order places one under a key. An error says that nobody knows.
func (v victim) order(ctx context.Context, key string) (id string, err error) {
	body := `{"lines":[{"listing":"` + v.told["LISTING"] + `","quantity":1}],"total":{"amount":"180.00","currency":"CNY"}}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.told["base"]+"/v1/orders", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+v.told["CUSTOMER"])
	r.Header.Set("Idempotency-Key", key)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = reply.Body.Close() }()
	var placed struct{ ID string }
	err = json.NewDecoder(reply.Body).Decode(&placed)
	return placed.ID, err
}

// TestAKilledServerLosesNothingThatItAnswered: every order that was answered is
// there, under the same id for the same key, every other is there once or not at
// all, and the whole store verifies. PLATFORM_KILLS says how often; 3 if unset.
func TestAKilledServerLosesNothingThatItAnswered(t *testing.T) {
	t.Parallel()
	kills, err := strconv.Atoi(os.Getenv("PLATFORM_KILLS"))
	if err != nil {
		kills = 3
	}
	const writers, before = 8, 25
	folder := t.TempDir()
	var mu sync.Mutex
	answered, open := map[string]string{}, map[string]bool{}
	for round := range kills {
		v := spawn(t, folder)
		for key := range maps.Clone(open) { // a repeat tells what became of it
			id, err := v.order(t.Context(), key)
			require.NoError(t, err)
			answered[key] = id
			delete(open, key)
		}
		var all sync.WaitGroup
		enough := make(chan struct{}, writers*1000)
		for w := range writers {
			all.Go(func() {
				for n := 0; ; n++ {
					key := strings.Join([]string{strconv.Itoa(round), strconv.Itoa(w), strconv.Itoa(n)}, "-")
					mu.Lock()
					open[key] = true
					mu.Unlock()
					id, err := v.order(t.Context(), key)
					if err != nil {
						return
					}
					mu.Lock()
					answered[key] = id
					delete(open, key)
					mu.Unlock()
					enough <- struct{}{}
				}
			})
		}
		for range before + round {
			<-enough
		}
		require.NoError(t, v.process.Process.Kill()) // in the middle of the load
		_ = v.process.Wait()
		all.Wait()
	}

	v := spawn(t, folder)
	for _, key := range slices.Sorted(maps.Keys(answered)) {
		id, err := v.order(t.Context(), key)
		require.NoError(t, err)
		assert.Equal(t, answered[key], id, key)
	}
	require.NoError(t, v.process.Process.Kill())
	_ = v.process.Wait()
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"verify", "-folder", folder}, &out, io.Discard), out.String())
	assert.Contains(t, out.String(), "sound")
}
