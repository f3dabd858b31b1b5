package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/storetest/pgserver"
)

// TestMain lets the program start itself as a worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (slices.Contains([]string{"worker", "serve", "shop"}, os.Args[1])) {
		main()
		return
	}
	os.Exit(m.Run())
}

// installed skips without a PostgreSQL to start, or fails where there must be one.
func installed(t *testing.T) {
	t.Helper()
	_, err := pgserver.Binary("pgbench")
	if errors.Is(err, pgserver.ErrNone) && os.Getenv("PLATFORM_REQUIRE_POSTGRES") != "1" {
		t.Skip(err)
	}
	require.NoError(t, err)
}

// figures runs the program and reads what it wrote.
func figures(t *testing.T, args ...string) (table string, figures map[string]any) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "figures.json")
	var out strings.Builder
	require.NoError(t, run(t.Context(), append(args, "-json", file), strings.NewReader(""), &out))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &figures))
	return out.String(), figures
}

// positive tells what is at a path of nested members, which must be figures over 0.
func positive(t *testing.T, in map[string]any, path string) {
	t.Helper()
	var at any = in
	for name := range strings.SplitSeq(path, ".") {
		members, _ := at.(map[string]any)
		at = members[name]
	}
	figure, ok := at.(float64)
	assert.True(t, ok && figure > 0, "%s is %v", path, at)
}

func TestTheStoresAreCompared(t *testing.T) {
	t.Parallel()
	installed(t)

	table, got := figures(t, "store", "-rounds", "1", "-seconds", "0.1", "-scale", "1",
		"-only", "^(one_tx_statements|one_tx_function|tpcb|group|group_cold|memory|sqlite|two_processes)/")

	for _, arm := range []string{"one_tx_statements", "one_tx_function", "tpcb", "group", "memory", "sqlite"} {
		for _, callers := range []string{"1", "8", "64"} {
			positive(t, got, "sets_per_second."+arm+"."+callers)
		}
		assert.Contains(t, table, arm)
	}
	for _, path := range []string{
		"sets_per_second.group.bulk100", "sets_per_second.group_cold.64", "p99_ms.group.1", "p99_ms.group.8", "p99_ms.group.64",
		"ratios.hot64_vs_statements", "ratios.hot64_vs_tpcb", "ratios.hot64_vs_function", "ratios.alone_vs_statements", "ratios.two_processes_vs_one",
	} {
		positive(t, got, path)
	}
	assert.Len(t, got["load"], 2)
	settings, _ := got["settings"].(map[string]any)
	assert.Equal(t, "on", settings["fsync"])
	assert.Equal(t, "on", settings["synchronous_commit"])
}

func TestGrowthIsMeasuredOnEveryStore(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory", "sqlite:" + filepath.Join(t.TempDir(), "growth.db"), "postgres"} {
		if store == "postgres" {
			installed(t)
		}
		table, got := figures(t, "growth", "-store", store, "-orders", "80,400", "-callers", "2", "-rounds", "1", "-seconds", "0.05")

		assert.Contains(t, table, "400")
		sizes, _ := got["sizes"].([]any)
		require.Len(t, sizes, 2)
		for _, one := range sizes {
			for _, what := range measures {
				positive(t, one.(map[string]any), "calls_per_second."+what)
				positive(t, one.(map[string]any), "ratios."+what)
			}
		}
	}
}

func TestFlagsThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "fly", "store -rounds 0", "store -seconds -1", "store -scale 0", "store more", "store -only (", "store -only nothing", "growth -orders many", "growth -orders 4 -callers 8", "growth -store tape", "race -callers 0", "race -orders 0", "race -only (", "orders -seconds 0", "orders more"} {
		assert.Error(t, run(t.Context(), strings.Fields(args), strings.NewReader(""), &strings.Builder{}), args)
	}
}

// TestABrokenBookVoidsTheRun: an answer that was given and is not there is noticed.
func TestABrokenBookVoidsTheRun(t *testing.T) {
	t.Parallel()
	a := &arena{options: options{runs: runs{time: 20 * time.Millisecond}}}
	b, err := a.memory(t.Context())
	require.NoError(t, err)
	calls, err := callers(t.Context(), b, a.pace(2), 1, true)
	require.NoError(t, err)
	s, err := a.pace(2).run(t.Context(), a.cpu, calls)
	require.NoError(t, err)
	require.NoError(t, b.sound(t.Context(), s))

	s.calls++

	require.ErrorIs(t, b.sound(t.Context(), s), errBroken)
}

func TestMediansAndQuantiles(t *testing.T) {
	t.Parallel()
	assert.InDelta(t, 3, median([]float64{9, 1, 3}), 0)
	assert.InDelta(t, 2.5, median([]float64{4, 1, 3, 2}), 0)
	sorted := []time.Duration{time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond, 4 * time.Millisecond}
	assert.InDelta(t, 3, quantile(sorted, 0.5), 0)
	assert.InDelta(t, 4, quantile(sorted, 0.99), 0)
	assert.Zero(t, quantile(nil, 0.5))
}

func TestTheLedgerIsMeasuredOverHTTP(t *testing.T) {
	t.Parallel()
	installed(t)

	table, got := figures(t, "ledger", "-rounds", "1", "-seconds", "0.1")

	for _, clients := range []string{"1", "8", "64", "bulk"} {
		for _, figure := range []string{"tps", "p50_ms", "p99_ms"} {
			positive(t, got, "http."+clients+"."+figure)
		}
	}
	positive(t, got, "http.64.cpu_us") // of one client's few calls the system's clock may see nothing
	positive(t, got, "insert_commit.tps")
	positive(t, got, "ratios.alone_vs_insert")
	assert.Len(t, got["load"], 2)
	assert.Contains(t, table, "goal 0.6")
}
