package store

import (
	"bufio"
	"bytes"
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
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Format is the number of the backup's form; a program refuses a newer one. Form
// 3 has the tree's head and a moment in its manifest, and a manifest that is
// written otherwise than its lines demand is refused; 2 is still read.
const Format = 3

// Refusals of a backup.
var (
	ErrDamaged = platform.Err(platform.ErrInvalid, "backup.damaged", "the backup is incomplete or altered", "备份不完整或已被改动")
	ErrFormat  = platform.Err(platform.ErrInvalid, "backup.format", "the backup is of a newer program", "备份来自更新版本的程序")
)

const (
	segmentLines = 10_000   // of each segment but the last
	longestLine  = 32 << 20 // bytes; the answer of the largest set has half of it
	squeeze      = 5        // of gzip: as small as the default, in a third of its time
)

// Manifest closes a backup: a stream without one is none.
type Manifest struct {
	Format   int              `json:"format"`
	Counts   map[string]int64 `json:"counts"` // lines of each kind of record, and of answers, leaves, hashes and pending events
	Segments []string         `json:"segments"`
	SHA256   string           `json:"sha256"`         // of the list of segments
	Tree     *Head            `json:"tree,omitempty"` // of the audit log
	Until    time.Time        `json:"until,omitzero"` // moment in the id of the newest event: what came later is not in it
}

// Lines is how many lines the backup has.
func (m Manifest) Lines() (n int64) {
	for _, lines := range m.Counts {
		n += lines
	}
	return n
}

// Backup writes everything in a store, as of one moment, to w: gzip of JSON
// lines in segments, closed by a manifest with the SHA-256 of each. Commits go on
// meanwhile. Sealed values stay sealed; the keys that open them are not in it. It
// fails with [ErrUnreadable] rather than leave anything out.
func Backup(ctx context.Context, from Archive, w io.Writer) (Manifest, error) {
	text, out := io.Pipe()
	zipped := make(chan error, 1)
	go func() { // beside the reading, of which it takes as long
		zip, _ := gzip.NewWriterLevel(w, squeeze) // a level that there is
		_, err := io.Copy(zip, text)
		_ = text.CloseWithError(err)
		zipped <- errors.Join(err, zip.Close())
	}()
	m, err := written(ctx, from, out)
	_ = out.CloseWithError(err)
	if failed := <-zipped; err == nil {
		err = failed
	}
	if err != nil {
		return Manifest{}, err
	}
	return m, nil
}

func written(ctx context.Context, from Archive, w io.Writer) (Manifest, error) {
	out, book := bufio.NewWriterSize(w, 1<<16), newTally()
	for line, err := range from.Lines(ctx) {
		if err != nil {
			return Manifest{}, err
		}
		raw, err := json.Marshal(line)
		if err != nil {
			return Manifest{}, fmt.Errorf("encode %s %s: %w", line.sort(), line.ID, ErrUnreadable)
		}
		raw = append(raw, '\n')
		book.add(line, raw)
		if _, err := out.Write(raw); err != nil {
			return Manifest{}, fmt.Errorf("write backup: %w", err)
		}
	}
	m := book.manifest()
	_, err := out.Write(m.line())
	return m, errors.Join(err, out.Flush())
}

// Restore fills an empty store of any engine with what [Backup] wrote. It fails
// with ErrInvalid (codes backup.damaged, backup.format) when anything is missing
// or altered, and with ErrState, code backup.not_empty; nothing is then stored.
func Restore(ctx context.Context, to Archive, r io.Reader) (Manifest, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", ErrDamaged)
	}
	in := reader{in: bufio.NewScanner(zip), tally: newTally()}
	in.in.Buffer(nil, longestLine)
	in.in.Split(whole)
	if err := to.Load(ctx, in.lines()); errors.Is(err, ErrNotEmpty) || ctx.Err() != nil {
		return Manifest{}, err
	} else if err != nil {
		// What a damaged line made of itself says less than the damage: the rest is
		// read to tell which of the two it was.
		for _, damage := range in.lines() {
			if damage != nil {
				return Manifest{}, damage
			}
		}
		return Manifest{}, err
	}
	return in.found, nil
}

// whole splits lines, their ends included. What has no end is none.
func whole(data []byte, atEOF bool) (advance int, line []byte, err error) {
	if end := bytes.IndexByte(data, '\n'); end >= 0 {
		return end + 1, data[:end+1], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return 0, nil, nil
}

// reader yields the lines of a backup, and checks them against the manifest
// before it ends: an error comes instead of the end, so that a load fails whole.
type reader struct {
	in    *bufio.Scanner
	tally *tally
	found Manifest
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
	var l struct {
		Line
		End *Manifest `json:"end"`
	}
	if !r.in.Scan() || json.Unmarshal(r.in.Bytes(), &l) != nil {
		return Line{}, fmt.Errorf("line %d of the backup: %w", r.tally.lines+1, ErrDamaged)
	}
	if l.End == nil {
		r.tally.add(l.Line, r.in.Bytes())
		return l.Line, nil
	}
	r.ended = true
	return Line{}, r.agrees(*l.End, bytes.Clone(r.in.Bytes()))
}

// agrees checks that the manifest is, to the letter, the one that the lines
// demand, and that nothing follows it.
func (r *reader) agrees(end Manifest, text []byte) error {
	more := r.in.Scan() // gzip checks its own sum at the end
	r.found = r.tally.manifest()
	altered := more || r.in.Err() != nil || r.found.SHA256 != end.SHA256 || !slices.Equal(r.found.Segments, end.Segments)
	if end.Format > Format && !altered { // whose lines may count as what is not known here
		return fmt.Errorf("format %d, known %d: %w", end.Format, Format, ErrFormat)
	}
	want := r.found
	if end.Format == 2 {
		want.Format, want.Tree, want.Until = 2, nil, time.Time{}
	}
	if altered || !bytes.Equal(want.line(), text) {
		return fmt.Errorf("manifest of the backup: %w", ErrDamaged)
	}
	return nil
}

// line is the manifest as it closes a backup.
func (m Manifest) line() []byte {
	text, _ := json.Marshal(struct { // plain data
		End Manifest `json:"end"`
	}{m})
	return append(text, '\n')
}

// tally sums up lines as they pass.
type tally struct {
	lines    int64
	counts   map[string]int64
	segments []string
	sum      hash.Hash
	tree     heading
	until    time.Time
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
	switch {
	case l.Leaf != "":
		t.tree.leaves++
	case l.Hash != nil:
		t.tree.add(l.Hash)
	case l.Kind == Event && l.ID.Time().After(t.until):
		t.until = l.ID.Time()
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
	tree := t.tree.head()
	return Manifest{Format: Format, Counts: t.counts, Segments: segments, SHA256: hex.EncodeToString(list.Sum(nil)), Tree: &tree, Until: t.until}
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
