package payment

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/liangding/platform"
)

// Store is what payment reads. Records that are not there are ErrNotFound.
type Store interface { //nolint:interfacebloat // one room's reads
	Intent(ctx context.Context, id platform.ID) (Intent, error)
	Attempt(ctx context.Context, id platform.ID) (Attempt, error)
	Return(ctx context.Context, id platform.ID) (Return, error)
	Chargeback(ctx context.Context, id platform.ID) (Chargeback, error)

	// Attempts are those of these ids, in the order asked, in one trip; none of
	// none.
	Attempts(ctx context.Context, ids ...platform.ID) ([]Attempt, error)

	// Named are attempts that an institution knows by this name of its own, ten at
	// most.
	Named(ctx context.Context, institution, reference string) ([]Attempt, error)

	// Found are those of the records that exist, in one trip.
	Found(ctx context.Context, refs ...platform.Ref) (Records, error)

	// Sharings is a page of those of a subject, or in a state.
	Sharings(ctx context.Context, q SharingQuery) (platform.Page[Sharing], error)

	// Chargebacks is a page of those in a state.
	Chargebacks(ctx context.Context, state ChargebackState, cursor string) (platform.Page[Chargeback], error)

	// Queue is a page of what waits for operators.
	Queue(ctx context.Context, cursor string) (platform.Page[Task], error)

	// Due is a page of the records of a kind that are due at now, in any order.
	// It is a hint: what it leads to is decided on what is read then.
	Due(ctx context.Context, kind string, now time.Time, cursor string) (platform.Page[platform.Stored], error)

	// DueAt is Due of one institution; without a name, of what calls nobody, which
	// is all of a kind that knows no institutions.
	DueAt(ctx context.Context, kind, institution string, now time.Time, cursor string) (platform.Page[platform.Stored], error)
}

// Records are some of payment, each kind in the order asked.
type Records struct {
	Intents     []Intent
	Attempts    []Attempt
	Returns     []Return
	Notices     []Received
	Chargebacks []Chargeback

	Institutions []Institution
	Recipients   []Recipient
	Sharings     []Sharing
}

// SharingQuery says which sharings: those of a subject if it names one, or else
// those in a state.
type SharingQuery struct {
	Subject platform.Ref
	State   SharingState
	Cursor  string
}

// StoreOn is the store on an engine.
func StoreOn(db platform.Getter) Store { return store{db} }

// Kinds are the records that this package writes.
func Kinds() []platform.Kind {
	subject, state, due := platform.Index{By: []string{"subject"}}, platform.Index{By: []string{"state"}}, platform.Index{By: []string{"due"}, Sparse: true}
	lane := platform.Index{By: []string{"institution", "due"}, Sparse: true}
	return []platform.Kind{
		platform.Shape[Intent]{
			Name: "payment.intent", Prefix: "int", Root: "order",
			RootOf:  func(i Intent) platform.ID { return i.Subject.ID },
			Columns: func(i Intent) []platform.Column { return columns(i.Subject, i.State, i.timer()) },
			Indexes: []platform.Index{subject, state, due},
		}.Kind(),
		platform.Shape[Attempt]{
			Name: "payment.attempt", Prefix: "att", Root: "order",
			RootOf: func(a Attempt) platform.ID { return a.Subject.ID },
			Columns: func(a Attempt) []platform.Column {
				return append(columns(a.Subject, a.State, a.Due), platform.Column{Name: "institution", Value: a.Institution}, platform.Column{Name: "reference", Value: a.Reference}, platform.Column{Name: "alert", Value: a.alert()})
			},
			Indexes: []platform.Index{subject, state, due, lane, {By: []string{"alert"}, Sparse: true}, {By: []string{"institution", "reference"}, Sparse: true}},
			Unique:  Attempt.claims,
		}.Kind(),
		platform.Shape[Return]{
			Name: "payment.return", Prefix: "rtn", Root: "order",
			RootOf: func(r Return) platform.ID { return r.Subject.ID },
			Columns: func(r Return) []platform.Column {
				at := ""
				if len(r.Parts) > 0 { // kinds are tried with empty records
					at = r.Part().Institution
				}
				return append(columns(r.Subject, r.State, r.Due), laneOf(at))
			},
			Indexes: []platform.Index{subject, state, due, lane},
		}.Kind(),
		platform.Shape[Chargeback]{
			Name: "payment.chargeback", Prefix: "cbk", Root: "order",
			RootOf: func(c Chargeback) platform.ID { return c.Subject.ID },
			Columns: func(c Chargeback) []platform.Column {
				return append(columns(c.Subject, c.State, c.Due), laneOf(c.Institution))
			},
			Indexes: []platform.Index{subject, state, due, lane},
		}.Kind(),
		platform.Shape[Institution]{
			Name: "payment.institution", Prefix: "ins",
			Columns: func(i Institution) []platform.Column { return []platform.Column{{Name: "due", Value: i.Due}} },
			Indexes: []platform.Index{due},
		}.Kind(),
		platform.Shape[Sharing]{
			Name: sharingKind, Prefix: "spl", Root: "order",
			RootOf: func(h Sharing) platform.ID { return h.Subject.ID },
			Columns: func(h Sharing) []platform.Column {
				return append(columns(h.Subject, h.State, h.Due), laneOf(h.Institution))
			},
			Indexes: []platform.Index{subject, state, due, lane},
		}.Kind(),
		platform.Shape[Recipient]{
			Name: recipientKind, Prefix: "rcp",
			Columns: func(r Recipient) []platform.Column {
				return []platform.Column{{Name: "due", Value: r.Due}, laneOf(r.Institution)}
			},
			Indexes: []platform.Index{due, lane},
		}.Kind(),
		platform.Shape[Received]{
			Name: "payment.notice", Prefix: "ntc",
			Columns: func(n Received) []platform.Column {
				return []platform.Column{{Name: "state", Value: n.State}, {Name: "due", Value: n.Due}, laneOf(n.Institution)}
			},
			Indexes: []platform.Index{state, due, lane},
		}.Kind(),
	}
}

func columns(subject platform.Ref, state any, due time.Time) []platform.Column {
	return []platform.Column{{Name: "subject", Value: subject}, {Name: "state", Value: state}, {Name: "due", Value: due}}
}

// laneOf is the institution by which what is due is found; what calls nobody has
// a lane of its own, since no name is null.
func laneOf(institution string) platform.Column {
	return platform.Column{Name: "institution", Value: cmp.Or(institution, nobody)}
}

const nobody = "*" // no institution has this name

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

func (s store) Chargeback(ctx context.Context, id platform.ID) (Chargeback, error) {
	return platform.Read[Chargeback](ctx, s.db, "payment.chargeback", id)
}

func (s store) Sharings(ctx context.Context, in SharingQuery) (platform.Page[Sharing], error) {
	q := platform.Query{Kind: sharingKind, By: []string{"state"}, Equal: []any{in.State}, Limit: 50, Cursor: in.Cursor}
	if in.Subject != (platform.Ref{}) {
		q.By, q.Equal, q.Limit = []string{"subject"}, []any{in.Subject}, 500
	}
	return platform.List[Sharing](ctx, s.db, q)
}

func (s store) Chargebacks(ctx context.Context, state ChargebackState, cursor string) (platform.Page[Chargeback], error) {
	return platform.List[Chargeback](ctx, s.db, platform.Query{Kind: "payment.chargeback", By: []string{"state"}, Equal: []any{state}, Limit: 50, Cursor: cursor})
}

func (s store) Attempts(ctx context.Context, ids ...platform.ID) ([]Attempt, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return platform.ReadAll[Attempt](ctx, s.db, "payment.attempt", ids...)
}

func (s store) Named(ctx context.Context, institution, reference string) ([]Attempt, error) {
	page, err := platform.List[Attempt](ctx, s.db, platform.Query{Kind: "payment.attempt", By: []string{"institution", "reference"}, Equal: []any{institution, reference}, Limit: 10})
	return page.Items, err
}

func (s store) Found(ctx context.Context, refs ...platform.Ref) (Records, error) {
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return Records{}, err
	}
	of := map[string][]platform.Ref{}
	for _, r := range refs {
		of[r.Kind] = append(of[r.Kind], r)
	}
	intents, one := platform.Found[Intent](found, of["payment.intent"]...)
	attempts, two := platform.Found[Attempt](found, of["payment.attempt"]...)
	returns, three := platform.Found[Return](found, of["payment.return"]...)
	notices, four := platform.Found[Received](found, of["payment.notice"]...)
	chargebacks, five := platform.Found[Chargeback](found, of["payment.chargeback"]...)
	institutions, six := platform.Found[Institution](found, of["payment.institution"]...)
	recipients, seven := platform.Found[Recipient](found, of[recipientKind]...)
	sharings, eight := platform.Found[Sharing](found, of[sharingKind]...)
	return Records{intents, attempts, returns, notices, chargebacks, institutions, recipients, sharings}, errors.Join(one, two, three, four, five, six, seven, eight)
}

// asked names all that can be asked of a subject; most of it never is.
func asked(subject platform.Ref) []platform.Ref {
	refs := make([]platform.Ref, len(purposes))
	for i, p := range purposes {
		refs[i] = platform.Ref{Kind: "payment.intent", ID: IntentID(subject, p)}
	}
	return refs
}

func (s store) Due(ctx context.Context, kind string, now time.Time, cursor string) (platform.Page[platform.Stored], error) {
	until := now.Add(time.Microsecond) // the end is exclusive, and now itself is due
	return s.due(ctx, platform.Query{Kind: kind, By: []string{"due"}, Until: until, Limit: duePage, Cursor: cursor})
}

func (s store) DueAt(ctx context.Context, kind, institution string, now time.Time, cursor string) (platform.Page[platform.Stored], error) {
	if !laned(kind) {
		return s.Due(ctx, kind, now, cursor)
	}
	return s.due(ctx, platform.Query{
		Kind: kind, By: []string{"institution", "due"}, Equal: []any{cmp.Or(institution, nobody)},
		Until: now.Add(time.Microsecond), Limit: duePage, Cursor: cursor,
	})
}

const duePage = 100

// laned tells whether what is due of a kind belongs to institutions.
func laned(kind string) bool { return kind != "payment.intent" && kind != "payment.institution" }

func (s store) due(ctx context.Context, q platform.Query) (platform.Page[platform.Stored], error) {
	switch q.Kind {
	case "payment.attempt":
		return due[Attempt](ctx, s.db, q)
	case "payment.return":
		return due[Return](ctx, s.db, q)
	case "payment.institution":
		return due[Institution](ctx, s.db, q)
	case "payment.chargeback":
		return due[Chargeback](ctx, s.db, q)
	case sharingKind:
		return due[Sharing](ctx, s.db, q)
	case recipientKind:
		return due[Recipient](ctx, s.db, q)
	case "payment.notice":
		return due[Received](ctx, s.db, q)
	}
	return due[Intent](ctx, s.db, q)
}

func due[T platform.Stored](ctx context.Context, db platform.Getter, q platform.Query) (platform.Page[platform.Stored], error) {
	page, err := platform.List[T](ctx, db, q)
	all := platform.Page[platform.Stored]{Next: page.Next}
	for _, r := range page.Items {
		all.Items = append(all.Items, r)
	}
	return all, err
}
