package market

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store"
)

// Drill is a backup that was restored and proved, to know what a loss would
// cost before there is one.
type Drill struct {
	Backup   string    `json:"backup,omitempty"` // SHA-256 of its segments
	Lines    int64     `json:"lines,omitempty"`
	Until    time.Time `json:"until,omitzero"`        // the newest event in it
	Age      float64   `json:"age_seconds,omitempty"` // from Until to the drill: what would be lost
	Restore  float64   `json:"restore_seconds,omitempty"`
	Verify   float64   `json:"verify_seconds,omitempty"`
	Opened   int       `json:"opened,omitempty"` // sealed values that open with the keys of today
	Erased   int       `json:"erased,omitempty"` // those that do not, since their subject was erased
	Findings int       `json:"findings"`
	Failure  string    `json:"failure,omitempty"` // code; empty when the backup could be restored and read
}

// Drilled is what the events of drills are about.
var Drilled = platform.Ref{Kind: "backup", ID: "drill"}

var errOther = platform.Err(platform.ErrInvalid, "drill.other_log", "the backup is of another market, or of one that was rewritten", "备份属于另一平台或已被改写")

// Drill restores a backup into a scratch store, proves it as [Market.Verify]
// does, with findings told, and that this market's audit log goes on from its.
// What is sealed in it must open with the keys of today, except what belongs to
// people who were erased, which must not.
// Whatever came of it is recorded here as the event backup.drilled. It fails as
// store.Restore does.
func (m *Market) Drill(ctx context.Context, backup io.Reader, scratch store.Engine, tell func(store.Finding)) (Drill, error) {
	var d Drill
	err := m.drill(ctx, backup, scratch, &d, func(f store.Finding) {
		d.Findings++
		tell(f)
	})
	if err != nil {
		d.Failure = platform.Code(err)
	}
	_, failed := platform.Update(platform.As(ctx, platform.SystemActor("drill")), m.Writer, d, func(context.Context) (Drill, []platform.Change, error) {
		return d, []platform.Change{platform.Happened("backup.drilled", Drilled, d)}, nil
	})
	return d, errors.Join(err, failed)
}

func (m *Market) drill(ctx context.Context, backup io.Reader, scratch store.Engine, d *Drill, tell func(store.Finding)) error {
	began := time.Now()
	manifest, err := store.Restore(ctx, scratch, backup)
	if err != nil {
		return err
	}
	d.Restore = time.Since(began).Seconds()
	d.Backup, d.Lines, d.Until = manifest.SHA256, manifest.Lines(), manifest.Until
	d.Age = m.Writer.Now().Sub(manifest.Until).Seconds()
	restored, err := Open(scratch, &Options{Now: m.Writer.Now, Secret: m.options.Secret, Keys: m.options.Keys, KEK: m.options.KEK, Name: m.Verifier.Name()})
	if err != nil {
		return err
	}
	defer func() { _ = restored.Close() }()
	began = time.Now()
	seen, err := restored.Verify(ctx, tell)
	if err != nil {
		return err
	}
	if err := m.opened(ctx, scratch, d, tell); err != nil {
		return err
	}
	d.Verify = time.Since(began).Seconds()
	if manifest.Tree.Size == 0 || !bytes.Equal(manifest.Tree.Root, seen.Root[:]) {
		return nil // nothing to go on from, or told already
	}
	return m.extends(ctx, audit.Head{Size: manifest.Tree.Size, Root: seen.Root})
}

// extends demands that a log is the beginning of this market's.
func (m *Market) extends(ctx context.Context, old audit.Head) error {
	other := fmt.Errorf("%d events in the log of the backup: %w", old.Size, errOther)
	proof, signed, err := m.Audit.Consistency(ctx, old.Size)
	if errors.Is(err, audit.ErrProof) {
		return other
	}
	if err != nil {
		return err
	}
	if now, err := signed.Open(m.Verifier); err != nil || now.Extends(old, proof) != nil {
		return other
	}
	return nil
}
