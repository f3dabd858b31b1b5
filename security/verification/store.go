package verification

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/liangding/platform"
)

const (
	setKind        = "verification.set"
	rulesKind      = "verification.rules"
	standingKind   = "verification.standing"
	submissionKind = "verification.submission"
	waiverKind     = "verification.waiver"
	printKind      = "verification.print"
)

// Kinds are the records that this package writes.
func Kinds() []platform.Kind {
	due := platform.Index{By: []string{"due"}, Sparse: true}
	return []platform.Kind{
		platform.Shape[Set]{
			Name: setKind, Prefix: "rqs", Pinned: true,
			Columns: func(s Set) []platform.Column { return []platform.Column{{Name: "party", Value: string(s.Party)}} },
			Indexes: []platform.Index{{By: []string{"party"}}},
			Unique: func(s Set) []platform.Claim {
				return []platform.Claim{{Scope: "verification.set/number", Key: string(numbered(s.Party, s.Name, s.Number))}}
			},
		}.Kind(),
		platform.Shape[Rules]{Name: rulesKind, Prefix: "rqb", Pinned: true}.Kind(),
		platform.Shape[Standing]{
			Name: standingKind, Prefix: "std",
			Columns: func(s Standing) []platform.Column {
				return []platform.Column{{Name: "kind", Value: string(s.Party.Kind)}, {Name: "rules", Value: s.Rules}, {Name: "due", Value: s.Due}}
			},
			Indexes: []platform.Index{{By: []string{"kind", "rules"}}, due},
		}.Kind(),
		platform.Shape[Submission]{
			Name: submissionKind, Prefix: "sub", Root: standingKind,
			RootOf: func(c Submission) platform.ID { return StandingID(c.Party) },
			Columns: func(c Submission) []platform.Column {
				return []platform.Column{{Name: "party", Value: c.Party}, {Name: "queue", Value: c.queued()}, {Name: "due", Value: c.Due}}
			},
			Indexes: []platform.Index{{By: []string{"party"}}, {By: []string{"queue"}, Sparse: true}, due},
			Unique: func(c Submission) []platform.Claim {
				if c.State != Draft && c.State != Pending {
					return nil
				}
				return []platform.Claim{{Scope: "verification.submission/open", Key: string(c.Party) + "/" + c.Code}}
			},
		}.Kind(),
		platform.Shape[Waiver]{
			Name: waiverKind, Prefix: "wvr", Root: standingKind,
			RootOf: func(v Waiver) platform.ID { return StandingID(v.Party) },
			Columns: func(v Waiver) []platform.Column {
				return []platform.Column{{Name: "state", Value: v.State}, {Name: "party", Value: v.Party}}
			},
			Indexes: []platform.Index{{By: []string{"state"}}, {By: []string{"party"}}},
		}.Kind(),
		platform.Shape[Print]{Name: printKind, Prefix: "vpr"}.Kind(),
	}
}

// derived is the id of a record of which there is one for what parts name. The
// formula is frozen.
func derived(prefix string, at time.Time, slot platform.Slot, parts string) platform.ID {
	sum := sha256.Sum256([]byte(prefix + "\x00" + parts))
	return platform.NewID(prefix, at, slot, binary.BigEndian.Uint64(sum[:8]))
}

// StandingID is the id of a party's standing.
func StandingID(party platform.ID) platform.ID {
	return derived("std", party.Time(), party.Slot(), string(party))
}

func rulesID(party platform.ActorKind) platform.ID {
	return derived("rqb", time.Time{}, platform.Key{Name: string(party)}.Slot(), string(party))
}

func numbered(party platform.ActorKind, name string, number int) platform.ID {
	return derived("rqs", time.Unix(int64(number), 0), platform.Key{Name: name}.Slot(), string(party)+"\x00"+name)
}

// readBook reads a party's standing and the rules in one trip; what is not there
// is new. The sets are not read.
func readBook(ctx context.Context, db platform.Getter, party platform.ID) (book, error) {
	books, err := readBooks(ctx, db, party)
	if err != nil {
		return book{}, err
	}
	return books[0], nil
}

func readBooks(ctx context.Context, db platform.Getter, parties ...platform.ID) ([]book, error) {
	books := make([]book, len(parties))
	refs := make([]platform.Ref, 0, 2*len(parties))
	for i, party := range parties {
		b := &books[i]
		b.Standing = newStanding(party)
		b.rules.ID = rulesID(b.Party.Kind)
		for _, ref := range []platform.Ref{b.Ref(), b.rules.Ref()} {
			if !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	found, err := platform.Lookup(ctx, db, refs...)
	if err != nil {
		return nil, err
	}
	for i := range books {
		b := &books[i]
		standings, err := platform.Found[Standing](found, b.Ref())
		if err != nil {
			return nil, err
		}
		for _, s := range standings {
			b.Standing = s
		}
		rules, err := platform.Found[Rules](found, b.rules.Ref())
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			b.rules = r
		}
	}
	return books, nil
}

func readSets(ctx context.Context, db platform.Getter, r Rules) ([]Set, error) {
	ids := r.live()
	if len(ids) == 0 {
		return nil, nil
	}
	return platform.ReadAll[Set](ctx, db, setKind, ids...)
}

// whole is the book with its sets.
func (s *Service) whole(ctx context.Context, party platform.ID) (book, error) {
	b, err := readBook(ctx, s.db, party)
	if err == nil && b.rules.Version > 0 {
		b.sets, err = s.sets(ctx, b.rules.live()...)
	}
	return b, err
}

// sets reads those sets in one trip that were not read before.
func (s *Service) sets(ctx context.Context, ids ...platform.ID) ([]Set, error) {
	all := make([]Set, len(ids))
	var missing []platform.ID
	for i, id := range ids {
		if set, known := s.known.Load(id); known {
			all[i], _ = set.(Set)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return all, nil
	}
	read, err := platform.ReadAll[Set](ctx, s.db, setKind, missing...)
	if err != nil {
		return nil, err
	}
	for _, set := range read {
		s.known.Store(set.ID, set)
		all[slices.Index(ids, set.ID)] = set
	}
	return all, nil
}

func due[T any](ctx context.Context, s *Service, kind string, now time.Time, cursor string) (platform.Page[T], error) {
	return platform.List[T](ctx, s.db, platform.Query{Kind: kind, By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: 200, Cursor: cursor})
}
