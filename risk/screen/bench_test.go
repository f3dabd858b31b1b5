package screen

import (
	"fmt"
	"testing"
	"time"

	"github.com/liangding/platform"
)

// BenchmarkScreen screens orders of a thousand customers whose windows are warm,
// the look-up for a stored decision included.
func BenchmarkScreen(b *testing.B) {
	h := opened(b)
	events := make([]platform.Event, 1000)
	for i := range events {
		events[i] = h.event(data(fmt.Sprintf(`{"customer":"cus-%d","merchant":"mer-1","amount":{"amount":"12.00","currency":"CNY"}}`, i)))
	}
	n := uint64(1 << 32)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		ev := events[i%len(events)]
		n++
		ev.ID, ev.At = platform.NewID("evt", noon, 1, n), noon.Add(time.Duration(i))
		if _, _, err := h.Screen(b.Context(), ev); err != nil {
			b.Fatal(err)
		}
	}
}
