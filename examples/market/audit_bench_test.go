package market_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// durable is a server that answers when a commit is on disk.
func durable(b *testing.B, kinds []platform.Kind) store.Engine {
	b.Helper()
	own := pgserver.Server{Settings: []string{"fsync=on", "synchronous_commit=on"}}
	b.Cleanup(own.Stop)
	db, err := postgres.Open(b.Context(), own.Database(b), kinds, nil)
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// signer is made from a fixed seed.
func signer(b testing.TB) (note.Signer, note.Verifier) {
	b.Helper()
	private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{1}), "market.example")
	require.NoError(b, err)
	s, err := note.NewSigner(private)
	require.NoError(b, err)
	v, err := note.NewVerifier(public)
	require.NoError(b, err)
	return s, v
}

var dawn = time.Date(2030, 3, 1, 6, 0, 0, 0, time.UTC)

func happened(n int) []platform.Event {
	all := make([]platform.Event, n)
	for i := range all {
		at := dawn.Add(time.Duration(i) * time.Millisecond)
		all[i] = platform.Event{
			ID: platform.NewID("evt", at, 1, uint64(i)), Type: "order.completed", Subject: platform.Ref{Kind: "order", ID: platform.NewID("ord", dawn, 1, uint64(i))},
			Version: 7, Actor: platform.SystemActor("clock"), At: at,
			Data: json.RawMessage(`{"amount":{"amount":"180.00","currency":"CNY"},"from":"confirmed","revision":"rev_01kdvdna00eajs4d2pf2dbsqqg","to":"completed"}`),
		}
	}
	return all
}

// BenchmarkSequencer logs events in batches of 512, each on disk before the next.
func BenchmarkSequencer(b *testing.B) {
	for name, open := range map[string]func(*testing.B) store.Engine{
		"sqlite": func(b *testing.B) store.Engine {
			b.Helper()
			db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "log.db"), nil, nil)
			require.NoError(b, err)
			b.Cleanup(func() { _ = db.Close() })
			return db
		},
		"postgres": func(b *testing.B) store.Engine { b.Helper(); return durable(b, nil) },
	} {
		b.Run(name, func(b *testing.B) {
			s, _ := signer(b)
			log := audit.New(open(b).Tree(), s, nil)
			all := happened(b.N)
			b.ResetTimer()
			for part := range slices.Chunk(all, 512) {
				require.NoError(b, log.Publish(b.Context(), part))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// lamp is a record of a business commit, as large and as much indexed as most.
type lamp struct {
	platform.Head
	Owner platform.ID `json:"owner" class:"internal"`
	Due   time.Time   `json:"due" class:"internal"`
	Text  string      `json:"text" class:"internal"`
}

// BenchmarkEventRow compares commits of six records, under a key, with an event
// to the same without, turn by turn in one run: what being audited costs.
func BenchmarkEventRow(b *testing.B) {
	kind := func(name, prefix string, derived bool) platform.Kind {
		return platform.Shape[lamp]{
			Name: name, Prefix: prefix, Derived: derived,
			Columns: func(l lamp) []platform.Column {
				return []platform.Column{{Name: "owner", Value: l.Owner}, {Name: "due", Value: l.Due}, {Name: "id", Value: l.ID}}
			},
			Indexes: []platform.Index{{By: []string{"owner", "id"}}, {By: []string{"due"}}},
		}.Kind()
	}
	db := durable(b, []platform.Kind{kind("lamp", "lmp", false), kind("bulb", "blb", true)})
	var random atomic.Uint64
	set := func(kind, prefix string) platform.Set {
		root := platform.NewID(prefix, dawn, platform.Slot(random.Add(1)%4096), random.Add(1))
		s := platform.Set{
			Key:    platform.Key{Scope: "key/" + string(root), Name: string(root)},
			Answer: platform.Answer{Digest: make([]byte, 32), Body: []byte(`{"text":"` + strings.Repeat("x", 500) + `"}`)},
		}
		for range 6 {
			ref := platform.Ref{Kind: kind, ID: platform.NewID(prefix, dawn, root.Slot(), random.Add(1))}
			s.Changes = append(s.Changes, platform.Change{Op: platform.Create, Ref: ref, Value: lamp{Head: platform.Head{ID: ref.ID}, Owner: root, Due: dawn, Text: strings.Repeat("x", 500)}})
		}
		if kind == "lamp" {
			e := happened(1)[0]
			e.ID, e.Subject = platform.NewID("evt", dawn, root.Slot(), random.Add(1)), platform.Ref{Kind: kind, ID: root}
			s.Changes = append(s.Changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: e.ID}, Value: e})
		}
		return s
	}
	took := map[string]time.Duration{}
	turn := func(kind, prefix string) {
		began := time.Now()
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				for range 20 {
					if _, err := db.Commit(b.Context(), set(kind, prefix)); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
		took[kind] += time.Since(began)
	}
	turn("lamp", "lmp") // warm
	turn("bulb", "blb")
	clear(took)
	n := 0
	for b.Loop() {
		turn("lamp", "lmp")
		turn("bulb", "blb")
		n += 640
	}
	b.ReportMetric(float64(n)/took["lamp"].Seconds(), "with/s")
	b.ReportMetric(float64(n)/took["bulb"].Seconds(), "without/s")
	b.ReportMetric(100*(1-took["bulb"].Seconds()/took["lamp"].Seconds()), "%less")
}

// BenchmarkOffline verifies a backup of events by the key alone, from its first
// byte.
func BenchmarkOffline(b *testing.B) {
	s, public := signer(b)
	db := memory.New(market.Kinds(), nil)
	log := audit.New(db.Tree(), s, nil)
	all := happened(20_000)
	for part := range slices.Chunk(all, 500) {
		var set platform.Set
		for _, e := range part {
			set.Changes = append(set.Changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: e.ID}, Value: e})
		}
		_, err := db.Commit(b.Context(), set)
		require.NoError(b, err)
		require.NoError(b, log.Publish(b.Context(), part))
	}
	signed, err := log.Checkpoint(b.Context())
	require.NoError(b, err)
	var backup bytes.Buffer
	_, err = store.Backup(b.Context(), db, &backup)
	require.NoError(b, err)
	n := 0
	for b.Loop() {
		report, err := market.Archive(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(backup.Bytes())), nil }).Verify(signed, public)
		require.NoError(b, err)
		n += int(report.Events)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
