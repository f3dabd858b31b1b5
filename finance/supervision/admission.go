package supervision

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// field is an engagement, for those who work on it: an admitted auditor, or a
// supervisor.
func (s *Service) field(ctx context.Context, id platform.ID) (Engagement, platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Auditor {
		by, err = s.supervisor(ctx)
	}
	if err != nil {
		return Engagement{}, by, err
	}
	e, err := platform.Read[Engagement](ctx, s.db, engagementKind, id)
	if err == nil && by.Kind == platform.Auditor && !e.admits(by.ID, s.w.Now()) {
		err = ErrAdmission
	}
	return e, by, err
}

// admitted is the engagement on which an auditor works now.
func (s *Service) admitted(ctx context.Context, by platform.Actor, now time.Time) (Engagement, error) {
	page, err := platform.List[Engagement](ctx, s.db, platform.Query{Kind: engagementKind, By: []string{"from"}, Backward: true, Limit: 20})
	if err != nil {
		return Engagement{}, err
	}
	for _, e := range page.Items {
		if e.admits(by.ID, now) {
			return e, nil
		}
	}
	return Engagement{}, ErrAdmission
}

// ReadRecord is an auditor's look at a record.
type ReadRecord struct {
	Engagement platform.ID  `json:"engagement" validate:"required,id=eng"`
	Record     platform.Ref `json:"record" validate:"required"`
	Reason     string       `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the engagement.
func (in ReadRecord) Subject() platform.Ref { return engagementRef(in.Engagement) }

// Seen is a record as an auditor may see it: personal fields are masked.
type Seen struct {
	Record platform.Ref    `json:"record"`
	Masked json.RawMessage `json:"masked"`
}

// ReadRecord shows a record to an admitted auditor, while the admission lasts. That
// it was read is an event, in the same commit that lets it be read. It fails with
// ErrAdmission.
func (s *Service) ReadRecord(ctx context.Context, in ReadRecord) (Seen, error) {
	if s.ports.Records == nil {
		return Seen{}, ErrSource
	}
	_, err := platform.Update(platform.WithoutKey(ctx), s.w, in, func(ctx context.Context) (struct{}, []platform.Change, error) {
		e, _, err := s.field(ctx, in.Engagement)
		if err != nil {
			return struct{}{}, nil, fmt.Errorf("read for %s: %w", in.Engagement, err)
		}
		facts := map[string]any{"engagement": e.ID}
		return struct{}{}, []platform.Change{platform.Unchanged(e), platform.Happened("audit.read", in.Record, facts).Because(in.Reason)}, nil
	})
	if err != nil {
		return Seen{}, err
	}
	masked, err := s.ports.Records.Masked(ctx, in.Record)
	return Seen{in.Record, masked}, err
}
