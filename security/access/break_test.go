package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
	"github.com/liangding/platform/security/access"
)

func field(t testing.TB, e platform.Event, name string) json.RawMessage {
	t.Helper()
	var facts map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(e.Data, &facts))
	return facts[name]
}

// ask is a request for the card of the guest.
func ask() access.Request {
	return access.Request{On: guest, Fields: []string{"card"}, Purpose: "police", Reason: "warrant", Ticket: "T-1", Text: "case of 3 March"}
}

func TestAC8EmergencyAccessTakesASecondPersonAndIsReviewed(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.grant(clerk, "clerk")
	card := look(h.actor(clerk), "card", "police")
	require.ErrorIs(t, h.see(card), access.ErrDenied)

	b, err := h.Request(h.as(clerk), ask())
	require.NoError(t, err)
	require.ErrorIs(t, h.see(card), access.ErrDenied, "not yet")
	_, err = h.Approve(h.as(clerk), access.Approve{Break: b.ID})
	require.ErrorIs(t, err, platform.ErrDenied)
	b, err = h.Approve(h.as(keeper), access.Approve{Break: b.ID})
	require.NoError(t, err)
	assert.WithinDuration(t, h.clock().Add(time.Hour), b.Until, time.Second)
	view, err := h.View(t.Context(), card)
	require.NoError(t, err)
	assert.Equal(t, security.Full, view)

	require.NoError(t, h.see(card))
	for name, other := range map[string]platform.Act{
		"another field":   look(h.actor(clerk), "name", "police"),
		"another purpose": look(h.actor(clerk), "card", "calling"),
		"another person":  look(h.actor(deputy), "card", "police"),
		"another record":  {Actor: h.actor(clerk), Action: "vault.reveal", On: platform.Ref{Kind: "guest", ID: platform.NewID("gst", noon, 1, 10)}, Field: "card", Purpose: "police", Reason: "x"},
		"without reason":  {Actor: h.actor(clerk), Action: "vault.reveal", On: guest, Field: "card", Purpose: "police"},
	} {
		require.ErrorIs(t, h.see(other), platform.ErrDenied, name)
	}
	used := h.events(guest)
	assert.Contains(t, types(used), "access.break_used", "addressed to the person concerned")
	b, err = h.Break(h.as(boss), b.ID)
	require.NoError(t, err)
	assert.Equal(t, access.Used, b.State)
	assert.Equal(t, 4, b.Uses)

	_, err = h.Review(h.as(clerk), access.Review{Break: b.ID, Outcome: "justified"})
	require.ErrorIs(t, err, platform.ErrDenied)
	b, err = h.Review(h.as(keeper), access.Review{Break: b.ID, Outcome: "justified"})
	require.NoError(t, err)
	assert.Equal(t, access.Reviewed, b.State)
	require.ErrorIs(t, h.see(card), access.ErrDenied, "the review ends it")
	assert.Equal(t, []string{"access.break_requested", "access.break_granted", "access.break_reviewed"}, types(h.events(b.Ref())))
}

func TestAC8UnreviewedUseIsToldOf(t *testing.T) {
	t.Parallel()
	for _, alone := range []bool{false, true} {
		h := open(t, &access.Options{Alone: alone})
		h.grant(clerk, "clerk")
		in := ask()
		in.Alone, in.Silent = alone, "article 18"
		b, err := h.Request(h.as(clerk), in)
		require.NoError(t, err)
		if !alone {
			_, err = h.Approve(h.as(keeper), access.Approve{Break: b.ID})
			require.NoError(t, err)
		}
		require.NoError(t, h.see(look(h.actor(clerk), "card", "police")))
		assert.NotContains(t, types(h.events(guest)), "access.break_used", "the law forbids to tell")
		assert.Contains(t, types(h.events(b.Ref())), "access.break_used")

		h.pass(30 * time.Hour) // Tuesday evening: the business day after has not closed
		h.tick()
		assert.NotContains(t, types(h.events(b.Ref())), "access.break_unreviewed")
		h.pass(24 * time.Hour)
		h.tick()
		h.tick()
		told := h.events(b.Ref())
		assert.Equal(t, "access.break_unreviewed", told[len(told)-1].Type)
		b, err = h.Break(h.as(boss), b.ID)
		require.NoError(t, err)
		assert.True(t, b.Late)
		require.ErrorIs(t, h.see(look(h.actor(clerk), "card", "police")), access.ErrDenied, "over")
		_, err = h.Review(h.as(keeper), access.Review{Break: b.ID, Outcome: "unjustified"})
		require.NoError(t, err)
	}
}

func TestAC8EmergencyAccessEnds(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.grant(clerk, "clerk")
	granted := func(in access.Request) access.Break {
		b, err := h.Request(h.as(clerk), in)
		require.NoError(t, err)
		b, err = h.Approve(h.as(keeper), access.Approve{Break: b.ID})
		require.NoError(t, err)
		return b
	}
	card := look(h.actor(clerk), "card", "police")
	in := ask()
	in.Minutes = 20
	b := granted(in)
	h.pass(21 * time.Minute)
	require.ErrorIs(t, h.see(card), access.ErrDenied, "over, before any tick")
	h.tick()
	b, err := h.Break(h.as(boss), b.ID)
	require.NoError(t, err)
	assert.Equal(t, access.Expired, b.State)

	in.Uses = 1
	granted(in)
	require.NoError(t, h.see(card))
	require.ErrorIs(t, h.see(card), access.ErrDenied)
	d, err := h.Why(t.Context(), card)
	require.NoError(t, err)
	assert.False(t, d.Allowed)
	view, err := h.View(t.Context(), card)
	require.NoError(t, err, "what the last use opened is still shown")
	assert.Equal(t, security.Full, view)

	b, err = h.Request(h.as(clerk), ask())
	require.NoError(t, err)
	b, err = h.Refuse(h.as(keeper), access.Refuse{Break: b.ID, Reason: "no warrant"})
	require.NoError(t, err)
	_, err = h.Approve(h.as(keeper), access.Approve{Break: b.ID})
	require.ErrorIs(t, err, access.ErrBreak)
	idle, err := h.Request(h.as(clerk), ask())
	require.NoError(t, err)
	h.pass(5 * time.Hour)
	_, err = h.Approve(h.as(keeper), access.Approve{Break: idle.ID})
	require.ErrorIs(t, err, access.ErrBreak)
}

func TestBadRequestsOfEmergencyAccessAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.grant(clerk, "clerk")
	for code, change := range map[string]func(*access.Request){
		"field.required": func(r *access.Request) { r.Purpose = "" },
		"access.unknown": func(r *access.Request) { r.Fields = []string{"room"} },
		"id.malformed":   func(r *access.Request) { r.On.ID = "+86 138 1234 5678" },
		"field.max":      func(r *access.Request) { r.Minutes = 241 },
		"text.control":   func(r *access.Request) { r.Text = "a\x07b" },
		"access.alone":   func(r *access.Request) { r.Alone = true },
	} {
		in := ask()
		change(&in)
		_, err := h.Request(h.as(clerk), in)
		assert.Equal(t, code, platform.Code(err))
	}
	_, err := h.Request(platform.As(t.Context(), platform.Actor{ID: "c", Kind: platform.Customer}), ask())
	require.ErrorIs(t, err, access.ErrDenied)
	_, err = h.Request(h.as(deputy), ask())
	require.NoError(t, err)
}

func TestWhatIsForbiddenIsForbiddenInAnEmergencyToo(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.grant(clerk, "clerk")
	b, err := h.Request(h.as(clerk), ask())
	require.NoError(t, err)
	_, err = h.Approve(h.as(keeper), access.Approve{Break: b.ID})
	require.NoError(t, err)
	h.grant(clerk, "porter")
	require.ErrorIs(t, h.see(look(h.actor(clerk), "card", "police")), access.ErrDenied)
	stale := h.actor(clerk)
	stale.Roles = []string{"clerk"}
	require.ErrorIs(t, h.see(look(stale, "card", "police")), access.ErrDenied, "a session that does not bring the role along")
}

// TestAC8OfManyRacingLooksOneTakesTheLastUse.
func TestAC8OfManyRacingLooksOneTakesTheLastUse(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db platform.DB) {
		t.Helper()
		h := openOn(t, db, nil)
		h.grant(clerk, "clerk")
		in := ask()
		in.Uses = 1
		b, err := h.Request(h.as(clerk), in)
		require.NoError(t, err)
		_, err = h.Approve(h.as(keeper), access.Approve{Break: b.ID})
		require.NoError(t, err)
		act := look(h.actor(clerk), "card", "police")
		var seen, denied atomic.Int32
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				switch err := h.see(act); {
				case err == nil:
					seen.Add(1)
				case errors.Is(err, access.ErrDenied):
					denied.Add(1)
				default:
					assert.NoError(t, err)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, seen.Load())
		assert.EqualValues(t, 31, denied.Load())
		uses := 0
		for _, kind := range types(h.events(guest)) {
			if kind == "access.break_used" {
				uses++
			}
		}
		assert.Equal(t, 1, uses, "every look has its event")
	})
}

func TestAReviewKeepsRevokesOrLetsLapse(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	kept, gone, idle := h.grant(clerk, "clerk"), h.grant(clerk, "cook"), h.grant(opr(40), "cook")
	h.tick()
	open, err := h.Campaigns(h.as(boss), access.Open, "", 0)
	require.NoError(t, err)
	require.Empty(t, open.Items)

	h.pass(91 * 24 * time.Hour)
	h.tick()
	h.tick()
	open, err = h.Campaigns(h.as(boss), access.Open, "", 0)
	require.NoError(t, err)
	require.Len(t, open.Items, 1)
	c := open.Items[0]
	assert.Len(t, c.Items, 6)
	_, err = h.Begin(h.as(boss), access.Begin{})
	require.ErrorIs(t, err, platform.ErrConflict, "one at a time")

	decide := func(by platform.ID, g platform.ID, keep bool) error {
		_, err := h.Decide(h.as(by), access.Decide{Campaign: c.ID, Grant: g, Keep: keep})
		return err
	}
	all, err := h.Grants(h.as(boss), access.Active, "", 0)
	require.NoError(t, err)
	for _, g := range all.Items {
		switch g.Account {
		case boss:
			require.ErrorIs(t, decide(boss, g.ID, true), access.ErrFourEyes)
			require.NoError(t, decide(deputy, g.ID, true))
		case deputy, keeper:
			require.NoError(t, decide(boss, g.ID, true))
		}
	}
	require.NoError(t, decide(boss, kept.ID, true))
	require.ErrorIs(t, decide(boss, kept.ID, false), platform.ErrInvalid, "decided already")
	require.NoError(t, decide(boss, gone.ID, false))
	h.pass(15 * 24 * time.Hour)
	require.ErrorIs(t, decide(boss, idle.ID, true), access.ErrCampaign, "too late")
	h.tick()

	for id, want := range map[platform.ID]access.State{kept.ID: access.Active, gone.ID: access.Revoked, idle.ID: access.Expired} {
		g, err := h.Grant(h.as(boss), id)
		require.NoError(t, err)
		assert.Equal(t, want, g.State)
	}
	c, err = h.Campaign(h.as(boss), c.ID)
	require.NoError(t, err)
	assert.Equal(t, access.Closed, c.State)
	assert.Equal(t, []string{"clerk"}, h.actor(clerk).Roles)
	assert.Zero(t, h.tick(), "until the next")
}

func TestTheLastDecisionClosesAReview(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.grant(clerk, "clerk")
	c, err := h.Begin(h.as(boss), access.Begin{Action: "access_test.bill"})
	require.NoError(t, err)
	for _, item := range c.Items {
		by := boss
		if item.Account == boss {
			by = deputy
		}
		c, err = h.Decide(h.as(by), access.Decide{Campaign: c.ID, Grant: item.Grant, Keep: true})
		require.NoError(t, err)
	}
	assert.Equal(t, access.Closed, c.State)
	_, err = h.Begin(h.as(boss), access.Begin{})
	require.NoError(t, err)
	_, err = h.Decide(h.as(boss), access.Decide{Campaign: c.ID, Grant: c.Items[0].Grant})
	require.ErrorIs(t, err, access.ErrCampaign)
}

func TestNothingToReview(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	_, err := h.Begin(h.as(boss), access.Begin{Action: "vault.reveal", Kind: "guest", Field: "shoe"})
	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, "access.nothing", platform.Code(err))
}

// TestAC9AllowedIsWhatTheCommandsDo: on records in every state, at any time, for
// any of the people, a move is listed exactly when its command succeeds.
func TestAC9AllowedIsWhatTheCommandsDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		h := open(t, &access.Options{Alone: true})
		h.grant(clerk, "clerk")
		accounts := []platform.ID{boss, deputy, keeper, clerk}
		draw := func(label string) platform.ID { return rapid.SampledFrom(accounts).Draw(r, label) }
		in := ask()
		in.Alone = rapid.Bool().Draw(r, "alone")
		b, err := h.Request(h.as(draw("requester")), in)
		require.NoError(r, err)
		g, err := h.Propose(h.as(boss), access.Propose{Account: draw("account"), Role: "cook", Reason: "x"})
		require.NoError(r, err)
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			h.pass(rapid.SampledFrom([]time.Duration{0, time.Minute, 2 * time.Hour, 5 * time.Hour, 50 * time.Hour}).Draw(r, "pass"))
			by := h.as(draw("by"))
			g, err = h.Grant(h.system(), g.ID)
			require.NoError(r, err)
			b, err = h.Break(h.system(), b.ID)
			require.NoError(r, err)
			if rapid.Bool().Draw(r, "look") {
				_ = h.see(look(h.actor(b.Account), "card", "police"))
				b, err = h.Break(h.system(), b.ID)
				require.NoError(r, err)
			}
			agrees(by, r, h, g, map[string]func(context.Context) error{
				"activate": func(ctx context.Context) error {
					_, err := h.Activate(ctx, access.Activate{Grant: g.ID})
					return err
				},
				"revoke": func(ctx context.Context) error {
					_, err := h.Revoke(ctx, access.Revoke{Grant: g.ID, Reason: "x"})
					return err
				},
			})
			agrees(by, r, h, b, map[string]func(context.Context) error{
				"approve": func(ctx context.Context) error { _, err := h.Approve(ctx, access.Approve{Break: b.ID}); return err },
				"refuse": func(ctx context.Context) error {
					_, err := h.Refuse(ctx, access.Refuse{Break: b.ID, Reason: "x"})
					return err
				},
				"review": func(ctx context.Context) error {
					_, err := h.Review(ctx, access.Review{Break: b.ID, Outcome: "justified"})
					return err
				},
			})
		}
	})
}

// agrees gives one of the commands, and compares how that went with what was
// listed. A role that lacks the command is another matter: the guard's.
func agrees[T interface {
	access.Grant | access.Break
	platform.Stored
}](by context.Context, r *rapid.T, h *house, record T, commands map[string]func(context.Context) error) {
	verbs := make([]string, 0, len(commands))
	for _, verb := range []string{"activate", "revoke", "approve", "refuse", "review"} {
		if commands[verb] != nil {
			verbs = append(verbs, verb)
		}
	}
	verb := rapid.SampledFrom(verbs).Draw(r, "verb")
	var open []string
	var err error
	switch v := any(record).(type) {
	case access.Grant:
		open, err = access.Allowed(by, h.Service, v)
	case access.Break:
		open, err = access.Allowed(by, h.Service, v)
	}
	require.NoError(r, err)
	actor, _ := platform.ActorOf(by)
	d, err := h.Why(by, platform.Act{Actor: actor, Action: "access." + verb, On: record.Ref()})
	require.NoError(r, err)
	failed := commands[verb](by)
	if !d.Allowed {
		require.ErrorIs(r, failed, access.ErrDenied)
		return
	}
	listed := false
	for _, o := range open {
		listed = listed || o == verb
	}
	require.Equal(r, listed, failed == nil, "%s of %s: listed %v, %v", verb, record.Ref(), open, failed)
}

// TestAC9AllowedIsWhatAReviewDoes: whatever was decided or ended before, a decision
// is listed exactly when there is a grant left on which its actor can decide, and
// each such decision succeeds.
func TestAC9AllowedIsWhatAReviewDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		h := open(t, nil)
		h.grant(clerk, "clerk")
		c, err := h.Begin(h.as(boss), access.Begin{})
		require.NoError(r, err)
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			h.pass(rapid.SampledFrom([]time.Duration{0, 0, 0, 24 * time.Hour, 8 * 24 * time.Hour}).Draw(r, "pass"))
			item := rapid.SampledFrom(c.Items).Draw(r, "item")
			if rapid.IntRange(0, 3).Draw(r, "revoke") == 0 && item.Role != "admin" {
				_, _ = h.Revoke(h.as(boss), access.Revoke{Grant: item.Grant, Reason: "left"})
			}
			who := rapid.SampledFrom([]platform.ID{boss, deputy, keeper, clerk}).Draw(r, "by")
			by := h.as(who)
			c, err = h.Campaign(h.system(), c.ID)
			require.NoError(r, err)
			open, err := access.Allowed(by, h.Service, c)
			require.NoError(r, err)
			d, err := h.Why(by, platform.Act{Actor: h.actor(who), Action: "access.decide", On: c.Ref()})
			require.NoError(r, err)
			left := slices.ContainsFunc(c.Items, func(i access.Item) bool { return i.Outcome == "" && i.Account != who })
			live := c.State == access.Open && h.clock().Before(c.Due)

			after, failed := h.Decide(by, access.Decide{Campaign: c.ID, Grant: item.Grant, Keep: rapid.Bool().Draw(r, "keep")})

			require.Equal(r, live && left, slices.Contains(open, "decide"))
			if !d.Allowed {
				require.ErrorIs(r, failed, access.ErrDenied)
				continue
			}
			i := slices.IndexFunc(c.Items, func(i access.Item) bool { return i.Grant == item.Grant })
			require.Equal(r, live && c.Items[i].Outcome == "" && item.Account != who, failed == nil, "%v", failed)
			if failed == nil {
				c = after
			}
		}
	})
}
