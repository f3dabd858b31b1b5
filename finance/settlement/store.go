package settlement

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/liangding/platform"
)

const (
	accountKind   = "settlement.account"
	detailsKind   = "settlement.details"
	statementKind = "settlement.statement"
	runKind       = "settlement.run"
	payoutKind    = "settlement.payout"
	fileKind      = "settlement.file"
	reserveKind   = "settlement.reserve"
)

// pageSize is how many records a sweep reads at once.
const pageSize = 500

// Kinds are the records that this package writes. All of a party lie in its slot.
func Kinds() []platform.Kind {
	due := platform.Index{By: []string{"due"}, Sparse: true}
	col := func(name string, value any) platform.Column { return platform.Column{Name: name, Value: value} }
	return []platform.Kind{
		platform.Shape[Account]{
			Name: accountKind, Prefix: "pac",
			Columns: func(a Account) []platform.Column {
				return []platform.Column{col("party", a.Party), col("currency", a.Currency), col("state", a.State)}
			},
			Indexes: []platform.Index{{By: []string{"party"}}, {By: []string{"currency", "state"}}, {By: []string{"state"}}},
		}.Kind(),
		platform.Shape[Details]{
			Name: detailsKind, Prefix: "pad", Root: accountKind, RootOf: func(d Details) platform.ID { return d.Account },
			Columns: func(d Details) []platform.Column { return []platform.Column{col("account", d.Account)} },
			Indexes: []platform.Index{{By: []string{"account"}}},
		}.Kind(),
		platform.Shape[Statement]{
			Name: statementKind, Prefix: "set", Root: accountKind, RootOf: func(s Statement) platform.ID { return s.Account },
			Columns: func(s Statement) []platform.Column {
				return []platform.Column{col("account", s.Account), col("no", int64(s.No)), col("state", s.State), col("due", s.Due)}
			},
			Indexes: []platform.Index{{By: []string{"account", "no"}}, {By: []string{"state"}}, due},
		}.Kind(),
		platform.Shape[Run]{
			Name: runKind, Prefix: "run",
			Columns: func(r Run) []platform.Column { return []platform.Column{col("at", r.StartedAt), col("due", r.Due)} },
			Indexes: []platform.Index{{By: []string{"at"}}, due},
		}.Kind(),
		platform.Shape[Payout]{
			Name: payoutKind, Prefix: "pay", Root: accountKind, RootOf: func(p Payout) platform.ID { return p.Account },
			Columns: func(p Payout) []platform.Column {
				return []platform.Column{
					col("account", p.Account), col("planned", p.PlannedAt), col("run", p.Run), col("state", p.State),
					col("file", p.File), col("due", p.Due),
				}
			},
			Indexes: []platform.Index{{By: []string{"account", "planned"}}, {By: []string{"run", "state"}}, {By: []string{"state", "planned"}}, {By: []string{"file"}, Sparse: true}, due},
			Unique:  Payout.claims,
		}.Kind(),
		platform.Shape[File]{
			Name: fileKind, Prefix: "pbf",
			Columns: func(f File) []platform.Column { return []platform.Column{col("run", f.Run)} },
			Indexes: []platform.Index{{By: []string{"run"}}},
		}.Kind(),
		platform.Shape[Reserve]{
			Name: reserveKind, Prefix: "rsv",
			Columns: func(r Reserve) []platform.Column {
				return []platform.Column{col("party", r.Party), col("currency", r.currency()), col("due", r.Due)}
			},
			Indexes: []platform.Index{{By: []string{"party", "currency", "due"}, Sparse: true}, due},
		}.Kind(),
	}
}

// derived is the id of a record of which there is one for what the parts name.
// The formula is frozen: time and slot of the root, and 62 bits of SHA-256 of the
// prefix and the parts.
func derived(prefix string, root platform.ID, parts ...string) platform.ID {
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(parts, "\x00")))
	return platform.NewID(prefix, root.Time(), root.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

func read[T any](ctx context.Context, s *Service, kind string, id platform.ID) (T, error) {
	return platform.Read[T](ctx, s.db, kind, id)
}

// due is a page of the records of a kind whose time has come.
func due[T any](ctx context.Context, s *Service, kind string, now time.Time, cursor string) (platform.Page[T], error) {
	return platform.List[T](ctx, s.db, platform.Query{Kind: kind, By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: 100, Cursor: cursor})
}

// owned is a page of what belongs to a party's account, for those who may see it.
func owned[T any](ctx context.Context, s *Service, account platform.ID, q platform.Query) (platform.Page[T], error) {
	if account != "" {
		a, err := read[Account](ctx, s, accountKind, account)
		if err == nil {
			err = s.visible(ctx, a.Party, a.Ref())
		}
		if err != nil {
			return platform.Page[T]{}, err
		}
	} else if _, err := s.actor(ctx, platform.Operator, platform.Auditor, platform.System); err != nil {
		return platform.Page[T]{}, err
	}
	return platform.List[T](ctx, s.db, q)
}

// missing tells whether a read found nothing, as opposed to failing.
func missing(err error) bool { return errors.Is(err, platform.ErrNotFound) }
