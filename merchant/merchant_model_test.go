package merchant

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// TestApplicationAndListingFollowTheModel drives one applicant and one listing
// through random moves by random actors, and compares every state with a model
// that knows the rules in other words.
func TestApplicationAndListingFollowTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{h: opened(nil)}
		m.begin(t, rapid.SampledFrom([]State{"", InReview, Active, Live}).Draw(t, "begin"))
		actions := map[string]func(*rapid.T){"": m.check}
		for verb, step := range m.steps() {
			actions[verb] = func(t *rapid.T) { m.try(t, verb, step) }
		}
		t.Repeat(actions)
	})
}

// model is what should be, in few words; the ids are what the house gave.
type model struct {
	h            *house
	a            Application
	m            Merchant
	g            Agreement
	app, mer     State
	agr, listing State
	prior, was   State // of the merchant before suspension, of the listing before its take-down
	draft        State // of the revision that is not live yet
	draftID      platform.ID
	liveID       platform.ID
	listingID    platform.ID
	rounds       int
	due, cool    time.Time // of whichever of application and merchant waits
}

// begin brings the house to where most moves become possible.
func (m *model) begin(t *rapid.T, with State) {
	switch with {
	case InReview:
		m.a, m.app = m.h.inReview(t), InReview
	case Active, Live:
		m.m = m.h.active(t)
		m.a.ID, m.a.Merchant = m.m.Application, m.m.ID
		m.app, m.mer, m.agr = Approved, Active, InForce
	}
	if with == Live {
		l := m.h.live(t, m.m)
		m.listing, m.listingID, m.liveID = Live, l.ID, l.Live
	}
}

// step is a move: who may make it, whether it should succeed now, how to make
// it, and what it changes in the model.
type step struct {
	by   []platform.ActorKind
	when func() bool
	call func(by platform.Actor) error
	then func()
}

// try makes a move as a random actor and expects what the model says.
func (m *model) try(t *rapid.T, verb string, s step) {
	who := rapid.SampledFrom([]platform.Actor{m.self(), m.self(), reviewer, reviewer, system, auditor, customer, stranger}).Draw(t, "by")
	ours := who.Kind != platform.Merchant || who.ID != stranger.ID
	want := ours && slices.Contains(s.by, who.Kind) && s.when()
	err := s.call(who)
	switch {
	case want && err != nil:
		t.Fatalf("%s by %s was refused: %v", verb, who.ID, err)
	case !want && err == nil:
		t.Fatalf("%s by %s was not refused", verb, who.ID)
	case want:
		s.then()
	case platform.Code(err) == "internal" || errors.Is(err, platform.ErrUnavailable):
		t.Fatalf("%s by %s: refused without a reason: %v", verb, who.ID, err)
	}
}

// self is the applicant, and the merchant once there is one.
func (m *model) self() platform.Actor {
	if m.mer == "" {
		return applicant
	}
	return owner(m.m.ID)
}

func (m *model) inTime() bool { return m.h.now().Before(m.due) }

func (m *model) lapsable() bool {
	return (m.app == Applied || m.app == InfoRequired || m.mer == Approved || m.mer == Onboarding) && !m.inTime()
}

func (m *model) steps() map[string]step {
	merchant, operator, sys := platform.Merchant, platform.Operator, platform.System
	h := m.h
	return map[string]step{
		"apply": {
			by: []platform.ActorKind{merchant},
			// A merchant that lapsed applies anew; the model follows its first life only.
			when: func() bool {
				return m.mer == "" && (m.app == "" || m.app == Lapsed || m.app == Rejected && !h.now().Before(m.cool))
			},
			call: func(by platform.Actor) error {
				if m.mer != "" || by.Kind != merchant || by.ID == stranger.ID {
					return errNotAppliable
				}
				a, err := h.Apply(as(by), Apply{Party: party()})
				if err == nil {
					m.a = a
				}
				return err
			},
			then: func() { m.app, m.rounds, m.due = Applied, 0, h.now().Add(90*day) },
		},
		"submit": {
			by: []platform.ActorKind{merchant, sys}, when: func() bool { return m.app == Applied && m.inTime() },
			call: func(by platform.Actor) error {
				if by.Kind == operator {
					return errSelf // it could not review any more
				}
				_, err := h.Submit(as(by), Submit{Application: m.a.ID})
				return err
			},
			then: func() { m.app = InReview },
		},
		"ask": {
			by: []platform.ActorKind{operator}, when: func() bool { return m.app == InReview && m.rounds < 3 },
			call: func(by platform.Actor) error {
				_, err := h.AskInfo(as(by), AskInfo{Application: m.a.ID, Fields: []string{"contact"}})
				return err
			},
			then: func() { m.app, m.rounds, m.due = InfoRequired, m.rounds+1, h.now().Add(14*day) },
		},
		"answer": {
			by: []platform.ActorKind{merchant}, when: func() bool { return m.app == InfoRequired && m.inTime() },
			call: func(by platform.Actor) error {
				if by.Kind == operator {
					return errSelf
				}
				_, err := h.Answer(as(by), Answer{Application: m.a.ID, Party: Party{Contact: "by post"}})
				return err
			},
			then: func() { m.app = InReview },
		},
		"approve": {
			by: []platform.ActorKind{operator}, when: func() bool { return m.app == InReview },
			call: func(by platform.Actor) error {
				_, err := h.Approve(as(by), Approve{Application: m.a.ID})
				return err
			},
			then: func() { m.app, m.mer, m.agr, m.due = Approved, Approved, Pending, h.now().Add(30*day) },
		},
		"reject": {
			by: []platform.ActorKind{operator}, when: func() bool { return m.app == InReview },
			call: func(by platform.Actor) error {
				_, err := h.Reject(as(by), Reject{Application: m.a.ID, Reasons: []string{"unverified"}})
				return err
			},
			then: func() { m.app, m.cool = Rejected, h.now().Add(30*day) },
		},
		"sign": {
			by: []platform.ActorKind{merchant}, when: func() bool { return m.agr == Pending && m.inTime() },
			call: func(by platform.Actor) error {
				_, err := h.Sign(as(by), Sign{Agreement: m.g.ID, Hash: plain.Hash()})
				return err
			},
			then: func() {
				m.agr, m.mer, m.due = InForce, Active, time.Time{}
				if m.h.gate.shut {
					m.mer, m.due = Onboarding, h.now().Add(60*day)
				}
			},
		},
		"activate": {
			by: []platform.ActorKind{operator, sys}, when: func() bool { return m.mer == Onboarding && m.inTime() && !h.gate.shut },
			call: func(by platform.Actor) error { _, err := h.Activate(as(by), Activate{Merchant: m.m.ID}); return err },
			then: func() { m.mer = Active },
		},
		"suspend": {
			by: []platform.ActorKind{operator, sys}, when: func() bool { return m.mer == Active },
			call: func(by platform.Actor) error {
				_, err := h.Suspend(as(by), Suspend{Merchant: m.m.ID, Reason: "case"})
				return err
			},
			then: func() { m.mer, m.prior = Suspended, m.mer },
		},
		"restore": {
			by: []platform.ActorKind{operator, sys}, when: func() bool { return m.mer == Suspended },
			call: func(by platform.Actor) error { _, err := h.Restore(as(by), Restore{Merchant: m.m.ID}); return err },
			then: func() { m.mer = m.prior },
		},
		"tick": {
			by: []platform.ActorKind{sys}, when: m.lapsable,
			call: func(by platform.Actor) error {
				if by.Kind != sys {
					return errNotDue
				}
				fired, err := h.Tick(as(by), h.now(), 0)
				if err == nil && fired == 0 {
					return errNotDue
				}
				return err
			},
			then: func() {
				if m.mer != "" {
					m.mer = Lapsed
				}
				m.app, m.due = Lapsed, time.Time{}
				m.agr = map[State]State{Pending: Lapsed, InForce: Terminated}[m.agr]
			},
		},
		"block": {
			by: []platform.ActorKind{sys}, when: func() bool { return true },
			call: func(by platform.Actor) error {
				if by.Kind != sys {
					return errSelf
				}
				h.gate.set(!h.gate.shut)
				return nil
			},
			then: func() {},
		},
		"wait": {
			by: []platform.ActorKind{sys, operator, platform.Auditor}, when: func() bool { return true },
			call: func(by platform.Actor) error {
				if by.Kind == merchant || by.Kind == platform.Customer {
					return errSelf
				}
				h.pass(10 * day)
				return nil
			},
			then: func() {},
		},
		"draft": {
			by: []platform.ActorKind{merchant}, when: func() bool { return m.mer == Active && m.draft == "" },
			call: func(by platform.Actor) error {
				c := content()
				r, err := h.NewDraft(as(by), NewDraft{Listing: m.listingID, Content: &c})
				if err == nil {
					m.listingID, m.draftID = r.Listing, r.ID
				}
				return err
			},
			then: func() {
				m.draft = Draft
				if m.listing == "" {
					m.listing = Unlisted
				}
			},
		},
		"hand in": {
			by: []platform.ActorKind{merchant}, when: func() bool { return m.draft == Draft },
			call: func(by platform.Actor) error {
				_, err := h.SubmitDraft(as(by), SubmitDraft{Revision: m.draftID})
				return err
			},
			then: func() { m.draft = InReview },
		},
		"pass": {
			by: []platform.ActorKind{operator}, when: func() bool { return m.draft == InReview },
			call: func(by platform.Actor) error {
				_, err := h.ApproveRevision(as(by), ApproveRevision{Revision: m.draftID})
				return err
			},
			then: func() {
				m.draft = Approved
				if m.mer == Active && m.listing != TakenDown {
					m.shown()
				}
			},
		},
		"refuse": {
			by: []platform.ActorKind{operator}, when: func() bool { return m.draft == InReview },
			call: func(by platform.Actor) error {
				_, err := h.RejectRevision(as(by), RejectRevision{Revision: m.draftID, Rules: []string{"rule"}})
				return err
			},
			then: func() { m.draft, m.draftID = "", "" },
		},
		"go live": {
			by:   []platform.ActorKind{merchant, operator, sys},
			when: func() bool { return m.draft == Approved && m.mer == Active && m.listing != TakenDown },
			call: func(by platform.Actor) error { _, err := h.GoLive(as(by), GoLive{Listing: m.listingID}); return err },
			then: m.shown,
		},
		"pause": {
			by: []platform.ActorKind{merchant}, when: func() bool { return m.listing == Live },
			call: func(by platform.Actor) error { _, err := h.Pause(as(by), Pause{Listing: m.listingID}); return err },
			then: func() { m.listing = Paused },
		},
		"resume": {
			by: []platform.ActorKind{merchant}, when: func() bool { return m.listing == Paused },
			call: func(by platform.Actor) error { _, err := h.Resume(as(by), Resume{Listing: m.listingID}); return err },
			then: func() { m.listing = Live },
		},
		"take down": {
			by: []platform.ActorKind{operator, sys}, when: func() bool { return m.listing != "" && m.listing != TakenDown },
			call: func(by platform.Actor) error {
				_, err := h.TakeDown(as(by), TakeDown{Listing: m.listingID, Reason: "rule"})
				return err
			},
			then: func() { m.listing, m.was = TakenDown, m.listing },
		},
		"reinstate": {
			by: []platform.ActorKind{operator}, when: func() bool { return m.listing == TakenDown },
			call: func(by platform.Actor) error {
				_, err := h.Reinstate(as(by), Reinstate{Listing: m.listingID})
				return err
			},
			then: func() { m.listing = m.was },
		},
	}
}

// shown is the draft live in the place of what was.
func (m *model) shown() {
	m.liveID, m.draftID, m.draft = m.draftID, "", ""
	if m.listing == Unlisted {
		m.listing = Live
	}
}

// check compares what is stored with the model, and what must always hold.
func (m *model) check(t *rapid.T) {
	ctx := as(auditor)
	if m.a.ID != "" {
		a, err := m.h.Application(ctx, m.a.ID)
		m.same(t, "application", a.State, m.app, err)
	}
	if m.mer != "" {
		merchant, err := m.h.Merchant(ctx, m.a.Merchant)
		m.same(t, "merchant", merchant.State, m.mer, err)
		agreement, _, err := m.h.Agreement(ctx, merchant.Agreement)
		m.same(t, "agreement", agreement.State, m.agr, err)
		m.m, m.g = merchant, agreement
		if merchant.State == Active && agreement.State != InForce {
			t.Fatal("active without an agreement in force")
		}
	}
	if m.listingID != "" {
		m.checkListing(t)
	}
}

func (m *model) checkListing(t *rapid.T) {
	ctx := as(auditor)
	l, err := m.h.Listing(ctx, m.listingID)
	m.same(t, "listing", l.State, m.listing, err)
	if l.Draft != m.draftID || l.Live != m.liveID {
		t.Fatalf("draft %s, live %s; want %s, %s", l.Draft, l.Live, m.draftID, m.liveID)
	}
	if l.Draft != "" {
		r, err := m.h.Revision(ctx, l.Draft)
		m.same(t, "draft", r.State, m.draft, err)
	}
	if l.Live != "" {
		r, err := m.h.Revision(ctx, l.Live)
		m.same(t, "live revision", r.State, Live, err)
		if r.Decision != Approved || r.Reviewer != reviewer.ID {
			t.Fatal("live without a reviewer's approval")
		}
	}
	_, _, pinned := Catalogue{m.h.store}.Pin(ctx, m.h.now(), l.ID)
	_, may := Standing{m.h.store}.May(ctx, l.Merchant, "sell", m.h.now())
	if (m.listing == Live) != (pinned == nil) || (m.mer == Active) != (may == nil) {
		t.Fatalf("listing %s of a merchant %s: pinned with %v, may sell with %v", m.listing, m.mer, pinned, may)
	}
}

func (m *model) same(t *rapid.T, what string, got, want State, err error) {
	if err != nil || got != want {
		t.Fatalf("%s is %q (%v), the model says %q", what, got, err, want)
	}
}
