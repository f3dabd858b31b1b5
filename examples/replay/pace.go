package main

import (
	"reflect"
	"time"
)

// pace is how long each command took, in the order in which they were given.
type pace []stride

type stride struct {
	command reflect.Type
	took    time.Duration
}

func strideOf(command any, took time.Duration) stride {
	return stride{reflect.TypeOf(command), took}
}

// drift is how many times as long a command took in the last tenth of a run as
// in the first, over the commands that both have: what is given changes in the
// course of a run, and 1 means that nothing else did. It is 0 for a run that is
// too short to tell.
func (p pace) drift() float64 {
	tenth := len(p) / 10
	first, last := p[:tenth].means(), p[len(p)-tenth:].means()
	var before, after float64
	for command, f := range first {
		l := last[command]
		weight := float64(min(f.n, l.n))
		before, after = before+weight*f.mean(), after+weight*l.mean()
	}
	if before == 0 {
		return 0
	}
	return after / before
}

type total struct {
	n    int
	took time.Duration
}

func (t total) mean() float64 { return t.took.Seconds() / float64(max(t.n, 1)) }

func (p pace) means() map[reflect.Type]total {
	all := map[reflect.Type]total{}
	for _, s := range p {
		t := all[s.command]
		all[s.command] = total{t.n + 1, t.took + s.took}
	}
	return all
}
