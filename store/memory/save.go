package memory

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// format is the number of the saved form; a program refuses a newer one.
const format = 1

// Refusals of a saved store.
var (
	ErrDamaged = platform.Err(platform.ErrInvalid, "backup.damaged", "the file is incomplete or altered", "文件不完整或已被改动")
	ErrFormat  = platform.Err(platform.ErrInvalid, "backup.format", "the file is of a newer program", "文件来自更新版本的程序")
)

// line is one line of the saved form: a record, a counter, a movement, a stored
// answer, a leaf of the audit tree, an undelivered event, or the manifest, which
// comes last. A stream without one is not a backup.
type line struct {
	Kind    string           `json:"kind,omitempty"`
	ID      platform.ID      `json:"id,omitempty"`
	Version int64            `json:"version,omitempty"`
	Schema  int              `json:"schema,omitempty"`
	Doc     json.RawMessage  `json:"doc,omitempty"`
	Key     *platform.Key    `json:"key,omitempty"`
	Answer  *platform.Answer `json:"answer,omitempty"`
	Leaf    platform.ID      `json:"leaf,omitempty"`
	Hash    []byte           `json:"hash,omitempty"`
	Pending platform.ID      `json:"pending,omitempty"`
	End     *manifest        `json:"end,omitempty"`
}

type manifest struct {
	Format int    `json:"format"`
	Lines  int64  `json:"lines"`
	SHA256 string `json:"sha256"` // of all lines before
}

// Save writes everything, as of one moment, to w: gzip of JSON lines, closed by
// a manifest with their sum. Commits go on meanwhile.
func (db *DB) Save(w io.Writer) error {
	db.mu.Lock()
	snapshot := db.snapshot()
	answers := make([]line, 0, len(db.answers))
	for key, answer := range db.answers {
		answers = append(answers, line{Key: &key, Answer: &answer})
	}
	var pending []line
	db.feed.Scan(func(_ int64, id platform.ID) bool {
		pending = append(pending, line{Pending: id})
		return true
	})
	tree := db.tree.lines()
	db.mu.Unlock()

	zip := gzip.NewWriter(w)
	out := &saver{w: bufio.NewWriter(zip), sum: sha256.New()}
	for _, name := range db.kinds.Names() {
		snapshot.tables[name].rows.Scan(func(_ string, e *entry) bool {
			r := e.record()
			out.write(line{Kind: r.Ref.Kind, ID: r.Ref.ID, Version: r.Version, Schema: r.Schema, Doc: r.Doc})
			return out.err == nil
		})
	}
	slices.SortFunc(answers, func(a, b line) int { return compareKeys(*a.Key, *b.Key) })
	for _, l := range slices.Concat(answers, tree, pending) {
		out.write(l)
	}
	out.write(line{End: &manifest{Format: format, Lines: out.lines, SHA256: hex.EncodeToString(out.sum.Sum(nil))}})
	return errors.Join(out.err, out.w.Flush(), zip.Close())
}

func compareKeys(a, b platform.Key) int {
	switch {
	case a.Scope < b.Scope || a.Scope == b.Scope && a.Name < b.Name:
		return -1
	case a == b:
		return 0
	}
	return 1
}

type saver struct {
	w     *bufio.Writer
	sum   hash.Hash
	lines int64
	err   error
}

func (s *saver) write(l line) {
	b, err := json.Marshal(l)
	if err == nil {
		b = append(b, '\n')
		s.sum.Write(b)
		_, err = s.w.Write(b)
	}
	s.lines++
	s.err = errors.Join(s.err, err)
}

// Load reads what [DB.Save] wrote into a new store: documents of an older
// schema are brought to the newest, indexes and claims are built again. It
// fails with ErrInvalid (codes backup.damaged, backup.format) when anything is
// missing or altered; there is then no store.
func Load(r io.Reader, kinds []platform.Kind, opts *Options) (*DB, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("load: %w", ErrDamaged)
	}
	db := New(kinds, opts)
	var failed error // told only if the file is whole: damage explains all else
	in, sum := bufio.NewReaderSize(zip, 1<<16), sha256.New()
	for lines := int64(0); ; lines++ {
		raw, err := in.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("load line %d: %w", lines+1, ErrDamaged)
		}
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, fmt.Errorf("load line %d: %w", lines+1, ErrDamaged)
		}
		if l.End != nil {
			if err := whole(*l.End, lines, hex.EncodeToString(sum.Sum(nil)), in); err != nil {
				return nil, err
			}
			if failed != nil {
				return nil, failed
			}
			return db, nil
		}
		sum.Write(raw)
		if err := db.load(l); err != nil && failed == nil {
			failed = fmt.Errorf("load line %d: %w", lines+1, err)
		}
	}
}

// whole checks that the manifest agrees and that nothing follows it.
func whole(end manifest, lines int64, sum string, rest io.Reader) error {
	tail, err := io.Copy(io.Discard, rest) // gzip checks its own sum at the end
	switch {
	case err != nil || tail > 0 || end.Lines != lines || end.SHA256 != sum:
		return fmt.Errorf("manifest: %w", ErrDamaged)
	case end.Format > format:
		return fmt.Errorf("format %d, known %d: %w", end.Format, format, ErrFormat)
	}
	return nil
}

func (db *DB) load(l line) error {
	switch {
	case l.Key != nil && l.Answer != nil:
		db.answers[*l.Key] = *l.Answer
	case l.Leaf != "" || l.Hash != nil:
		db.tree.load(l)
	case l.Pending != "":
		db.pend(l.Pending)
	default:
		return db.loadRecord(platform.Record{Ref: platform.Ref{Kind: l.Kind, ID: l.ID}, Version: l.Version, Schema: l.Schema, Doc: l.Doc})
	}
	return nil
}

func (db *DB) loadRecord(r platform.Record) error {
	row, err := db.kinds.Stored(r)
	if err != nil {
		return err
	}
	e := &entry{Row: row}
	switch r.Ref.Kind {
	case store.Counter:
		e.plain = &platform.Count{}
	case store.Movement:
		e.plain = &platform.Movement{}
	}
	if e.plain != nil && json.Unmarshal(r.Doc, e.plain) != nil {
		return ErrDamaged
	}
	if row.Keys, err = db.kinds.Keys(row); err != nil {
		return err
	}
	row.Columns = nil
	db.tables[r.Ref.Kind].put(e)
	for _, claim := range row.Claims {
		if owner, taken := db.claims[claim]; taken {
			return fmt.Errorf("claim %s of %s held by %s: %w", claim.Scope, r.Ref, owner, ErrDamaged)
		}
		db.claims[claim] = r.Ref
	}
	return nil
}

func (t *Tree) lines() []line {
	t.mu.RLock()
	defer t.mu.RUnlock()
	lines := make([]line, 0, len(t.leaves)+len(t.hashes))
	for _, leaf := range t.leaves {
		lines = append(lines, line{Leaf: leaf})
	}
	for _, h := range t.hashes {
		lines = append(lines, line{Hash: h})
	}
	return lines
}

func (t *Tree) load(l line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.Leaf != "" {
		t.index[l.Leaf] = int64(len(t.leaves))
		t.leaves = append(t.leaves, l.Leaf)
	} else {
		t.hashes = append(t.hashes, l.Hash)
	}
}
