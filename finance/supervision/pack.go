package supervision

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"iter"
	"time"

	"github.com/liangding/platform"
)

// Section is a file of a pack: one line of JSON for each item.
type Section struct {
	Name  string // without ".jsonl": journal, trial_balance …
	Lines iter.Seq2[any, error]
}

// Sections hands out what an audit is given. Values are of types that encode to
// JSON, with personal fields masked.
type Sections interface {
	// Sections are those of the months from one to another, both included. What
	// the lines yield is read while they are walked, once.
	Sections(ctx context.Context, from, until string) ([]Section, error)
}

// Manifest says what a pack holds. It is its last file, manifest.json.
type Manifest struct {
	Format     string      `json:"format"` // supervision.pack/1
	Engagement platform.ID `json:"engagement"`
	From       string      `json:"from"`
	Until      string      `json:"until"`
	At         time.Time   `json:"at"`
	Files      []File      `json:"files"`
}

// File is what the manifest says of a file.
type File struct {
	Name   string `json:"name" class:"internal"`
	Lines  int64  `json:"lines" class:"internal"`
	Bytes  int64  `json:"bytes" class:"internal"`
	SHA256 string `json:"sha256" class:"internal"`
}

const packFormat, manifestFile = "supervision.pack/1", "manifest.json"

// Packed is that a pack was made. The pack itself is where it was sent.
type Packed struct {
	platform.Head
	Engagement platform.ID `json:"engagement" class:"internal"`
	From       string      `json:"from" class:"internal"`
	Until      string      `json:"until" class:"internal"`
	Files      []File      `json:"files" class:"internal"`
	Manifest   string      `json:"manifest" class:"internal"` // SHA-256 of manifest.json
	At         time.Time   `json:"at" class:"internal"`
	By         platform.ID `json:"by" class:"internal"`
}

// Ref names the pack.
func (p Packed) Ref() platform.Ref { return platform.Ref{Kind: packKind, ID: p.ID} }

// MakePack asks for the pack of an engagement.
type MakePack struct {
	Engagement platform.ID `json:"engagement" validate:"required,id=eng"`
}

// Subject is the engagement.
func (in MakePack) Subject() platform.Ref { return engagementRef(in.Engagement) }

// MakePack writes the pack of an engagement's period to out, as a ZIP file of JSON
// Lines and a manifest, as it reads it: a line at a time is in memory. Admitted
// auditors may, and supervisors. What was handed out is on record with the digest
// of its manifest; a pack that was cut off has no manifest, and no record.
func (s *Service) MakePack(ctx context.Context, in MakePack, out io.Writer) (Packed, error) {
	if err := platform.Validate(in); err != nil {
		return Packed{}, err
	}
	if s.ports.Sections == nil {
		return Packed{}, ErrSource
	}
	e, by, err := s.field(ctx, in.Engagement)
	if err != nil {
		return Packed{}, fmt.Errorf("make a pack: %w", err)
	}
	sections, err := s.ports.Sections.Sections(ctx, e.From, e.Until)
	if err != nil {
		return Packed{}, fmt.Errorf("make a pack: %w", err)
	}
	m := Manifest{Format: packFormat, Engagement: e.ID, From: e.From, Until: e.Until, At: s.w.Now()}
	digest, err := writePack(zip.NewWriter(out), &m, sections)
	if err != nil {
		return Packed{}, fmt.Errorf("make a pack of %s: %w", e.ID, err)
	}
	p := Packed{
		Head: platform.Head{ID: s.w.NewChild("apk", e.ID)}, Engagement: e.ID, From: e.From, Until: e.Until,
		Files: m.Files, Manifest: digest, At: m.At, By: by.ID,
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Packed, []platform.Change, error) {
		if _, _, err := s.field(ctx, in.Engagement); err != nil {
			return Packed{}, nil, err
		}
		facts := map[string]any{"from": p.From, "until": p.Until, "manifest": p.Manifest, "files": len(p.Files)}
		return p, []platform.Change{platform.Put(p), platform.Happened("audit.pack_made", p.Ref(), facts)}, nil
	})
}

// writePack writes sections and the manifest, whose digest it returns.
func writePack(z *zip.Writer, m *Manifest, sections []Section) (string, error) {
	for _, section := range sections {
		name := section.Name + ".jsonl"
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: m.At})
		if err != nil {
			return "", err
		}
		f, err := writeLines(w, section.Lines)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		f.Name = name
		m.Files = append(m.Files, f)
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: manifestFile, Method: zip.Deflate, Modified: m.At})
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", err
	}
	if _, err := w.Write(text); err != nil {
		return "", err
	}
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:]), z.Close()
}

// counter counts and hashes what is written.
type counter struct {
	sum   hash.Hash
	bytes int64
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return c.sum.Write(p)
}

func writeLines(w io.Writer, lines iter.Seq2[any, error]) (File, error) {
	c := &counter{sum: sha256.New()}
	buffered := bufio.NewWriter(io.MultiWriter(w, c))
	encode := json.NewEncoder(buffered)
	f := File{}
	for line, err := range lines {
		if err != nil {
			return f, err
		}
		if err := encode.Encode(line); err != nil {
			return f, err
		}
		f.Lines++
	}
	err := buffered.Flush()
	f.Bytes, f.SHA256 = c.bytes, hex.EncodeToString(c.sum.Sum(nil))
	return f, err
}

// Packs is a page of the packs that were made for an engagement.
func (s *Service) Packs(ctx context.Context, engagement platform.ID, cursor string) (platform.Page[Packed], error) {
	return listed[Packed](ctx, s, packKind, engagement, cursor)
}
