package care

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Orders knows what was sold. order.Sales is one.
type Orders interface {
	// Sale returns who sold an order to whom and when it was completed, as JSON
	// {customer, merchant, completed}, the last absent until then; and a check
	// that holds the order as it is. It fails with ErrNotFound.
	Sale(ctx context.Context, order platform.ID) (sale json.RawMessage, checks []platform.Change, err error)
}

// Ports are what care needs of others.
type Ports struct {
	Orders Orders
	Sealer platform.Sealer // if nil, texts are refused, scores are kept
}

// Options are the defaults of the domain.
type Options struct {
	Window time.Duration // to review an order, from its completion; if zero, 30 days
}

// Service carries out the commands. It may be used by several goroutines at
// once.
type Service struct {
	w       platform.Writer
	store   Store
	ports   Ports
	options Options
}

// New makes the service. Nil options mean the defaults. It panics, since that is
// a mistake in the wiring, without Ports.Orders and with a window that is
// negative or over 400 days.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	if ports.Orders == nil {
		panic("care: New needs Orders")
	}
	var options Options
	if opts != nil {
		options = *opts
	}
	if options.Window == 0 {
		options.Window = 30 * 24 * time.Hour
	}
	if options.Window < 0 || options.Window > 400*24*time.Hour {
		panic("care: New: a window is above 0 and at most 400 days")
	}
	return &Service{w: w.Ready(), store: store, ports: ports, options: options}
}

// sale is an order as [Orders] tells of it.
type sale struct {
	Customer  platform.ID `json:"customer"`
	Merchant  platform.ID `json:"merchant"`
	Completed time.Time   `json:"completed"`
	checks    []platform.Change
}

func (s *Service) sale(ctx context.Context, order platform.ID) (sale, error) {
	doc, checks, err := s.ports.Orders.Sale(ctx, order)
	if err != nil {
		return sale{}, err
	}
	found := sale{checks: slices.Clip(checks)}
	if err := json.Unmarshal(doc, &found); err != nil {
		return sale{}, fmt.Errorf("read order %s: %w", order, errSale)
	}
	return found, nil
}

// admit finds who acts, if of one of the kinds, and what is wrong with the input.
// Texts are sealed before anything is decided: what is refused whatever is stored
// is refused before that.
func (s *Service) admit(ctx context.Context, in any, kinds ...platform.ActorKind) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return by, err
	}
	if !slices.Contains(kinds, by.Kind) {
		return by, errActor
	}
	return by, platform.Validate(in)
}

// sealed is a text as it may be stored. It is the customer's own.
func (s *Service) sealed(ctx context.Context, customer platform.ID, record platform.Ref, text string) (platform.Sealed, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if s.ports.Sealer == nil {
		return nil, fmt.Errorf("keep text of %s: %w", record, errNoSealer)
	}
	subject := platform.Ref{Kind: "customer", ID: customer}
	return s.ports.Sealer.Seal(ctx, platform.Place{Subject: subject, Record: record, Field: "text"}, text)
}

// Store is where reviews and feedback are read.
type Store interface {
	// Review reads one review, or fails with ErrNotFound.
	Review(ctx context.Context, id platform.ID) (Review, error)
	// Reviews lists the reviews of a merchant, the newest first.
	Reviews(ctx context.Context, merchant platform.ID, cursor string) (platform.Page[Review], error)
	// Feedback lists what was kept of an order, the oldest first.
	Feedback(ctx context.Context, order platform.ID, cursor string) (platform.Page[Feedback], error)
}

// Kinds are the records of care, as an engine must know them.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Review]{
			Name: "care.review", Prefix: "rvw", Root: "order", RootOf: func(r Review) platform.ID { return r.Order },
			Columns: func(r Review) []platform.Column {
				return []platform.Column{{Name: "merchant", Value: r.Merchant}, {Name: "at", Value: r.At}}
			},
			Indexes: []platform.Index{{By: []string{"merchant", "at"}}},
		}.Kind(),
		platform.Shape[Feedback]{
			Name: "care.feedback", Prefix: "fbk", Root: "order", RootOf: func(f Feedback) platform.ID { return f.Order },
			Columns: func(f Feedback) []platform.Column {
				return []platform.Column{{Name: "order", Value: f.Order}, {Name: "reason", Value: f.Reason}, {Name: "at", Value: f.At}}
			},
			Indexes: []platform.Index{{By: []string{"order", "at"}}, {By: []string{"reason", "at"}}},
		}.Kind(),
	}
}

// StoreOn reads from any engine that knows [Kinds].
func StoreOn(db platform.DB) Store { return records{db} }

type records struct{ db platform.Getter }

func (r records) Review(ctx context.Context, id platform.ID) (Review, error) {
	return platform.Read[Review](ctx, r.db, "care.review", id)
}

func (r records) Reviews(ctx context.Context, merchant platform.ID, cursor string) (platform.Page[Review], error) {
	q := platform.Query{Kind: "care.review", By: []string{"merchant", "at"}, Equal: []any{merchant}, Backward: true, Cursor: cursor}
	return platform.List[Review](ctx, r.db, q)
}

func (r records) Feedback(ctx context.Context, order platform.ID, cursor string) (platform.Page[Feedback], error) {
	q := platform.Query{Kind: "care.feedback", By: []string{"order", "at"}, Equal: []any{order}, Cursor: cursor}
	return platform.List[Feedback](ctx, r.db, q)
}

// missing tells whether a read found nothing, as opposed to failing.
func missing(err error) bool { return errors.Is(err, platform.ErrNotFound) }
