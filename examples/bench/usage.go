package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is the CPU time of both sides up to a moment.
type usage struct {
	at             time.Duration
	client, server time.Duration
}

// meter reads the CPU time of this process, and of servers' processes by those that
// started them. It knows no other system than Linux, and reads nothing there.
type meter []int

func (m meter) read() (u usage, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return u, err
	}
	for _, path := range stats {
		p, ok := processOf(path)
		switch {
		case !ok: // it has ended meanwhile
		case p.pid == os.Getpid():
			u.client += p.own
		case slices.Contains(m, p.pid):
			u.server += p.own + p.reaped
		case slices.Contains(m, p.parent):
			u.server += p.own
		}
	}
	return u, nil
}

// process is what the system tells of a process.
type process struct {
	pid, parent int
	own, reaped time.Duration // CPU of itself, and of its children that have ended
}

// tick is the unit of the times in /proc.
const tick = 10 * time.Millisecond

func processOf(path string) (p process, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return p, false
	}
	pid, rest, _ := strings.Cut(string(text), " (")
	at := strings.LastIndex(rest, ") ") // the name between may hold anything
	if at < 0 {
		return p, false
	}
	f := strings.Fields(rest[at+2:]) // from the third field of proc(5) on
	var n [6]int64
	for i, field := range []string{pid, f[1], f[11], f[12], f[13], f[14]} {
		if n[i], err = strconv.ParseInt(field, 10, 64); err != nil {
			return p, false
		}
	}
	return process{int(n[0]), int(n[1]), time.Duration(n[2]+n[3]) * tick, time.Duration(n[4]+n[5]) * tick}, true
}

// load is the machine's load average over a minute; 0 where there is none.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var minute float64
	if _, err := fmt.Sscan(string(text), &minute); err != nil {
		return 0
	}
	return minute
}
