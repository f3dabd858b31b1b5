package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Store is what payment reads. Records that are not there are ErrNotFound.
type Store interface {
	Intent(ctx context.Context, id platform.ID) (Intent, error)

	// Subject is all intents of a subject, as many as there are, together with
	// attempts of it by id, in the order asked. It is one trip.
	Subject(ctx context.Context, subject platform.Ref, attempts ...platform.ID) ([]Intent, []Attempt, error)

	Attempt(ctx context.Context, id platform.ID) (Attempt, error)
	Return(ctx context.Context, id platform.ID) (Return, error)
	Received(ctx context.Context, id platform.ID) (Received, error)

	// Due is a page of the records of a kind that are due at now, in any order.
	Due(ctx context.Context, kind string, now time.Time, cursor string) (platform.Page[platform.Ref], error)
}

// StoreOn is the store on an engine.
func StoreOn(db platform.Getter) Store { return store{db} }

// Kinds are the records that this package writes.
func Kinds() []platform.Kind {
	subject, state, due := platform.Index{By: []string{"subject"}}, platform.Index{By: []string{"state"}}, platform.Index{By: []string{"due"}, Sparse: true}
	return []platform.Kind{
		platform.Shape[Intent]{
			Name: "payment.intent", Prefix: "int", Root: "order",
			RootOf:  func(i Intent) platform.ID { return i.Subject.ID },
			Columns: func(i Intent) []platform.Column { return columns(i.Subject, i.State, i.timer()) },
			Indexes: []platform.Index{subject, state, due},
		}.Kind(),
		platform.Shape[Attempt]{
			Name: "payment.attempt", Prefix: "att", Root: "order",
			RootOf:  func(a Attempt) platform.ID { return a.Subject.ID },
			Columns: func(a Attempt) []platform.Column { return columns(a.Subject, a.State, a.Due) },
			Indexes: []platform.Index{subject, state, due},
			Unique:  Attempt.claims,
		}.Kind(),
		platform.Shape[Return]{
			Name: "payment.return", Prefix: "rtn", Root: "order",
			RootOf:  func(r Return) platform.ID { return r.Subject.ID },
			Columns: func(r Return) []platform.Column { return columns(r.Subject, r.State, r.Due) },
			Indexes: []platform.Index{subject, state, due},
		}.Kind(),
		platform.Shape[Received]{
			Name: "payment.notice", Prefix: "ntc",
			Columns: func(n Received) []platform.Column {
				return []platform.Column{{Name: "state", Value: n.State}, {Name: "due", Value: n.Due}}
			},
			Indexes: []platform.Index{state, due},
		}.Kind(),
	}
}

func columns(subject platform.Ref, state any, due time.Time) []platform.Column {
	return []platform.Column{{Name: "subject", Value: subject}, {Name: "state", Value: state}, {Name: "due", Value: due}}
}

type store struct{ db platform.Getter }

func (s store) Intent(ctx context.Context, id platform.ID) (Intent, error) {
	return platform.Read[Intent](ctx, s.db, "payment.intent", id)
}

func (s store) Attempt(ctx context.Context, id platform.ID) (Attempt, error) {
	return platform.Read[Attempt](ctx, s.db, "payment.attempt", id)
}

func (s store) Return(ctx context.Context, id platform.ID) (Return, error) {
	return platform.Read[Return](ctx, s.db, "payment.return", id)
}

func (s store) Received(ctx context.Context, id platform.ID) (Received, error) {
	return platform.Read[Received](ctx, s.db, "payment.notice", id)
}

func (s store) Subject(ctx context.Context, subject platform.Ref, attempts ...platform.ID) ([]Intent, []Attempt, error) {
	refs := make([]platform.Ref, 0, len(purposes)+len(attempts))
	for _, p := range purposes {
		refs = append(refs, platform.Ref{Kind: "payment.intent", ID: IntentID(subject, p)})
	}
	for _, id := range attempts {
		refs = append(refs, platform.Ref{Kind: "payment.attempt", ID: id})
	}
	found, err := platform.Lookup(ctx, s.db, refs...) // most purposes have no intent
	if err != nil {
		return nil, nil, err
	}
	asked, err := platform.Found[Intent](found, refs[:len(purposes)]...)
	if err != nil {
		return nil, nil, err
	}
	tried, err := platform.Found[Attempt](found, refs[len(purposes):]...)
	if err == nil && len(tried) != len(attempts) {
		err = fmt.Errorf("attempts of %s: %w", subject, platform.ErrNotFound)
	}
	return asked, tried, err
}

func (s store) Due(ctx context.Context, kind string, now time.Time, cursor string) (platform.Page[platform.Ref], error) {
	until := now.Add(time.Microsecond) // the end is exclusive, and now itself is due
	page, err := s.db.Scan(ctx, platform.Query{Kind: kind, By: []string{"due"}, Until: until, Limit: 100, Cursor: cursor})
	if err != nil {
		return platform.Page[platform.Ref]{}, err
	}
	due := platform.Page[platform.Ref]{Next: page.Next}
	for _, r := range page.Items {
		due.Items = append(due.Items, r.Ref)
	}
	return due, nil
}
