package store

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/liangding/platform"
)

// Format is the number of the backup's form; a program refuses a newer one.
const Format = 2

// Refusals of a backup.
var (
	ErrDamaged = platform.Err(platform.ErrInvalid, "backup.damaged", "the backup is incomplete or altered", "备份不完整或已被改动")
	ErrFormat  = platform.Err(platform.ErrInvalid, "backup.format", "the backup is of a newer program", "备份来自更新版本的程序")
)

// segmentLines is how many lines a segment has, but for the last.
const segmentLines = 10_000

// Manifest closes a backup: a stream without one is none.
type Manifest struct {
	Format   int              `json:"format"`
	Counts   map[string]int64 `json:"counts"` // lines of each kind of record, and of answers, leaves, hashes and pending events
	Segments []string         `json:"segments"`
	SHA256   string           `json:"sha256"` // of the list of segments
}

// Backup writes everything in a store, as of one moment, to w: gzip of JSON
// lines in segments, closed by a manifest with the SHA-256 of each. Commits go on
// meanwhile. Sealed values stay sealed; the keys that open them are not in it.
func Backup(ctx context.Context, from Archive, w io.Writer) (Manifest, error) {
	zip := gzip.NewWriter(w)
	out := bufio.NewWriter(zip)
	book := newTally()
	for line, err := range from.Lines(ctx) {
		if err != nil {
			return Manifest{}, err
		}
		raw, err := json.Marshal(line)
		if err != nil {
			return Manifest{}, fmt.Errorf("encode line %d: %w", book.lines+1, err)
		}
		raw = append(raw, '\n')
		book.add(line, raw)
		if _, err := out.Write(raw); err != nil {
			return Manifest{}, fmt.Errorf("write backup: %w", err)
		}
	}
	end, err := json.Marshal(struct {
		End Manifest `json:"end"`
	}{book.manifest()})
	_, failed := out.Write(append(end, '\n'))
	return book.manifest(), errors.Join(err, failed, out.Flush(), zip.Close())
}

// Restore fills an empty store of any engine with what [Backup] wrote. It fails
// with ErrInvalid (codes backup.damaged, backup.format) when anything is missing
// or altered, and with ErrState, code backup.not_empty; nothing is then stored.
func Restore(ctx context.Context, to Archive, r io.Reader) (Manifest, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", ErrDamaged)
	}
	in := reader{in: bufio.NewReaderSize(zip, 1<<16), tally: newTally()}
	if err := to.Load(ctx, in.lines()); err != nil {
		// What a damaged line made of itself says less than the damage: the rest is
		// read to tell which of the two it was.
		for _, damage := range in.lines() {
			if damage != nil {
				return Manifest{}, damage
			}
		}
		return Manifest{}, err
	}
	return in.tally.manifest(), nil
}

// reader yields the lines of a backup, and checks them against the manifest
// before it ends: an error comes instead of the end, so that a load fails whole.
type reader struct {
	in    *bufio.Reader
	tally *tally
	ended bool
}

func (r *reader) lines() iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for !r.ended {
			line, err := r.next()
			r.ended = r.ended || err != nil
			if err == nil && r.ended {
				return
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

func (r *reader) next() (Line, error) {
	raw, err := r.in.ReadBytes('\n')
	var l struct {
		Line
		End *Manifest `json:"end"`
	}
	if err != nil || json.Unmarshal(raw, &l) != nil {
		return Line{}, fmt.Errorf("line %d of the backup: %w", r.tally.lines+1, ErrDamaged)
	}
	if l.End == nil {
		r.tally.add(l.Line, raw)
		return l.Line, nil
	}
	r.ended = true
	return Line{}, r.agrees(*l.End)
}

// agrees checks the manifest, and that nothing follows it.
func (r *reader) agrees(end Manifest) error {
	tail, err := io.Copy(io.Discard, r.in) // gzip checks its own sum at the end
	found := r.tally.manifest()
	switch {
	case err != nil || tail > 0 || found.SHA256 != end.SHA256 || !slices.Equal(found.Segments, end.Segments):
		return fmt.Errorf("manifest of the backup: %w", ErrDamaged)
	case end.Format > Format: // whose lines may count as what is not known here
		return fmt.Errorf("format %d, known %d: %w", end.Format, Format, ErrFormat)
	case !maps.Equal(found.Counts, end.Counts):
		return fmt.Errorf("manifest of the backup: %w", ErrDamaged)
	}
	return nil
}

// tally sums up lines as they pass.
type tally struct {
	lines    int64
	counts   map[string]int64
	segments []string
	sum      hash.Hash
}

func newTally() *tally { return &tally{counts: map[string]int64{}, sum: sha256.New()} }

func (t *tally) add(l Line, raw []byte) {
	t.lines++
	t.counts[l.sort()]++
	t.sum.Write(raw)
	if t.lines%segmentLines == 0 {
		t.segments = append(t.segments, hex.EncodeToString(t.sum.Sum(nil)))
		t.sum.Reset()
	}
}

func (t *tally) manifest() Manifest {
	segments := t.segments
	if t.lines%segmentLines > 0 {
		segments = append(slices.Clone(segments), hex.EncodeToString(t.sum.Sum(nil)))
	}
	list := sha256.New()
	for _, s := range segments {
		list.Write([]byte(s))
	}
	return Manifest{Format: Format, Counts: t.counts, Segments: segments, SHA256: hex.EncodeToString(list.Sum(nil))}
}

// sort is what a line counts as.
func (l Line) sort() string {
	switch {
	case l.Key != nil:
		return "answer"
	case l.Leaf != "":
		return "leaf"
	case l.Hash != nil:
		return "hash"
	case l.Pending != "":
		return "pending"
	}
	return l.Kind
}
