package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

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
