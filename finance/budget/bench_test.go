package budget_test

import (
	"testing"
)

// BenchmarkCommit is what one commitment on one hot line costs, with its entry,
// posting, movements and events.
func BenchmarkCommit(b *testing.B) {
	v := newWorld(b)
	l := v.line("9000000000.00")
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		if err := v.act("budget.committed", claim(n), on(l, "1.00")); err != nil {
			b.Fatal(err)
		}
	}
}
