package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/memory"
)

// facts are data as the domains write them: sorted, and with a record inside
// whose members are not.
var facts = []string{
	`{"amount":{"amount":"180.00","currency":"CNY"},"from":"confirmed","revision":"rev_01kdvdna00eajs4d2pf2dbsqqg","to":"completed"}`,
	`{"legs":[{"role":"escrow","of":"ord_01kdvdna00eajs4d2pf2dbsqqg","amount":{"amount":"180.00","currency":"CNY"}},` +
		`{"role":"earning","party":"mer_01kdvdna00eajs4d2pf2dbsqqg","amount":{"amount":"-180.00","currency":"CNY"}}],"what":"order.completed"}`,
}

func factual(n int) []platform.Event {
	all := events(n)
	for i := range all {
		all[i].Data = json.RawMessage(facts[i%len(facts)])
	}
	return all
}

// BenchmarkVerify checks a dump of a thousand events.
func BenchmarkVerify(b *testing.B) {
	signer, public := keys(b)
	log, all := audit.New(memory.New(nil, nil).Tree(), signer, nil), factual(1000)
	require.NoError(b, log.Publish(b.Context(), all))
	signed, err := log.Checkpoint(b.Context())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := audit.Verify(dump(all), signed, public); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublish logs 500 events, as the relay hands them over.
func BenchmarkPublish(b *testing.B) {
	signer, _ := keys(b)
	all := factual(500)
	b.ReportAllocs()
	for b.Loop() {
		if err := audit.New(memory.New(nil, nil).Tree(), signer, nil).Publish(b.Context(), all); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProof proves one of 2²⁰ leaves.
func BenchmarkProof(b *testing.B) {
	tree := memory.New(nil, nil).Tree()
	var ids []platform.ID
	var hashes [][]byte
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(at))
		for i, n := range at {
			found[i] = tlog.Hash(hashes[n])
		}
		return found, nil
	})
	const size = 1 << 20
	for n := range int64(size) {
		ids = append(ids, platform.NewID("evt", noon, 1, uint64(n)))
		stored, err := tlog.StoredHashesForRecordHash(n, tlog.Hash{byte(n)}, read)
		require.NoError(b, err)
		for _, h := range stored {
			hashes = append(hashes, h[:])
		}
	}
	require.NoError(b, tree.Grow(b.Context(), 0, ids, hashes))
	stored := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		raw, err := tree.Hashes(b.Context(), at)
		found := make([]tlog.Hash, len(raw))
		for i, h := range raw {
			found[i] = tlog.Hash(h)
		}
		return found, err
	})
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		n = (n + 7919) % size
		if _, err := tlog.ProveRecord(size, n, stored); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReceipt is a whole receipt of one of 2¹⁶ events: look-up, signature,
// proof, and the check that it holds.
func BenchmarkReceipt(b *testing.B) {
	signer, _ := keys(b)
	log, all := audit.New(memory.New(nil, nil).Tree(), signer, nil), factual(1<<16)
	require.NoError(b, log.Publish(b.Context(), all))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n = (n + 7919) % len(all)
		if _, err := log.Receipt(b.Context(), all[n]); err != nil {
			b.Fatal(err)
		}
	}
}
