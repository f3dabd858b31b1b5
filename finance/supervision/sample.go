package supervision

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// Seed is a published seed: it is on record before anything is drawn by it.
type Seed struct {
	platform.Head
	Engagement platform.ID `json:"engagement" class:"internal"`
	Month      string      `json:"month" class:"internal"`
	Root       string      `json:"root" class:"internal"` // of the month's close
	Nonce      string      `json:"nonce" class:"internal"`
	Value      string      `json:"value" class:"internal"` // in hex
	At         time.Time   `json:"at" class:"internal"`
	By         platform.ID `json:"by" class:"internal"`
}

// Ref names the seed.
func (s Seed) Ref() platform.Ref { return platform.Ref{Kind: seedKind, ID: s.ID} }

// PublishSeed fixes the seed of the samples of a month.
type PublishSeed struct {
	Engagement platform.ID `json:"engagement" validate:"required,id=eng"`
	Month      string      `json:"month" validate:"required,datetime=2006-01"`
	Nonce      string      `json:"nonce" validate:"required,min=16,max=128,printascii"`
}

// Subject is the engagement.
func (in PublishSeed) Subject() platform.Ref { return engagementRef(in.Engagement) }

// PublishSeed publishes the seed that follows from a month's close and the
// auditor's nonce. Admitted auditors may, and supervisors in their name. It fails
// with ErrNotClosed while the month can change.
func (s *Service) PublishSeed(ctx context.Context, in PublishSeed) (Seed, error) {
	if s.ports.Closes == nil {
		return Seed{}, ErrSource
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Seed, []platform.Change, error) {
		e, by, err := s.field(ctx, in.Engagement)
		if err != nil {
			return Seed{}, nil, fmt.Errorf("publish a seed: %w", err)
		}
		root, err := s.ports.Closes.Closed(ctx, in.Month)
		if err == nil && root == "" {
			err = fmt.Errorf("publish a seed of %s: %w", in.Month, ErrNotClosed)
		}
		if err != nil {
			return Seed{}, nil, err
		}
		value := SeedOf(root, in.Nonce)
		seed := Seed{
			Head: platform.Head{ID: derived("ssd", e.ID, string(e.ID), in.Month, root, in.Nonce)}, Engagement: e.ID, Month: in.Month,
			Root: root, Nonce: in.Nonce, Value: hex.EncodeToString(value[:]), At: s.w.Now(), By: by.ID,
		}
		facts := map[string]any{"month": seed.Month, "root": seed.Root, "nonce": seed.Nonce, "seed": seed.Value}
		return seed, []platform.Change{platform.Unchanged(e), platform.Put(seed), platform.Happened("audit.seed_published", seed.Ref(), facts)}, nil
	})
}

// Sample is what was drawn. It is never changed.
type Sample struct {
	platform.Head
	Engagement platform.ID    `json:"engagement" class:"internal"`
	Seed       platform.ID    `json:"seed" class:"internal"`
	Month      string         `json:"month" class:"internal"`
	Method     Method         `json:"method" class:"internal"`
	N          int            `json:"n" class:"internal"`
	Interval   platform.Money `json:"interval,omitzero" class:"internal"` // of a monetary sample
	Units      []Unit         `json:"units" class:"internal"`
	Digest     string         `json:"digest" class:"internal"` // SHA-256 of the names, a line each
	At         time.Time      `json:"at" class:"internal"`
	By         platform.ID    `json:"by" class:"internal"`
}

// Ref names the sample.
func (s Sample) Ref() platform.Ref { return platform.Ref{Kind: sampleKind, ID: s.ID} }

// DrawSample draws by a published seed.
type DrawSample struct {
	Engagement platform.ID `json:"engagement" validate:"required,id=eng"`
	Seed       platform.ID `json:"seed" validate:"required,id=ssd"`
	Method     Method      `json:"method" validate:"oneof=random stratified monetary"`
	N          int         `json:"n" validate:"min=1,max=500"`
	Currency   string      `json:"currency,omitempty" validate:"required_if=Method monetary,max=3"`
}

// Subject is the engagement.
func (in DrawSample) Subject() platform.Ref { return engagementRef(in.Engagement) }

// DrawSample draws a sample of what was booked in the seed's month. Admitted
// auditors may, and supervisors. The same again is the same sample, a year later,
// too: its id follows from seed, method and size. It reads the month twice.
func (s *Service) DrawSample(ctx context.Context, in DrawSample) (Sample, error) {
	if err := platform.Validate(in); err != nil {
		return Sample{}, err
	}
	e, by, err := s.field(ctx, in.Engagement)
	if err != nil {
		return Sample{}, fmt.Errorf("draw a sample: %w", err)
	}
	seed, err := platform.Read[Seed](ctx, s.db, seedKind, in.Seed)
	if err == nil && (seed.Engagement != e.ID || s.ports.Population == nil) {
		err = platform.NotFound(platform.Ref{Kind: seedKind, ID: in.Seed})
	}
	if err != nil {
		return Sample{}, err
	}
	drawn := Sample{
		Head: platform.Head{ID: derived("smp", e.ID, string(seed.ID), string(in.Method), strconv.Itoa(in.N), in.Currency)}, Engagement: e.ID, Seed: seed.ID,
		Month: seed.Month, Method: in.Method, N: in.N, At: s.w.Now(), By: by.ID,
	}
	if err := s.pick(ctx, &drawn, seed, in); err != nil {
		return Sample{}, fmt.Errorf("draw a sample of %s: %w", seed.Month, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Sample, []platform.Change, error) {
		known, exists, err := maybe[Sample](ctx, s.db, sampleKind, drawn.ID)
		if err != nil || exists && known.Digest != drawn.Digest {
			return Sample{}, nil, cmp.Or(err, ErrSample)
		}
		if _, _, err := s.field(ctx, in.Engagement); err != nil {
			return Sample{}, nil, err
		}
		facts := map[string]any{"seed": seed.Value, "method": in.Method, "n": in.N, "digest": drawn.Digest}
		event := platform.Happened("audit.sample_drawn", drawn.Ref(), facts)
		if exists {
			return known, []platform.Change{platform.Unchanged(known), event.Because("again")}, nil
		}
		return drawn, []platform.Change{platform.Put(drawn), event}, nil
	})
}

// pick fills a sample.
func (s *Service) pick(ctx context.Context, to *Sample, seed Seed, in DrawSample) error {
	var value [32]byte
	if _, err := hex.Decode(value[:], []byte(seed.Value)); err != nil {
		return ErrSample
	}
	d := Draw{Method: in.Method, N: in.N}
	if in.Currency != "" {
		c, err := platform.ParseCurrency(in.Currency)
		if err != nil {
			return err
		}
		d.Currency = c
	}
	picked, interval, err := Select(value, d, func() iter.Seq2[Unit, error] { return s.units(ctx, seed.Month) })
	if err != nil {
		return err
	}
	if interval > 0 {
		if to.Interval, err = platform.FromMinor(interval, d.Currency); err != nil {
			return err
		}
	}
	names := sha256.New()
	for _, u := range picked {
		_, _ = fmt.Fprintln(names, u.Ref) // a hash takes everything
	}
	to.Units, to.Digest = picked, hex.EncodeToString(names.Sum(nil))
	return nil
}

// units walks the population of a month.
func (s *Service) units(ctx context.Context, month string) iter.Seq2[Unit, error] {
	return func(yield func(Unit, error) bool) {
		for cursor := ""; ; {
			page, err := s.ports.Population.Units(ctx, month, cursor)
			if err != nil {
				yield(Unit{}, err)
				return
			}
			for _, u := range page.Items {
				if !yield(u, nil) {
					return
				}
			}
			if cursor = page.Next; cursor == "" {
				return
			}
		}
	}
}

// Seeds is a page of the seeds of an engagement.
func (s *Service) Seeds(ctx context.Context, engagement platform.ID, cursor string) (platform.Page[Seed], error) {
	return listed[Seed](ctx, s, seedKind, engagement, cursor)
}

// Samples is a page of the samples of an engagement.
func (s *Service) Samples(ctx context.Context, engagement platform.ID, cursor string) (platform.Page[Sample], error) {
	return listed[Sample](ctx, s, sampleKind, engagement, cursor)
}
