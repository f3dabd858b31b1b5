package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
)

// table is a figure of each arm, by its number of callers.
type table[T any] map[string]map[string]T

func (t table[T]) put(name, column string, v T) {
	if t[name] == nil {
		t[name] = map[string]T{}
	}
	t[name][column] = v
}

// report is what a comparison came to: medians over its rounds.
type report struct {
	Rates    table[float64]     `json:"sets_per_second"` // transfers; of bulk too
	P50      table[float64]     `json:"p50_ms"`
	P99      table[float64]     `json:"p99_ms"`
	CPU      table[cpu]         `json:"cpu_us"`
	Spread   table[[2]float64]  `json:"spread"` // of sets_per_second: the slowest and the fastest round
	Ratios   map[string]float64 `json:"ratios"` // medians of the ratios of each round
	Settings map[string]string  `json:"settings"`
	Rounds   int                `json:"rounds"`
	Cores    int                `json:"cores"`
	Load     []float64          `json:"load"` // average over a minute, before, and after each round

	rounds []map[string]map[string]sample
}

// cpu is microseconds a transfer, on both sides.
type cpu struct {
	Client float64 `json:"client"`
	Server float64 `json:"server"`
}

// goals are what the ratios should reach at least.
var goals = []struct {
	name    string
	of, per [2]string
	atLeast float64
}{
	{"hot64_vs_statements", [2]string{"group", "64"}, [2]string{"one_tx_statements", "64"}, 15},
	{"hot64_vs_function", [2]string{"group", "64"}, [2]string{"one_tx_function", "64"}, 8},
	{"hot64_vs_tpcb", [2]string{"group", "64"}, [2]string{"tpcb", "64"}, 3},
	{"alone_vs_statements", [2]string{"group", "1"}, [2]string{"one_tx_statements", "1"}, 1.5},
	{"two_processes_vs_one", [2]string{"two_processes", "64"}, [2]string{"group", "64"}, 0.7},
	{"cold64_vs_statements", [2]string{"group_cold", "64"}, [2]string{"one_tx_statements", "64"}, 15},
	{"cold64_vs_function", [2]string{"group_cold", "64"}, [2]string{"one_tx_function", "64"}, 8},
	{"cold64_vs_tpcb", [2]string{"group_cold", "64"}, [2]string{"tpcb", "64"}, 3},
	{"order64_vs_tpcb", [2]string{"group_order", "64"}, [2]string{"tpcb", "64"}, 2},
	{"hot8_vs_statements", [2]string{"group", "8"}, [2]string{"one_tx_statements", "8"}, 6},
	{"hot8_vs_function", [2]string{"group", "8"}, [2]string{"one_tx_function", "8"}, 2},
	{"alone_vs_function", [2]string{"group", "1"}, [2]string{"one_tx_function", "1"}, 0.7},
	{"apart64_vs_statements", [2]string{"group_no_hot", "64"}, [2]string{"one_tx_statements_no_hot", "64"}, 3},
}

// sum makes the medians.
func (r *report) sum() {
	r.Rates, r.P50, r.P99, r.CPU, r.Spread = table[float64]{}, table[float64]{}, table[float64]{}, table[cpu]{}, table[[2]float64]{}
	for name, columns := range r.rounds[0] {
		for column := range columns {
			each := func(of func(sample) float64) []float64 {
				var all []float64
				for _, round := range r.rounds {
					all = append(all, of(round[name][column]))
				}
				return all
			}
			rates := each(func(s sample) float64 { return s.Rate })
			r.Rates.put(name, column, median(rates))
			r.Spread.put(name, column, [2]float64{slices.Min(rates), slices.Max(rates)})
			r.P50.put(name, column, median(each(func(s sample) float64 { return s.P50 })))
			r.P99.put(name, column, median(each(func(s sample) float64 { return s.P99 })))
			r.CPU.put(name, column, cpu{median(each(func(s sample) float64 { return s.Client })), median(each(func(s sample) float64 { return s.Server }))})
		}
	}
	delete(r.P50, "tpcb") // pgbench tells the mean
	delete(r.P99, "tpcb")
	r.Ratios = map[string]float64{}
	for _, g := range goals {
		if r.Rates[g.of[0]][g.of[1]] == 0 || r.Rates[g.per[0]][g.per[1]] == 0 {
			continue // not measured
		}
		var all []float64
		for _, round := range r.rounds {
			all = append(all, round[g.of[0]][g.of[1]].Rate/round[g.per[0]][g.per[1]].Rate)
		}
		r.Ratios[g.name] = median(all)
	}
	r.Rounds, r.Cores = len(r.rounds), runtime.GOMAXPROCS(0)
}

func median(figures []float64) float64 {
	sorted, n := slices.Sorted(slices.Values(figures)), len(figures)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// print writes the report for a reader.
func (r *report) print(w io.Writer) error {
	var failed error
	p := func(format string, values ...any) {
		if _, err := fmt.Fprintf(w, format+"\n", values...); failed == nil {
			failed = err
		}
	}
	p("transfers a second: median of %d rounds (slowest, fastest); callers are answered when it is on disk", r.Rounds)
	p("%-26s %8s %9s %21s %9s %9s %16s", "arm", "callers", "a second", "spread", "p50 ms", "p99 ms", "CPU µs own+server")
	for _, name := range slices.Sorted(maps.Keys(r.Rates)) {
		columns := slices.SortedFunc(maps.Keys(r.Rates[name]), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
		for _, c := range columns {
			s, u := r.Spread[name][c], r.CPU[name][c]
			p("%-26s %8s %9.0f %10.0f %10.0f %9.2f %9.2f %8.0f + %.0f", name, c, r.Rates[name][c], s[0], s[1], r.P50[name][c], r.P99[name][c], u.Client, u.Server)
		}
	}
	p("\n%-26s %8s %8s", "ratio", "reached", "goal")
	for _, g := range goals {
		if reached, measured := r.Ratios[g.name]; measured {
			p("%-26s %8.2f %8s", g.name, reached, strconv.FormatFloat(g.atLeast, 'f', -1, 64))
		}
	}
	p("\nload average %.2f; %d cores for callers and server; server %v", r.Load, r.Cores, r.Settings)
	return failed
}
