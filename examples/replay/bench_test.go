package main

import (
	"testing"
	"time"
)

// BenchmarkReplay is the first 1,000 orders of the real data with the whole
// funnel, in memory.
func BenchmarkReplay(b *testing.B) {
	d, err := read(realData(b), 1000)
	if err != nil {
		b.Fatal(err)
	}
	commands := 0
	for b.Loop() {
		r, err := open(d, options{seed: 1, wall: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		if err := r.run(); err != nil {
			b.Fatal(err)
		}
		commands += r.commands
	}
	b.ReportMetric(float64(commands)/b.Elapsed().Seconds(), "commands/s")
}
