package market_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/risk/screen"

	"github.com/liangding/platform/staff"

	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

// stage is a store that is changed for an empty one between two plays, and that
// lets somebody in before or after a commit of another.
type stage struct {
	store.Engine

	commits atomic.Int64 // since the play began to count
	at      int64        // the commit at which somebody comes in
	late    bool         // after it, not before it
	enter   func()       // nil for nobody
}

func (s *stage) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	enter, here := s.enter, s.commits.Add(1) == s.at
	if enter == nil || !here {
		return s.Engine.Commit(ctx, set)
	}
	s.enter = nil
	if s.late {
		defer enter()
	} else {
		enter()
	}
	return s.Engine.Commit(ctx, set)
}

// theatre is a market that plays the life of one order again and again, each time
// in an empty store.
type theatre struct {
	*market.Market

	t       *testing.T
	stage   *stage
	empty   func() store.Engine // for the next play
	clock   *storetest.Clock
	opened  time.Time
	scripts map[house]script
	script
	keys int
}

// script is how a play of a house begins: its people, and a store in which the order
// was just placed.
type script struct {
	cast    market.Cast
	members []platform.Actor
	order   platform.ID
	lines   []store.Line
}

var allKinds = market.Kinds()

func inMemory() store.Engine { return memory.New(allKinds, nil) }

func newTheatre(t *testing.T, seed uint64, empty func() store.Engine) *theatre {
	t.Helper()
	h := &theatre{t: t, empty: empty, scripts: map[house]script{}, opened: time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC)}
	h.stage, h.clock = &stage{Engine: empty()}, storetest.NewClock(h.opened)
	rules := screen.Rules{
		Version: "stage-1", Basis: "what the test is about", Owner: "test",
		Policies: []screen.Policy{{Event: "order.place", Failure: "closed"}, {Event: "payment.pay", Failure: "closed"}},
		Rules:    []screen.Rule{{ID: "dear", Version: 1, Event: "order.place", Feature: "amount", Limits: []platform.Money{yuan(10_000)}, Outcome: screen.Review}},
	}
	var err error
	h.Market, err = market.Open(h.stage, &market.Options{
		Now: h.clock.Now, IDs: storetest.IDs(seed), Rules: &rules,
		Dispatch: dispatch.Options{Policy: dispatch.Policy{FanOut: 2, CoolDown: -1}},
		Staff:    staff.Options{Terms: staff.Terms{Day: -1, Rest: -1, Buffer: -1}},
	})
	require.NoError(t, err)
	return h
}

// house is what an order is of: every mode that a listing has is in one of them.
type house string

// The houses: one with a member in a seat, accepted by the customer, and one that is
// under review, answered by its merchant, and finished by proof.
const (
	manned house = "manned"
	proved house = "proved"
)

// begin plays the first scene: an order of the house is placed.
func (h *theatre) begin(of house) error {
	h.stage.Engine, h.stage.enter = h.empty(), nil
	h.clock.Advance(h.opened.Sub(h.clock.Now()))
	if known, again := h.scripts[of]; again {
		h.script = known
		return h.stage.Load(h.t.Context(), func(yield func(store.Line, error) bool) {
			for _, line := range known.lines {
				if !yield(line, nil) {
					return
				}
			}
		})
	}
	if err := h.write(of); err != nil {
		return err
	}
	for line, err := range h.stage.Lines(h.t.Context()) {
		if err != nil {
			return err
		}
		h.lines = append(h.lines, line)
	}
	h.scripts[of] = h.script
	return nil
}

// write has an order of the house placed for the first time.
func (h *theatre) write(of house) (err error) {
	h.script = script{}
	if h.cast, err = h.Demo(h.t.Context()); err != nil {
		return err
	}
	other, err := h.second()
	if err != nil {
		return err
	}
	h.members = []platform.Actor{h.cast.Staff, other}
	listing, price := h.cast.Listing, h.cast.Price
	if of == proved {
		price = yuan(12_000)
		if listing, err = h.offered(price); err != nil {
			return err
		}
	}
	o, err := h.Orders.Place(h.as(h.cast.Customer), order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}, Total: price})
	h.order = o.ID
	return err
}

// second hires another member for the same work.
func (h *theatre) second() (platform.Actor, error) {
	by, now := h.as(h.cast.Operator), h.clock.Now()
	m, err := h.Staff.Hire(by, staff.Hire{Name: "Second member", Zone: h.cast.Zone})
	if err != nil {
		return platform.Actor{}, err
	}
	day := func(days int) staff.Day { return staff.Day(now.AddDate(0, 0, days).Format(time.DateOnly)) }
	always := []staff.Shift{{Starts: "00:00", Ends: "12:00", First: day(-1), Until: day(300)}, {Starts: "12:00", Ends: "00:00", First: day(-1), Until: day(300)}}
	if _, err = h.Staff.Grant(by, staff.Grant{Member: m.ID, Code: "cleaning", Level: 3, From: now.Add(-time.Hour)}); err != nil {
		return platform.Actor{}, err
	}
	if _, err = h.Staff.Activate(by, staff.Activate{Member: m.ID}); err != nil {
		return platform.Actor{}, err
	}
	_, err = h.Staff.Publish(by, staff.Publish{Member: m.ID, Shifts: always})
	return platform.Actor{ID: m.ID, Kind: platform.Staff}, err
}

// offered lists what the merchant carries out itself.
func (h *theatre) offered(price platform.Money) (platform.ID, error) {
	draft, err := h.Merchants.NewDraft(h.as(h.cast.Merchant), merchant.NewDraft{Content: &merchant.Content{
		Title: "House cleaning", Text: "All rooms of a house from the cellar to the roof, windows included.", Unit: "house", Price: price,
		Standard: merchant.Standard{Scope: "all rooms", Result: "free of dust", Warranty: "cleaned again within a week"},
		Minutes:  120, Zone: h.cast.Zone, Proof: []string{"photo"}, Acceptance: "proof", Confirmation: "manual",
	}})
	if err != nil {
		return "", err
	}
	if _, err = h.Merchants.SubmitDraft(h.as(h.cast.Merchant), merchant.SubmitDraft{Revision: draft.ID}); err != nil {
		return "", err
	}
	_, err = h.Merchants.ApproveRevision(h.as(h.cast.Operator), merchant.ApproveRevision{Revision: draft.ID})
	return draft.Listing, err
}

func (h *theatre) as(who platform.Actor) context.Context {
	return platform.As(h.t.Context(), who)
}

// actors are those who may act, by their part.
func (h *theatre) actors() map[string]platform.Actor {
	return map[string]platform.Actor{
		"customer": h.cast.Customer, "merchant": h.cast.Merchant, "operator": h.cast.Operator, "second": h.cast.Second,
		"member": h.members[0], "other": h.members[1],
	}
}

// props are the records of the order as they lie there, by the prefix of their ids,
// the oldest first.
type props map[string][]prop

type prop struct {
	id    platform.ID
	state string
	text  string // masked
	doc   map[string]any
}

// rest is what tells two records in one state apart: what one of them waits for.
func (p prop) rest() string {
	text := fmt.Sprint(p.doc["offer"] != nil, p.doc["proposed"] != nil)
	if rulings, _ := p.doc["rulings"].([]any); len(rulings) > 0 {
		last, _ := rulings[len(rulings)-1].(map[string]any)
		text += fmt.Sprint(last["basis"], last["final"])
	}
	return text
}

// look reads them.
func (h *theatre) look() (props, error) {
	all := props{}
	for line, err := range h.stage.Lines(h.t.Context()) {
		if err != nil {
			return nil, err
		}
		if line.ID.Slot() != h.order.Slot() || !bytes.Contains(line.Doc, []byte(h.order)) || line.Kind == "event" {
			continue
		}
		p := prop{id: line.ID, text: masked(line.Doc)}
		if err := json.Unmarshal(line.Doc, &p.doc); err != nil {
			return nil, err
		}
		p.state, _ = p.doc["state"].(string)
		all[line.ID.Prefix()] = append(all[line.ID.Prefix()], p)
	}
	place := func(p prop) string { // ids of two plays differ, and so does their order
		return fmt.Sprint(p.doc["at"], p.doc["offered"], p.doc["member"] == string(h.members[1].ID), p.text)
	}
	for _, those := range all {
		slices.SortFunc(those, func(a, b prop) int { return cmp.Compare(place(a), place(b)) })
	}
	return all, nil
}

// states are those of the records with a prefix, each once.
func (p props) states(prefix string) string {
	var all []string
	for _, one := range p[prefix] {
		all = append(all, one.state)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ",")
}

// due is the next moment at which something is to happen by itself: to the order, or
// to what hangs on it.
func (h *theatre) due(all props, itself bool) (next time.Time) {
	now := h.clock.Now()
	note := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if o, err := h.Orders.Order(h.as(h.cast.Operator), h.order); err == nil && itself {
		note(o.Due())
		return next
	}
	for _, those := range all {
		for _, one := range those {
			for _, name := range []string{"due", "deadline"} {
				text, _ := one.doc[name].(string)
				if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
					note(at)
				}
			}
		}
	}
	return next
}

// ids, hashes and what is sealed differ between two plays that are the same.
var (
	anID  = regexp.MustCompile(`\b([a-z]{3})_[0-9a-hjkmnp-tv-z]{26}`)
	aHash = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	aPlay = regexp.MustCompile(`play-[0-9]+`)
	aName = regexp.MustCompile(`"(sealed|reference|notice|dispute)":"[^"]*"`)
)

func masked(doc []byte) string {
	doc = anID.ReplaceAll(doc, []byte("$1"))
	doc = aPlay.ReplaceAll(aHash.ReplaceAll(doc, []byte("#")), []byte("key"))
	return string(aName.ReplaceAll(doc, []byte(`"$1"`)))
}

// picture is all that lies in the store but the answers under their keys: records,
// counters with their movements, and events.
func (h *theatre) picture() (string, error) {
	var all []string
	for line, err := range h.stage.Lines(h.t.Context()) {
		if err != nil {
			return "", err
		}
		if line.Answer != nil || line.Pending != "" || line.Leaf != "" || line.Hash != nil {
			continue
		}
		if line.Kind == "screen.decision" { // what a payment was screened for may be more than was left to pay
			continue
		}
		all = append(all, line.Kind+" "+masked(line.Doc))
	}
	slices.Sort(all)
	return strings.Join(all, "\n"), nil
}
