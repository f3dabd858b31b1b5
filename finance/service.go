package finance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Service carries out the commands of the books. It may be used by several
// goroutines at once.
type Service struct {
	w     platform.Writer
	books Books
	zone  *time.Location
}

// Options of a service.
type Options struct {
	Zone *time.Location // in which dates and months are meant; if nil, UTC
}

// New is the service over a store.
func New(w platform.Writer, store Store, o *Options) *Service {
	w = w.Ready()
	if o == nil {
		o = &Options{}
	}
	zone := cmp.Or(o.Zone, time.UTC)
	return &Service{w: w, books: Books{Store: store, Tenant: w.Tenant, Now: w.Now, Zone: zone}, zone: zone}
}

// Tick ends the holds whose due is over, and numbers what was booked a second
// ago and longer. It is a [platform.Ticker].
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx = platform.WithoutKey(platform.As(ctx, platform.SystemActor("ledger")))
	expired, err := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[Pending], error) {
		return s.books.Store.Due(ctx, now, cursor)
	}, func(p Pending) error { return s.expire(ctx, p.ID) })
	if err != nil {
		err = fmt.Errorf("expire holds: %w", err)
	}
	err = errors.Join(err, s.fence(ctx))
	numbered, failed := s.number(ctx, now, platform.TickLimit(limit))
	switch {
	case errors.Is(failed, errNumbered), errors.Is(failed, platform.ErrConflict): // somebody else did it
	case failed != nil:
		err = errors.Join(err, fmt.Errorf("number postings: %w", failed))
	}
	return expired + numbered, err
}

type expire struct {
	Pending platform.ID `json:"pending"`
}

// expire ends one hold.
func (s *Service) expire(ctx context.Context, id platform.ID) error {
	_, err := platform.Update(ctx, s.w, expire{id}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		p, err := s.books.Store.Pending(ctx, id)
		if err != nil {
			return struct{}{}, nil, err
		}
		set, err := p.Expire(s.w.Now())
		if err != nil {
			return struct{}{}, nil, err
		}
		return struct{}{}, append(set, platform.Happened("pending.expired", p.Ref(), nil)), nil
	})
	return err
}
