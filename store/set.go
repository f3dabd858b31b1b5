package store

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/liangding/platform"
)

// Prepared is a set that was found sound, with its documents encoded: what
// [Decide] takes. Preparing needs no state and happens in the caller's own
// goroutine.
type Prepared struct {
	Key    platform.Key
	Answer platform.Answer
	Steps  []Step
}

// Step is one change with its encoded document.
type Step struct {
	platform.Change
	Row   *Row            // Create, Replace, Append
	Event *platform.Event // Append
}

// Prepare checks and encodes a set. It fails with ErrInvalid, before any I/O,
// when the set could never be committed.
func (k *Kinds) Prepare(set platform.Set) (Prepared, error) {
	if len(set.Changes) == 0 {
		return Prepared{}, ErrSetEmpty
	}
	if len(set.Changes) > MaxChanges {
		return Prepared{}, ErrSetTooLarge
	}
	if !keySound(set.Key) {
		return Prepared{}, ErrKey
	}
	p := Prepared{Key: set.Key, Answer: set.Answer, Steps: make([]Step, len(set.Changes))}
	seen := make(map[platform.Ref]bool, len(set.Changes))
	var events, derived int
	size := len(set.Answer.Body)
	for i, c := range set.Changes {
		step, err := k.step(c)
		if err != nil {
			return Prepared{}, err
		}
		if c.Op != platform.Add && seen[c.Ref] {
			return Prepared{}, fmt.Errorf("%s: %w", c.Ref, ErrSetTwice)
		}
		seen[c.Ref] = true
		switch {
		case c.Op == platform.Append:
			events++
		case c.Op != platform.Add && k.byName[c.Ref.Kind].Derived:
			derived++
		}
		if step.Row != nil {
			size += len(step.Row.Doc)
		}
		p.Steps[i] = step
	}
	switch {
	case size > MaxSet:
		return Prepared{}, ErrSetTooLarge
	case derived > 0 && derived < len(set.Changes):
		return Prepared{}, ErrSetMixed
	case derived == 0 && events == 0:
		return Prepared{}, ErrSetNoEvent
	}
	return p, nil
}

// Ended is why a call may not go on: the error of a ctx that is over, or
// ErrInvalid, code ctx.missing, for a nil one.
func Ended(ctx context.Context) error {
	if ctx == nil {
		return ErrNoContext
	}
	return ctx.Err()
}

// keySound tells whether a key is none, or a scope with a name as WithKey
// demands it.
func keySound(k platform.Key) bool {
	if k == (platform.Key{}) {
		return true
	}
	hidden := strings.ContainsFunc(k.Name, func(r rune) bool { return r < '!' || r > '~' })
	return isName(k.Scope) && isName(k.Name) && !hidden
}

// isName tells whether a text can name something in every engine: 1 to 255 bytes
// of UTF-8 without control characters.
func isName(text string) bool {
	return text != "" && len(text) <= 255 && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func (k *Kinds) step(c platform.Change) (Step, error) {
	s := Step{Change: c}
	var err error
	switch c.Op {
	case platform.Append:
		return k.event(c)
	case platform.Add:
		if c.Ref.Kind != Counter || !isName(string(c.Ref.ID)) || c.Delta == 0 || c.Delta == math.MinInt64 {
			return s, fmt.Errorf("add %d to %s: %w", c.Delta, c.Ref, ErrChange)
		}
		return s, nil
	case platform.Create:
		if c.Version != 0 {
			return s, fmt.Errorf("create %s at version %d: %w", c.Ref, c.Version, ErrChange)
		}
	case platform.Replace, platform.Check, platform.Delete:
		if c.Version <= 0 {
			return s, fmt.Errorf("change %s at version %d: %w", c.Ref, c.Version, ErrChange)
		}
	default:
		return s, fmt.Errorf("operation %d on %s: %w", c.Op, c.Ref, ErrChange)
	}
	if err := k.named(c.Ref); err != nil {
		return s, err
	}
	if c.Op == platform.Create || c.Op == platform.Replace {
		if s.Row, err = k.Row(c.Ref, c.Version+1, c.Value); err == nil {
			err = k.rooted(c)
		}
	}
	return s, err
}

// named checks that a record has a kind that may be written and an id of it.
func (k *Kinds) named(ref platform.Ref) error {
	kind, err := k.Kind(ref.Kind)
	if err != nil {
		return err
	}
	if ref.Kind == Event || ref.Kind == Counter || ref.Kind == Movement {
		return fmt.Errorf("write %s by hand: %w", ref, ErrKind)
	}
	if _, err := platform.ParseID(string(ref.ID)); err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	if ref.ID.Prefix() != kind.Prefix {
		return fmt.Errorf("%s: %w", ref, ErrPrefix)
	}
	return nil
}

func (k *Kinds) rooted(c platform.Change) error {
	kind := k.byName[c.Ref.Kind]
	if kind.Root == "" {
		return nil
	}
	root, err := kind.RootOf(c.Value)
	if err != nil {
		return err
	}
	if root.Slot() != c.Ref.ID.Slot() || root == "" {
		return fmt.Errorf("%s under %s %s: %w", c.Ref, kind.Root, root, ErrSlot)
	}
	return nil
}

func (k *Kinds) event(c platform.Change) (Step, error) {
	s := Step{Change: c}
	e, ok := c.Value.(platform.Event)
	if _, err := platform.ParseID(string(e.ID)); !ok || err != nil || c.Ref.Kind != Event || c.Ref.ID != e.ID || e.ID.Prefix() != "evt" || e.Type == "" ||
		e.Subject.Kind == "" || e.Subject.ID == "" || e.Actor.ID == "" || e.Actor.Kind == "" || !inTime(e.At) {
		return s, fmt.Errorf("append %s: %w", c.Ref, ErrEvent)
	}
	if e.ID.Slot() != e.Subject.ID.Slot() {
		return s, fmt.Errorf("append %s about %s: %w", c.Ref, e.Subject, ErrEventSlot)
	}
	s.Event = &e
	var err error
	s.Row, err = k.Row(c.Ref, 1, e)
	return s, err
}
