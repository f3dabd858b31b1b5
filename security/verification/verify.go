package verification

import (
	"context"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Discrepancy is a record that is not what the others say it should be.
type Discrepancy struct {
	Rule     string
	Ref      platform.Ref
	Expected string
	Found    string
}

// VerifyStandings proves every standing from its own facts, as they are on db, a
// snapshot say:
//
//	V1  what a standing remembers is what evaluating it at that moment says
//	V2  its evidence is what the submissions say
//	V3  what is verified was decided as its requirement demands, and by nobody with a hand in it
func VerifyStandings(ctx context.Context, db platform.Getter) (found []Discrepancy, err error) {
	for cursor := ""; ; {
		page, err := platform.List[Standing](ctx, db, platform.Query{Kind: standingKind, Limit: 200, Cursor: cursor})
		if err != nil {
			return found, fmt.Errorf("verify standings: %w", err)
		}
		for _, st := range page.Items {
			more, err := verify(ctx, db, st)
			if err != nil {
				return found, fmt.Errorf("verify %s: %w", st.ID, err)
			}
			found = append(found, more...)
		}
		if cursor = page.Next; cursor == "" {
			return found, nil
		}
	}
}

func verify(ctx context.Context, db platform.Getter, st Standing) (found []Discrepancy, err error) {
	tell := func(rule string, ref platform.Ref, expected, is any) {
		found = append(found, Discrepancy{rule, ref, fmt.Sprint(expected), fmt.Sprint(is)})
	}
	b, err := readBook(ctx, db, st.Party.ID)
	if err != nil {
		return nil, err
	}
	if b.sets, err = readSets(ctx, db, b.rules); err != nil {
		return nil, err
	}
	if b.Rules == b.rules.Version {
		if e := b.evaluate(b.At); !(Evaluation{Capabilities: e.Capabilities}).same(Evaluation{Capabilities: b.Capabilities}) || !e.Next.Equal(b.Next) {
			tell("V1", st.Ref(), e.Capabilities, b.Capabilities)
		}
	}
	refs := make([]platform.Ref, len(b.Evidence))
	for i, e := range b.Evidence {
		refs[i] = platform.Ref{Kind: submissionKind, ID: e.Submission}
	}
	records, err := platform.Lookup(ctx, db, refs...)
	if err != nil {
		return nil, err
	}
	for i, e := range b.Evidence {
		all, err := platform.Found[Submission](records, refs[i])
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			tell("V2", refs[i], e.State, "nothing")
			continue
		}
		c := all[0]
		is := c.evidence()
		if is.Reminded = e.Reminded; is != e {
			tell("V2", refs[i], is.State, e.State)
		}
		if rule := c.undecided(b); rule != "" {
			tell("V3", refs[i], rule, c.Deciders)
		}
	}
	return found, nil
}

// undecided says what the decision on a verified submission lacks.
func (c Submission) undecided(b book) string {
	if c.State != Verified {
		return ""
	}
	need := 1
	for _, s := range b.sets {
		if r, known := s.Requirement(c.Code); known && s.ID == c.Set && r.Review == Two {
			need = 2
		}
	}
	switch {
	case len(c.Deciders) < need:
		return fmt.Sprintf("%d deciders", need)
	case slices.ContainsFunc(c.Deciders, func(id platform.ID) bool { return id == c.Party || slices.Contains(c.Hands, id) }):
		return "deciders without a hand in it"
	}
	return ""
}
