package verification

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

var zeroTime time.Time

// Begin opens a draft for a requirement of a party.
type Begin struct {
	Party platform.ID `json:"party" validate:"required,max=64"`
	Code  string      `json:"code" validate:"required,max=64"`
}

// Subject is the party's standing.
func (in Begin) Subject() platform.Ref {
	return platform.Ref{Kind: standingKind, ID: StandingID(in.Party)}
}

// Begin drafts a submission: the party itself may, and operators for it. It fails
// with ErrInvalid for a requirement that is not there or not asked, and with
// ErrState, code verification.open, while another is open. A draft is deleted after
// 30 days.
func (s *Service) Begin(ctx context.Context, in Begin) (Submission, error) {
	id := s.w.NewChild("sub", StandingID(in.Party))
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Submission, []platform.Change, error) {
		by, err := s.visible(ctx, in.Party, in.Subject())
		if err != nil {
			return Submission{}, nil, err
		}
		b, err := s.whole(ctx, in.Party)
		if err != nil {
			return Submission{}, nil, err
		}
		now := s.w.Now()
		r, of, err := b.requirement(in.Code, now)
		if err != nil {
			return Submission{}, nil, fmt.Errorf("begin: %w", err)
		}
		state, err := Moves.Take("", "draft", by.Kind)
		if err != nil {
			return Submission{}, nil, fmt.Errorf("begin: %w", err)
		}
		if e, taken := b.open(in.Code); taken {
			return Submission{}, nil, platform.Detail(fmt.Errorf("begin: %w", errOpen), "submission", e.Submission)
		}
		c := Submission{
			Head: platform.Head{ID: id}, Party: in.Party, As: b.Party.Kind, Code: in.Code, Kind: r.Kind, Set: of.ID, Edition: of.Number,
			State: state, Hands: met(by), DraftedAt: now, Due: now.Add(s.terms.Draft),
		}
		_, set := b.with(c.evidence()).settled(now)
		event := platform.Happened("verification.drafted", c.Ref(), map[string]any{"party": c.Party, "code": c.Code})
		return c, append(set, platform.Put(c), event), nil
	})
}

// open is the submission of a code that is not decided.
func (b book) open(code string) (Evidence, bool) {
	for _, e := range b.Evidence {
		if e.Code == code && (e.State == Draft || e.State == Pending) {
			return e, true
		}
	}
	return Evidence{}, false
}

// Submit hands a draft in. The number and the fields are sealed; of the files
// their hashes alone are kept.
type Submit struct {
	Submission platform.ID       `json:"submission" validate:"required,id=sub"`
	Number     string            `json:"number,omitempty" validate:"text=64"`
	Fields     map[string]string `json:"fields,omitempty" validate:"max=40,dive,keys,required,max=64,printascii,endkeys,text=2000"`
	Files      []File            `json:"files,omitempty"`
	ValidTo    string            `json:"valid_to,omitempty" validate:"omitempty,datetime=2006-01-02"` // the last day on the document
	Zone       string            `json:"zone,omitempty" validate:"omitempty,timezone"`                // of who issued it
	Consent    bool              `json:"consent,omitempty"`
}

// Subject is the submission.
func (in Submit) Subject() platform.Ref {
	return platform.Ref{Kind: submissionKind, ID: in.Submission}
}

// wrong is what is wrong with what is handed in for a requirement.
func (in Submit) wrong(r Requirement, ends, now time.Time, sealable bool) error {
	var wrong platform.FieldErrors
	refuse := func(path string, err error) { wrong = append(wrong, platform.Wrong(path, err)...) }
	if r.Number != "" || in.Number != "" {
		switch err := r.Number.Check(in.Number); {
		case in.Number == "":
			refuse("number", errMissing)
		case err != nil:
			refuse("number", err)
		}
	}
	if len(in.Files) > 20 {
		refuse("files", errFile)
	}
	if len(in.Files) == 0 && (r.Kind == Document || r.Kind == SiteVisit) {
		refuse("files", errMissing)
	}
	for i, f := range in.Files {
		if !f.sound() {
			refuse(fmt.Sprintf("files[%d]", i), errFile)
		}
	}
	switch {
	case r.Validity.Document && ends.IsZero():
		refuse("valid_to", errMissing)
	case !ends.IsZero() && (!ends.After(now) || ends.After(now.AddDate(5, 0, 1))):
		refuse("valid_to", errValidity)
	}
	if r.Kind.sensitive() && !in.Consent {
		refuse("consent", errConsent)
	}
	if !sealable && (in.Number != "" || len(in.Fields) > 0) {
		refuse("number", errSealer)
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// ends is the moment behind the last day on a document, in the zone of who issued
// it.
func (in Submit) ends(zone *time.Location) (time.Time, error) {
	if in.ValidTo == "" {
		return zeroTime, nil
	}
	if in.Zone != "" {
		named, err := time.LoadLocation(in.Zone)
		if err != nil {
			return zeroTime, platform.Wrong("zone", errValidity)
		}
		zone = named
	}
	last, err := time.ParseInLocation("2006-01-02", in.ValidTo, zone)
	if err != nil {
		return zeroTime, platform.Wrong("valid_to", errValidity)
	}
	return last.AddDate(0, 0, 1).UTC(), nil
}

// told is what was handed in, ready to be stored.
type told struct {
	ends    time.Time
	payload platform.Sealed
	hash    string
	prints  []Print
}

// seal makes what is handed in ready to be stored. Sealing is random, so it comes
// before the decision.
func (s *Service) seal(ctx context.Context, in Submit, c Submission, r Requirement) (t told, err error) {
	if t.ends, err = in.ends(s.terms.Zone); err != nil {
		return t, err
	}
	if err := in.wrong(r, t.ends, s.w.Now(), s.ports.Sealer != nil); err != nil {
		return t, err
	}
	if t.prints, err = s.prints(ctx, r, in.Number, in.Files); err != nil || in.Number == "" && len(in.Fields) == 0 {
		return t, err
	}
	plain, err := json.Marshal(map[string]any{"number": in.Number, "fields": in.Fields})
	if err != nil {
		return t, fmt.Errorf("encode payload of %s: %w", c.ID, platform.ErrInvalid)
	}
	if t.hash, err = s.ports.Sealer.Blind(ctx, "verification.payload", string(plain)); err != nil {
		return t, err
	}
	t.payload, err = s.ports.Sealer.Seal(ctx, c.place(), string(plain))
	return t, err
}

// place is where the payload of a submission lies.
func (c Submission) place() platform.Place {
	subject := platform.Ref{Kind: map[platform.ActorKind]string{platform.Merchant: "merchant", platform.Staff: "staff.member", platform.Customer: "customer"}[c.As], ID: c.Party}
	return platform.Place{Subject: subject, Record: c.Ref(), Field: "payload"}
}

// submit is the submission once it is handed in.
func (c Submission) submit(t told, files []File, r Requirement, by platform.Actor, reviewBy, now time.Time) (Submission, error) {
	state, err := Moves.Take(c.State, "submit", by.Kind)
	if err != nil {
		return c, fmt.Errorf("submit %s: %w", c.ID, err)
	}
	c.State, c.Files, c.Payload, c.Hash, c.ValidTo = state, files, t.payload, t.hash, t.ends
	c.SubmittedAt, c.ReviewBy, c.Due, c.Manual = now, reviewBy, zeroTime, r.Review != Auto
	for _, who := range met(by) {
		if !slices.Contains(c.Hands, who) {
			c.Hands = append(slices.Clone(c.Hands), who)
		}
	}
	for _, p := range t.prints {
		c.Prints = append(c.Prints, p.ID)
	}
	if r.Checked {
		c.Checks = []Check{{Key: string(c.ID), Outcome: Unknown}}
		c.Due = now
	}
	return c, nil
}

// Submit hands the draft in. Checks of the number's form come first, and those of
// the [Checker] after the commit; one that they all pass is verified at once where
// the requirement leaves it to them. It fails with FieldErrors, and with
// [ErrTooMany], retry_at as a detail.
func (s *Service) Submit(ctx context.Context, in Submit) (Submission, error) {
	if err := platform.Validate(in); err != nil {
		return Submission{}, fmt.Errorf("submit: %w", err)
	}
	draft, _, r, _, err := s.submission(ctx, in.Submission)
	if err != nil {
		return Submission{}, fmt.Errorf("submit: %w", err)
	}
	t, sealing := s.seal(ctx, in, draft, r)
	c, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Submission, []platform.Change, error) {
		if sealing != nil {
			return Submission{}, nil, fmt.Errorf("submit: %w", sealing)
		}
		c, b, r, by, err := s.submission(ctx, in.Submission)
		if err != nil {
			return Submission{}, nil, err
		}
		now := s.w.Now()
		if b, err = b.tried(c, s.terms.Tries, now); err != nil {
			return Submission{}, nil, fmt.Errorf("submit %s: %w", c.ID, err)
		}
		if c, err = c.submit(t, in.Files, r, by, s.terms.Calendar.AddDays(now, s.terms.Review), now); err != nil {
			return Submission{}, nil, err
		}
		twice, set, err := s.seen(ctx, c, t.prints)
		if err != nil {
			return Submission{}, nil, err
		}
		if c.Duplicates = twice; len(twice) > 0 {
			c.Manual = true
			set = append(set, platform.Happened("verification.duplicate", c.Ref(), map[string]any{"party": c.Party, "code": c.Code, "what": twice}))
		}
		set = append(set, platform.Happened("verification.submitted", c.Ref(), map[string]any{"party": c.Party, "code": c.Code, "version": c.Edition}))
		next, more, err := s.onward(ctx, b, c, r, now)
		return next, append(set, more...), err
	})
	if err == nil && c.asking() != nil {
		return s.ask(ctx, c)
	}
	return c, err
}

// onward writes a submission that is pending, or verified where its checks alone
// decide and are done.
func (s *Service) onward(ctx context.Context, b book, c Submission, r Requirement, now time.Time) (Submission, []platform.Change, error) {
	if len(c.Checks) == 0 && !c.automatic(r) {
		c.Manual = true
	}
	if c.asking() == nil && c.automatic(r) {
		return s.verified(ctx, b, c, r, platform.SystemActor("verification"), now)
	}
	_, set := b.with(c.evidence()).settled(now)
	return c, append(set, platform.Put(c)), nil
}

// tried counts a submission against what is allowed: so many in 30 days, and none
// within a minute of a rejection.
func (b book) tried(c Submission, most int, now time.Time) (book, error) {
	n, first := 0, zeroTime
	var kept []Try
	for _, t := range b.Tries {
		if !t.At.After(now.Add(-30 * day)) {
			continue
		}
		kept = append(kept, t)
		if t.Code == c.Code {
			n++
			first = earlier(first, t.At)
		}
	}
	if n >= most {
		return b, platform.Detail(ErrTooMany, "retry_at", first.Add(30*day))
	}
	for _, e := range b.Evidence {
		if soonest := e.At.Add(time.Minute); e.Code == c.Code && e.State == Rejected && now.Before(soonest) {
			return b, platform.Detail(ErrTooMany, "retry_at", soonest)
		}
	}
	kept = append(kept, Try{c.Code, now})
	b.Tries = kept
	return b, nil
}

// ask puts the open question of a submission to the checker, outside of any
// decision, and records what it says. What fails is unknown, and asked again.
func (s *Service) ask(ctx context.Context, c Submission) (Submission, error) {
	k := c.asking()
	if k == nil {
		return c, nil
	}
	outcome := string(Unknown)
	if s.ports.Checker != nil {
		var err error
		if k.Tries > 0 {
			outcome, err = s.ports.Checker.LookUp(platform.WithoutKey(ctx), k.Key)
		}
		if k.Tries == 0 || err == nil && Outcome(outcome) == Unknown {
			outcome, err = s.ports.Checker.Start(platform.WithoutKey(ctx), k.Key, string(c.Kind), c.place(), c.Payload)
		}
		if err != nil {
			outcome = string(Unknown)
		}
	}
	heard, err := s.Hear(s.system(ctx), Hear{Submission: c.ID, Key: k.Key, Outcome: Outcome(outcome)})
	if errors.Is(err, platform.ErrConflict) { // it is asked again
		return c, nil
	}
	return heard, err
}

// Hear is the word of a checker, whether it was asked or calls by itself.
type Hear struct {
	Submission platform.ID `json:"submission" validate:"required,id=sub"`
	Key        string      `json:"key" validate:"required,max=64"`
	Outcome    Outcome     `json:"outcome" validate:"oneof=passed failed unclear unknown revoked"`
}

// Subject is the submission.
func (in Hear) Subject() platform.Ref {
	return platform.Ref{Kind: submissionKind, ID: in.Submission}
}

// Hear records what a checker said. Of a submission that is not pending any more it
// changes nothing, but for one that is verified and that it takes back: that is
// revoked at once. Only the system may.
func (s *Service) Hear(ctx context.Context, in Hear) (Submission, error) {
	if err := s.allow(ctx, platform.System); err != nil {
		return Submission{}, fmt.Errorf("hear: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Submission, []platform.Change, error) {
		c, b, r, by, err := s.submission(ctx, in.Submission)
		if err != nil {
			return Submission{}, nil, err
		}
		now := s.w.Now()
		c, verb, err := c.heard(in.Key, in.Outcome, r, now)
		if err != nil {
			return Submission{}, nil, err
		}
		event := platform.Happened("verification.checked", c.Ref(), map[string]any{"outcome": in.Outcome, "code": c.Code})
		var set []platform.Change
		switch verb {
		case "verify":
			c, set, err = s.verified(ctx, b, c, r, by, now)
		case "revoke":
			c, set, err = s.revoked(b, c, "checker", by, now)
		default:
			set = []platform.Change{platform.Put(c)}
		}
		return c, append(set, event), err
	})
}
