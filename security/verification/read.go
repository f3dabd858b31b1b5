package verification

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// View is how a party stands now, for itself and for operators.
type View struct {
	Party    Party      `json:"party"`
	Evidence []Evidence `json:"evidence"`
	Waivers  []Waived   `json:"waivers"`
	Evaluation
}

// Standing evaluates a party now. What was never told of it is unknown. The party
// itself and operators may ask.
func (s *Service) Standing(ctx context.Context, party platform.ID) (View, error) {
	if _, err := s.visible(ctx, party, platform.Ref{Kind: standingKind, ID: StandingID(party)}); err != nil {
		return View{}, err
	}
	b, err := s.whole(ctx, party)
	if err != nil {
		return View{}, err
	}
	return View{
		Party: b.Party, Evidence: append([]Evidence{}, b.Evidence...), Waivers: append([]Waived{}, b.Waivers...),
		Evaluation: b.evaluate(s.w.Now()),
	}, nil
}

// Submission is one submission, for its party and for operators; the payload stays
// sealed.
func (s *Service) Submission(ctx context.Context, id platform.ID) (Submission, error) {
	c, err := platform.Read[Submission](ctx, s.db, submissionKind, id)
	if err != nil {
		return Submission{}, err
	}
	_, err = s.visible(ctx, c.Party, c.Ref())
	if err != nil {
		return Submission{}, err
	}
	return c, nil
}

// Submissions are those of a party, the newest first.
func (s *Service) Submissions(ctx context.Context, party platform.ID, cursor string) (platform.Page[Submission], error) {
	if _, err := s.visible(ctx, party, platform.Ref{Kind: standingKind, ID: StandingID(party)}); err != nil {
		return platform.Page[Submission]{}, err
	}
	return platform.List[Submission](ctx, s.db, platform.Query{Kind: submissionKind, By: []string{"party"}, Equal: []any{party}, Backward: true, Cursor: cursor})
}

// Queue is what waits for a person, the most urgent first. Only operators and
// auditors may look.
func (s *Service) Queue(ctx context.Context, cursor string) (platform.Page[Submission], error) {
	if err := s.allow(ctx, platform.Operator, platform.Auditor, platform.System); err != nil {
		return platform.Page[Submission]{}, err
	}
	return platform.List[Submission](ctx, s.db, platform.Query{Kind: submissionKind, By: []string{"queue"}, From: time.Unix(0, 0), Cursor: cursor})
}

// Waivers are those that wait for a second person.
func (s *Service) Waivers(ctx context.Context, cursor string) (platform.Page[Waiver], error) {
	if err := s.allow(ctx, platform.Operator, platform.Auditor, platform.System); err != nil {
		return platform.Page[Waiver]{}, err
	}
	return platform.List[Waiver](ctx, s.db, platform.Query{Kind: waiverKind, By: []string{"state"}, Equal: []any{Proposed}, Cursor: cursor})
}

// Sets are the versions in the book of rules for a kind of party, for whoever acts.
func (s *Service) Sets(ctx context.Context, party platform.ActorKind) ([]Set, error) {
	if _, err := s.w.Actor(ctx); err != nil {
		return nil, err
	}
	rules, err := s.rules(ctx, party)
	if err != nil {
		return nil, err
	}
	sets, err := readSets(ctx, s.db, rules)
	return append([]Set{}, sets...), err
}
