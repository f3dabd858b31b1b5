package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// tampered shows a store as it would be if somebody had laid hands on it: edit
// gets everything that lies there, and answers what lies there instead.
type tampered struct {
	store.Snapshot
	edit func(store.Entry) []store.Entry
}

func (d tampered) Entries(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range d.Snapshot.Entries(ctx) {
			for _, e := range d.edit(e) {
				if !yield(e, err) {
					return
				}
			}
		}
	}
}

func (d tampered) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	records, err := d.Snapshot.Get(ctx, refs...)
	kept := slices.DeleteFunc(records, func(r platform.Record) bool {
		return len(d.edit(store.Entry{Row: &store.Row{Record: r, Keys: make([]string, 2)}})) == 0
	})
	if len(kept) < len(records) {
		err = platform.NotFound(refs[0])
	}
	return kept, err
}

type edit = func(store.Entry) []store.Entry

// nth edits the n-th entry that matches.
func nth(n int, match func(store.Entry) bool, change func(*store.Entry) (keep bool)) func() edit {
	return func() edit {
		ref, met := platform.Ref{}, 0
		return func(e store.Entry) []store.Entry {
			if !match(e) {
				return []store.Entry{e}
			}
			if e.Row != nil { // met again in the second reading, and by Get
				if met++; met == n+1 {
					ref = e.Row.Ref
				}
				if e.Row.Ref != ref {
					return []store.Entry{e}
				}
			}
			if !change(&e) {
				return nil
			}
			return []store.Entry{e}
		}
	}
}

func of(kind string) func(store.Entry) bool {
	return func(e store.Entry) bool { return e.Row != nil && e.Row.Ref.Kind == kind }
}

func movement(counter string, seq int64) func(store.Entry) bool {
	return func(e store.Entry) bool {
		return e.Movement != nil && string(e.Movement.Counter.ID) == counter && e.Movement.Seq == seq
	}
}

func holding(title string) func(store.Entry) bool {
	return func(e store.Entry) bool { return e.Claim != nil && e.Claim.Key == title }
}

func gone(*store.Entry) bool { return false }

// doc replaces a text in a document.
func doc(old, by string) func(*store.Entry) bool {
	return func(e *store.Entry) bool {
		row := *e.Row
		row.Doc = bytes.Replace(row.Doc, []byte(old), []byte(by), 1)
		e.Row = &row
		return true
	}
}

func record(change func(*store.Row)) func(*store.Entry) bool {
	return func(e *store.Entry) bool {
		row := *e.Row
		row.Claims, row.Keys = slices.Clone(row.Claims), slices.Clone(row.Keys)
		change(&row)
		e.Row = &row
		return true
	}
}

func moved(change func(*platform.Movement)) func(*store.Entry) bool {
	return func(e *store.Entry) bool {
		m := *e.Movement
		change(&m)
		e.Movement = &m
		return true
	}
}

func counted(change func(*platform.Count)) func(*store.Entry) bool {
	return func(e *store.Entry) bool {
		c := *e.Count
		change(&c)
		e.Count = &c
		return true
	}
}

func answered(change func(*platform.Answer)) func(*store.Entry) bool {
	return func(e *store.Entry) bool {
		a := *e.Answer
		change(&a.Answer)
		e.Answer = &a
		return true
	}
}

func weight(e store.Entry) bool { return e.Count != nil && e.Count.Ref.ID == "weight/gram" }
func answer(e store.Entry) bool { return e.Answer != nil }

// at is the n-th leaf or hash of the tree.
func at(n int64, hash bool) func(store.Entry) bool {
	return func(e store.Entry) bool { return e.Place == n && (e.Hash != nil) == hash && (hash || e.Leaf != "") }
}

const stranger = platform.ID("evt_01kdvdna00eajs4d2pf2dbsqqg")

// planted are faults, each with how the finding begins that names it.
var planted = map[string]struct {
	edit func() edit
	want string
}{
	"a balance one too high":        {nth(0, weight, counted(func(c *platform.Count) { c.Value++ })), "counter counter/weight/gram is 79 after 12 movements, which come to 78"},
	"a balance one too low":         {nth(0, weight, counted(func(c *platform.Count) { c.Value-- })), "counter counter/weight/gram is 77"},
	"a count of movements":          {nth(0, weight, counted(func(c *platform.Count) { c.Seq++ })), "counter counter/weight/gram"},
	"a counter":                     {nth(0, weight, gone), "orphan counter/weight/gram is missing"},
	"a movement's amount":           {nth(0, movement("weight/gram", 5), moved(func(m *platform.Movement) { m.Delta++ })), "counter counter/weight/gram movement 5"},
	"a movement's running value":    {nth(0, movement("weight/gram", 5), moved(func(m *platform.Movement) { m.After++ })), "counter counter/weight/gram movement 5"},
	"a movement taken out":          {nth(0, movement("weight/gram", 5), gone), "counter counter/weight/gram movement 6"},
	"the last movement":             {nth(0, movement("weight/gram", 12), gone), "counter counter/weight/gram is 78 after 12 movements"},
	"a gap in the numbers":          {nth(0, movement("weight/gram", 12), moved(func(m *platform.Movement) { m.Seq = 14 })), "counter counter/weight/gram movement 14"},
	"all movements":                 {nth(0, func(e store.Entry) bool { return e.Movement != nil }, gone), "counter counter/pages/piece is 12"},
	"a movement's event":            {nth(0, movement("weight/gram", 5), moved(func(m *platform.Movement) { m.Event = stranger })), "event movement/weight/gram#0000000000000000005 event/" + string(stranger)},
	"an event":                      {nth(3, of("event"), gone), "event leaf/"},
	"an event that is none":         {nth(3, of("event"), record(func(r *store.Row) { r.Doc = []byte(`[]`) })), "document event/"},
	"an event that is another's":    {nth(3, of("event"), doc(`"id":"evt_`, `"id":"evx_`)), "document event/"},
	"an event that was replaced":    {nth(3, of("event"), record(func(r *store.Row) { r.Version = 2 })), "document event/"},
	"an event of another subject":   {nth(3, of("event"), doc(`page/`, `pager/`)), "index event/"},
	"a root":                        {nth(2, of("page"), gone), "orphan page.remark/"},
	"a child of another slot":       {nth(2, of("page.remark"), doc(`"page":"pag_`, `"page":"x`)), "orphan page.remark/"},
	"a document that is none":       {nth(2, of("page"), doc(`"title"`, `"title":1,"x"`)), "document page/"},
	"a document of another program": {nth(2, of("page"), record(func(r *store.Row) { r.Schema = 9 })), "document page/"},
	"a document of another record":  {nth(2, of("page"), doc(`"id":"pag_`, `"id":"pax_`)), "document page/"},
	"a version that cannot be":      {nth(2, of("page"), record(func(r *store.Row) { r.Version = 0 })), "document page/"},
	"a document with another title": {nth(2, of("page"), doc(`page `, `rage `)), "index page/"},
	"a row that is in no index":     {nth(2, of("page"), record(func(r *store.Row) { r.Keys[0] = "" })), "index page/"},
	"a row that holds no name":      {nth(2, of("page"), record(func(r *store.Row) { r.Claims = nil })), "claim page/"},
	"a name of nobody":              {nth(0, holding("page 4"), gone), "claim page/"},
	"a stolen name":                 {nth(0, holding("page 4"), func(e *store.Entry) bool { e.Owner.ID = "pag_01kdvdna00eajs4d2pf2dbsqqg"; return true }), "claim page/"},
	"a name that nobody holds":      {nth(0, holding("page 4"), func(e *store.Entry) bool { e.Claim = &platform.Claim{Scope: "title", Key: "none"}; return true }), "claim page/"},
	"two of one name":               {nth(2, of("page"), doc(`"title":"page `, `"title":"page 1","old":"`)), "claim page/"},
	"an answer that is cut":         {nth(0, answer, answered(func(a *platform.Answer) { a.Body = a.Body[:5] })), "answer answer/"},
	"an answer ahead of its counter": {nth(0, answer, answered(func(a *platform.Answer) {
		a.Receipt.Counters = []platform.Count{{Ref: platform.Counter("weight", "gram"), Seq: 13}}
	})), "answer answer/"},
	"an answer about a lost counter": {nth(0, answer, answered(func(a *platform.Answer) {
		a.Receipt.Counters = []platform.Count{{Ref: platform.Counter("x", "y"), Seq: 1}}
	})), "answer answer/"},
	"undelivered without event": {nth(0, func(e store.Entry) bool { return e.Pending != "" }, func(e *store.Entry) bool { e.Pending = stranger; return true }), "event undelivered/" + string(stranger)},
	"a leaf without event":      {nth(0, at(5, false), func(e *store.Entry) bool { e.Leaf = stranger; return true }), "event leaf/5 event/" + string(stranger)},
	"a leaf taken out":          {nth(0, at(5, false), gone), "tree leaf/5 is missing; 6 is the next"},
	"the last leaf":             {nth(0, at(11, false), gone), "tree leaf/11"},
	"the hash of a leaf":        {nth(0, at(5, true), func(e *store.Entry) bool { e.Hash = bytes.Repeat([]byte{1}, 32); return true }), "tree hash/"},
	"the hash of a subtree":     {nth(0, at(6, true), func(e *store.Entry) bool { e.Hash = bytes.Repeat([]byte{1}, 32); return true }), "tree hash/6 is not"},
	"a hash that is none":       {nth(0, at(5, true), func(e *store.Entry) bool { e.Hash = []byte{1}; return true }), "tree hash/5"},
	"a hash taken out":          {nth(0, at(5, true), gone), "tree hash/5 is missing; 6 is the next"},
	"the last hash":             {nth(0, at(21, true), gone), "tree leaf/12 12 leaves have the hashes of 12, 1 of which are missing"},
	"what the engine finds by itself": {nth(0, weight, func(e *store.Entry) bool {
		e.Fault = &store.Finding{Code: "slot", Ref: e.Count.Ref, What: "lies there"}
		return true
	}), "slot counter/weight/gram lies there"},
}

// TestVerifyNamesEachPlantedFault also with a memory that holds next to nothing.
func TestVerifyNamesEachPlantedFault(t *testing.T) {
	t.Parallel()
	db, _, _ := stocked(t, 12)
	kinds := known(t)
	for _, room := range []int{1 << 20, 3} {
		assert.Empty(t, findings(t, kinds.VerifyWithin(t.Context(), db.Snapshot(), room)), "a sound store, %d in memory", room)
		for name, c := range planted {
			found := findings(t, kinds.VerifyWithin(t.Context(), tampered{db.Snapshot(), c.edit()}, room))
			assert.True(t, slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, c.want) }),
				"%s, %d in memory: %q not in\n%s", name, room, c.want, strings.Join(found, "\n"))
		}
	}
}

func TestVerifyTellsTheSameWhateverItRemembers(t *testing.T) {
	t.Parallel()
	db, _, _ := stocked(t, 40)
	all := func() edit { // a wreck
		return func(e store.Entry) []store.Entry {
			switch {
			case e.Claim != nil, e.Row != nil && e.Row.Ref.Kind == "page", e.Movement != nil && e.Movement.Seq%2 == 0:
				return nil
			}
			return []store.Entry{e}
		}
	}
	want := findings(t, known(t).VerifyWithin(t.Context(), tampered{db.Snapshot(), all()}, 1<<20))
	require.NotEmpty(t, want)

	for _, room := range []int{0, 1, 10, 50} {
		assert.Equal(t, want, findings(t, known(t).VerifyWithin(t.Context(), tampered{db.Snapshot(), all()}, room)))
	}
}

func TestVerifyStopsWhenNobodyListens(t *testing.T) {
	t.Parallel()
	db, _, _ := stocked(t, 12)
	read := 0
	wreck := tampered{db.Snapshot(), func(e store.Entry) []store.Entry {
		if read++; e.Count != nil {
			return nil
		}
		if e.Row != nil {
			e.Row = &store.Row{Record: platform.Record{Ref: e.Row.Ref, Doc: e.Row.Doc}}
		}
		return []store.Entry{e}
	}}
	for _, err := range known(t).Verify(t.Context(), wreck) {
		require.NoError(t, err)
		break
	}
	assert.Equal(t, 3, read, "two counters, and the first record")
}

type cut struct {
	store.Snapshot
	err error
}

func (c cut) Entries(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range c.Snapshot.Entries(ctx) {
			if !yield(e, err) {
				return
			}
			break
		}
		yield(store.Entry{}, c.err)
	}
}

func TestVerifyFailsWhereItCannotRead(t *testing.T) {
	t.Parallel()
	db, _, _ := stocked(t, 12)
	lost := errors.New("the disk fell out")
	var told error
	for _, err := range known(t).Verify(t.Context(), cut{db.Snapshot(), lost}) {
		told = errors.Join(told, err)
	}
	require.ErrorIs(t, told, lost)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range known(t).Verify(ended, db.Snapshot()) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

func ExampleKinds_Verify() {
	ctx, kinds := context.Background(), pageKinds()
	db := memory.New(kinds, nil)
	known, err := store.NewKinds(kinds)
	if err != nil {
		panic(err) // a kind is declared wrongly
	}
	now, err := db.Moment(ctx)
	if err != nil {
		panic(err)
	}
	defer func() { _ = now.Close() }()

	found := 0
	for finding, err := range known.Verify(ctx, now) {
		fmt.Println(finding, err)
		found++
	}
	fmt.Println(found, "findings")
	// Output: 0 findings
}
