package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/storetest/pgserver"
)

// Invariant 16: from its placing to the customer's acceptance an order costs at most 12
// commits, 60 trips to the database and 220 statements, over HTTP and with every room
// that takes part.
func TestAnOrdersLifeCostsTheDatabaseLittle(t *testing.T) {
	t.Parallel()
	installed(t)
	server := &pgserver.Server{Settings: settings}
	require.NoError(t, server.Start())
	t.Cleanup(server.Stop)
	dsn, _, err := server.Create()
	require.NoError(t, err)
	s, f, err := openShop(t.Context(), dsn, 1)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()); assert.NoError(t, s.DB.Close()) })
	here := httptest.NewServer(s.handler(t.Context()))
	t.Cleanup(here.Close)
	f.URL = here.URL
	v := &street{front: f, http: here.Client()}
	require.NoError(t, v.visitor().live(t.Context(), f.Branches[0]), "connections learn their statements")
	before := s.wire.read()

	require.NoError(t, v.visitor().live(t.Context(), f.Branches[0]))

	spent := s.wire.read().less(before)
	t.Logf("%+v", spent)
	assert.Positive(t, spent.Commits)
	assert.LessOrEqual(t, spent.Commits, int64(12))
	assert.LessOrEqual(t, spent.Trips, int64(60))
	assert.LessOrEqual(t, spent.Statements, int64(220))
}

func TestOrdersAreMeasuredOverHTTP(t *testing.T) {
	t.Parallel()
	installed(t)

	table, got := figures(t, "orders", "-seconds", "0.1")

	for _, path := range []string{"orders_per_second.1", "orders_per_second.8", "statements_per_order", "trips_per_order", "commits_per_order"} {
		positive(t, got, path)
	}
	assert.Contains(t, table, "placed, paid, assigned")
}

func TestWhoeverRacesOverHTTPIsToldTheTruth(t *testing.T) {
	t.Parallel()
	installed(t)
	file := filepath.Join(t.TempDir(), "race.json")
	var out strings.Builder

	require.NoError(t, run(t.Context(), []string{"race", "-orders", "2", "-callers", "2,8", "-json", file}, strings.NewReader(""), &out))

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal(text, &rows))
	require.Len(t, rows, 2*7)
	for i, r := range rows {
		want := map[string]any{"command": contests()[i/2].name, "callers": []float64{2, 8}[i%2], "orders": 2.0, "double": 0.0, "stuck": 0.0, "untrue": 0.0}
		assert.Equal(t, want, r)
	}
	assert.Contains(t, out.String(), "dispute")
}

// What would make the table lie: two successes, another code, a state that is not so,
// two answers under one key, and nobody who succeeds.
func TestUntrueAnswersAreCounted(t *testing.T) {
	t.Parallel()
	won := answer{status: 200, body: object{"id": "ord_1", "state": "delivered"}}
	late := answer{status: 409, body: object{"code": "order.not_deliverable", "state": "delivered"}}
	deliver := contest{name: "deliver", late: "order.not_deliverable", state: "delivered"}
	pay := contest{name: "pay", late: "payment.already_secured", joins: true, state: "confirmed"}
	for name, c := range map[string]struct {
		of           contest
		answers      []answer
		shared       bool
		untrue, done int
	}{
		"one wins":                     {of: deliver, answers: []answer{late, won, late}, done: 1},
		"two win":                      {of: deliver, answers: []answer{won, won}, untrue: 1, done: 2},
		"all have one answer":          {of: deliver, answers: []answer{won, won}, shared: true, done: 2},
		"one key, and a refusal":       {of: deliver, answers: []answer{won, late}, shared: true, untrue: 1, done: 1},
		"nobody wins":                  {of: deliver, answers: []answer{late, late}},
		"another code":                 {of: deliver, answers: []answer{won, {status: 409, body: object{"code": "conflict"}}}, untrue: 1, done: 1},
		"a fault":                      {of: deliver, answers: []answer{won, {status: 500}}, untrue: 1, done: 1},
		"the state as it was":          {of: deliver, answers: []answer{won, {status: 409, body: object{"code": "order.not_deliverable", "state": "in_progress"}}}, untrue: 1, done: 1},
		"success without its state":    {of: deliver, answers: []answer{{status: 200, body: object{"id": "ord_1", "state": "in_progress"}}}, untrue: 1, done: 1},
		"all join one attempt":         {of: pay, answers: []answer{{status: 200, body: object{"id": "att_1"}}, {status: 200, body: object{"id": "att_1"}}}, done: 2},
		"two attempts":                 {of: pay, answers: []answer{{status: 200, body: object{"id": "att_1"}}, {status: 200, body: object{"id": "att_2"}}}, untrue: 1, done: 2},
		"one pays and one is too late": {of: pay, answers: []answer{{status: 200, body: object{"id": "att_1"}}, {status: 409, body: object{"code": "payment.already_secured"}}}, done: 1},
	} {
		untrue, done := c.of.judge(c.answers, "delivered", c.shared)
		assert.Equal(t, []int{c.untrue, c.done}, []int{untrue, done}, name)
	}
	assert.ErrorIs(t, rushes{{Command: "pay", Callers: 2, Double: 1}}.sound(), errBroken)
	assert.NoError(t, rushes{{Command: "pay", Callers: 2}}.sound())
}
