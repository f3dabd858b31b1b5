package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Dir is a [Journal] of files: "newest", and the first of every day by its date
// in UTC, which is never written again. It belongs outside the platform's control:
// on a share of somebody else, or one that keeps versions.
type Dir string

// Keep implements [Journal].
func (d Dir) Keep(_ context.Context, s Signed) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	day := filepath.Join(string(d), s.At.UTC().Format(time.DateOnly))
	if _, err := os.Stat(day); errors.Is(err, fs.ErrNotExist) {
		if err := replace(day, s.Note); err != nil {
			return fmt.Errorf("keep checkpoint of the day: %w", err)
		}
	}
	if err := replace(d.newest(), s.Note); err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	return nil
}

// Newest is the checkpoint kept last, or none.
func (d Dir) Newest() (Checkpoint, error) {
	c, err := os.ReadFile(d.newest())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return c, err
}

func (d Dir) newest() string { return filepath.Join(string(d), "newest") }
