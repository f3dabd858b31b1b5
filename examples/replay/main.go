package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"time"
)

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "directory of the dataset's files")
	file := flag.String("json", "", "write the report as JSON to this file")
	seed := flag.Uint64("seed", 1, "of the ids; the same seed gives the same report")
	faults := flag.Uint64("faults", 0, "seed of the institution's faults; 0 is none")
	engine := flag.String("store", "memory", "where the records go: memory, sqlite:`PATH` or postgres://…, which must be empty")
	most := flag.Int("orders", 0, "replay the first so many orders; 0 is all")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a store in memory only grows: looking for garbage less often is worth the memory
	}
	o := options{seed: *seed, faults: *faults, store: *engine, wall: time.Now, progress: func(line string) { log.Print(line) }}
	if err := play(*data, *most, o, os.Stdout, *file); err != nil {
		log.Fatal(err)
	}
}

// play replays a directory, prints the summary to out and writes the report to
// a file, if it has a name.
func play(dir string, most int, o options, out io.Writer, file string) error {
	if file != "" { // better refused now than after the run
		w, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_ = w.Close() // nothing was written
	}
	d, err := read(dir, most)
	if err != nil {
		return err
	}
	r, err := open(d, o)
	if err != nil {
		return err
	}
	if err := r.run(); err != nil {
		return err
	}
	seconds := r.wall().Sub(r.began).Seconds()
	rep, err := r.report()
	if err != nil {
		return err
	}
	rep.Seconds = seconds
	rep.print(out, r.pace.drift())
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
