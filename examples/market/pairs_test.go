package market_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
)

// perScene is how many pairs are raced from each state, of states that are told apart
// coarsely: one. PAIRS is another number, or all, of states told apart finely. With the
// race detector only the first states are seen.
func perScene(t *testing.T) (n, states int, all bool) {
	t.Helper()
	switch text, set := os.LookupEnv("PAIRS"); {
	case text == "all":
		return 0, 0, true
	case set:
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n, 0, false
	case raced || testing.Short():
		return 1, 12, false
	}
	return 1, 0, false
}

// scene is a state of an order that can be reached, how, and what takes effect there.
type scene struct {
	of   house
	path []act
	open []act
}

func (s scene) String() string {
	var steps []string
	for _, a := range s.path {
		steps = append(steps, a.String())
	}
	return fmt.Sprintf("%s: %s", s.of, strings.Join(steps, "; "))
}

// play brings the market to the scene.
func (h *theatre) play(s scene) (props, error) {
	if err := h.begin(s.of); err != nil {
		return nil, err
	}
	for _, a := range s.path {
		seen, err := h.look()
		if err != nil {
			return nil, err
		}
		do := h.prepare(a, seen)
		if do == nil {
			return nil, fmt.Errorf("%s cannot be done", a)
		}
		if _, err := do(); err != nil {
			return nil, fmt.Errorf("%s: %w", a, err)
		}
	}
	return h.look()
}

// signs are what tells a scene from others: the state of the order, what each may do
// with it, and the states of the records that hang on it; if finely, of these each
// with the order's own.
func (h *theatre) signs(of house, seen props, finely bool) (all []string, state string) {
	for _, o := range seen["ord"] {
		state = o.state
	}
	sign := fmt.Sprint(of, " order ", state)
	if o, err := h.Orders.Order(h.as(h.cast.Operator), h.order); err == nil {
		now := h.clock.Now()
		each := map[string][]string{}
		for who, actor := range h.actors() {
			each[who] = o.Allowed(actor, now)
		}
		sign += fmt.Sprint(" due ", !o.Due().IsZero() && !o.Due().After(now), " starts ", slices.Contains(each["merchant"], "start"))
		if finely {
			sign += fmt.Sprint(each) // in the order of its keys
		}
	}
	all = append(all, sign)
	for _, prefix := range sorted(seen) {
		for _, one := range seen[prefix] {
			if one.state == "" || prefix == "ord" {
				continue
			}
			if sign = fmt.Sprint(of, " ", prefix, " ", one.state, one.rest()); finely {
				sign += " of " + state
			}
			all = append(all, sign)
		}
	}
	return all, state
}

// repertoire is what was found by trying everything in every state that can be
// reached.
type repertoire struct {
	scenes   []scene
	parts    map[string]bool    // that took effect somewhere
	commands map[string]bool    // the same, whoever gave them
	moves    map[[2]string]bool // of the order, from where to where
	barred   map[string]bool    // parts that are nobody's of this kind
	known    map[string]bool    // signs
}

// explored tries everything everywhere. If not finely, it is once enough that an act
// takes effect, whoever does it. What never took effect is tried again later in each
// state: some acts wait for a time that nothing falls due at. It stops after so many
// states; 0 is all.
func (h *theatre) explored(finely bool, states int) *repertoire {
	r := &repertoire{moves: map[[2]string]bool{}, parts: map[string]bool{}, commands: map[string]bool{}, barred: map[string]bool{}, known: map[string]bool{}}
	for queue := []scene{{of: manned}, {of: proved}}; len(queue) > 0 && (states == 0 || len(r.scenes) < states); queue = queue[1:] {
		s := queue[0]
		found, open := h.tried(r, s, finely, func(act) bool { return true })
		s.open = open
		r.scenes, queue = append(r.scenes, s), append(queue, found...)
		for _, wait := range []string{halfAnHour, aWeek} {
			later := scene{of: s.of, path: append(slices.Clip(s.path), act{room: wait})}
			found, open := h.tried(r, later, false, func(a act) bool { return a.command != nil && !r.commands[a.command.String()] })
			if len(open) > 0 {
				queue = append(append(queue, later), found...)
			}
		}
	}
	return r
}

// tried tries the acts in a scene, and tells to which scenes they lead that are new,
// and which of them took effect.
func (h *theatre) tried(r *repertoire, s scene, finely bool, which func(act) bool) (found []scene, open []act) {
	t := h.t
	seen, err := h.play(s)
	require.NoError(t, err, s)
	_, state := h.signs(s.of, seen, finely)
	done := map[string]bool{}
	for _, a := range h.acts() {
		same := fmt.Sprint(a.part(), a.last, a.choice)
		if !finely && a.command != nil {
			same = fmt.Sprint(a.command, a.choice)
		}
		if done[same] || r.barred[a.part()] || !which(a) {
			continue
		}
		do := h.prepare(a, seen)
		if do == nil {
			continue
		}
		commits, at := h.stage.commits.Load(), h.clock.Now()
		_, err := do()
		if err != nil && (platform.Code(err) == "access.denied" || strings.HasSuffix(platform.Code(err), ".actor_not_allowed")) {
			r.barred[a.part()] = true
		}
		if h.stage.commits.Load() == commits && h.clock.Now().Equal(at) {
			continue
		}
		if err == nil {
			done[same] = true
			if h.note(r, &found, scene{of: s.of, path: append(slices.Clip(s.path), a)}, state, finely); !a.passes() {
				open = append(open, a)
			}
		}
		seen, err = h.play(s)
		require.NoError(t, err, s)
	}
	return found, open
}

// note takes up where an act led, from a state of the order.
func (h *theatre) note(r *repertoire, found *[]scene, next scene, state string, finely bool) {
	after, err := h.look()
	require.NoError(h.t, err)
	signs, now := h.signs(next.of, after, finely)
	last := next.path[len(next.path)-1]
	r.moves[[2]string{state, now}], r.parts[last.part()] = true, true
	if last.command != nil {
		r.commands[last.command.String()] = true
	}
	if slices.ContainsFunc(signs, func(sign string) bool { return !r.known[sign] }) {
		*found = append(*found, next)
	}
	for _, sign := range signs {
		r.known[sign] = true
	}
}

// outcome is what both callers were told, and what is in the store after that.
type outcome struct {
	told    [2]string
	picture string
}

// told is an answer as its caller has it, but for what differs in two plays.
func told(answer any, err error) string {
	if err != nil {
		var state any
		if detail, ok := errors.AsType[interface {
			error
			Details() map[string]any
		}](err); ok {
			state = detail.Details()["state"]
		}
		return fmt.Sprint("refused: ", platform.Code(err), " ", state)
	}
	if _, fired := answer.(int); fired { // of a tick, which counts what others fired too
		return "ticked"
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err.Error()
	}
	return masked(text)
}

// pair is two acts on the same order, each prepared before the other is done.
type pair struct {
	scene
	acts [2]act
	same bool // one command under one key
}

func (p pair) String() string {
	return fmt.Sprintf("%s\n   with: %s\n  after: %s", p.acts[0], p.acts[1], p.scene)
}

// ready brings the market to the scene with both acts prepared.
func (h *theatre) ready(p pair) (do [2]func() (any, error), err error) {
	seen, err := h.play(p.scene)
	if err != nil {
		return do, err
	}
	for i, a := range p.acts {
		if do[i] = h.prepare(a, seen); do[i] == nil {
			return do, fmt.Errorf("%s cannot be done", a)
		}
	}
	if p.same {
		do[1] = do[0]
	}
	h.stage.commits.Store(0)
	return do, nil
}

// inside plays one act, and the other as a whole before or after a commit of the
// first, or when it is over if that never comes. It tells how often the first
// committed by itself.
func (h *theatre) inside(p pair, first int, at int64, late bool) (out outcome, commits int64, err error) {
	do, err := h.ready(p)
	if err != nil {
		return out, 0, err
	}
	other := 1 - first
	entered := false
	enter := func() {
		entered = true
		before := h.stage.commits.Load()
		out.told[other] = told(do[other]())
		commits -= h.stage.commits.Load() - before
	}
	h.stage.at, h.stage.late, h.stage.enter = at, late, enter
	out.told[first] = told(do[first]())
	if h.stage.enter = nil; !entered {
		enter()
	}
	commits += h.stage.commits.Load()
	out.picture, err = h.picture()
	return out, commits, err
}

// lastly is a commit that no act comes to.
const lastly = 1 << 30

// legal are the outcomes of the pair when nothing happens at once: each act as a
// whole before or after the other, or between two commits of it.
func (h *theatre) legal(p pair) (all []outcome, commits [2]int64, err error) {
	for first := range 2 {
		out, n, err := h.inside(p, first, lastly, true)
		if err != nil {
			return nil, commits, err
		}
		all, commits[first] = append(all, out), n
		for at := int64(1); at <= n; at++ {
			for _, late := range []bool{true, false} {
				if late && at == n || !late && !p.acts[first].plans() {
					continue
				}
				if out, _, err = h.inside(p, first, at, late); err != nil {
					return nil, commits, err
				}
				all = append(all, out)
			}
		}
	}
	return all, commits, nil
}

// race plays the pair every way in which one may come between the other's reads and
// its commit, and at last with both at once, and holds each outcome against those
// that are legal.
func (h *theatre) race(p pair) {
	legal, commits, err := h.legal(p)
	if !assert.NoError(h.t, err, p) {
		return
	}
	for first := range 2 {
		for at := int64(1); at <= commits[first]; at++ {
			out, _, err := h.inside(p, first, at, false)
			if assert.NoError(h.t, err, p) {
				h.judge(p, fmt.Sprintf("the other came before commit %d of %s", at, p.acts[first]), out, legal)
			}
		}
	}
	out, err := h.together(p)
	if assert.NoError(h.t, err, p) {
		h.judge(p, "both at once", out, legal)
	}
	_, err = h.Verify(h.t.Context(), func(f store.Finding) { assert.Fail(h.t, f.String(), p) })
	assert.NoError(h.t, err, p)
}

// together plays both at once.
func (h *theatre) together(p pair) (out outcome, err error) {
	do, err := h.ready(p)
	if err != nil {
		return out, err
	}
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range do {
		done.Go(func() {
			start.Wait()
			out.told[i] = told(do[i]())
		})
	}
	start.Done()
	done.Wait()
	out.picture, err = h.picture()
	return out, err
}

// judge fails unless the outcome is one of the legal.
func (h *theatre) judge(p pair, how string, out outcome, legal []outcome) {
	if slices.Contains(legal, out) || h.late(p, out, legal) {
		return
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n    how: %s\n", p, how)
	alike := legal[0]
	for i, told := range out.told {
		fmt.Fprintf(&text, "%6d: told %.300s\n", i, told)
	}
	for _, l := range legal {
		for i, told := range l.told {
			fmt.Fprintf(&text, "  legal: %d told %.300s\n", i, told)
		}
		if l.told == out.told {
			alike = l
		}
	}
	has, had := strings.Split(out.picture, "\n"), strings.Split(alike.picture, "\n")
	for _, line := range apartFrom(has, had) {
		fmt.Fprintf(&text, "      + %s\n", line)
	}
	for _, line := range apartFrom(had, has) {
		fmt.Fprintf(&text, "      - %s\n", line)
	}
	assert.Fail(h.t, "no order of the two has this outcome", text.String())
}

// late tells whether nothing differs but for an offer that was made while the order
// ended: its end may miss it, and then it is withdrawn once the end is known.
func (h *theatre) late(p pair, out outcome, legal []outcome) bool {
	if !slices.ContainsFunc(legal, func(l outcome) bool {
		return l.told == out.told && withoutOffers(l.picture) == withoutOffers(out.picture)
	}) {
		return false
	}
	seen, err := h.look()
	if !assert.NoError(h.t, err, p) || !strings.Contains(seen.states("asg"), "offered") {
		return false
	}
	assert.Contains(h.t, []string{"cancelled", "declined"}, seen.states("ord"), p)
	h.clock.Advance(24 * time.Hour)
	_, err = h.Dispatch.Tick(h.as(platform.SystemActor("clock")), h.clock.Now(), 0)
	assert.NoError(h.t, err, p)
	seen, err = h.look()
	assert.NoError(h.t, err, p)
	return assert.NotContains(h.t, seen.states("asg"), "offered", p)
}

// withoutOffers is a picture without what offers leave.
func withoutOffers(picture string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(picture, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "dispatch.") || strings.Contains(line, `"counter/offers:`) || strings.Contains(line, `"type":"assignment.`)
	}), "\n")
}

// apartFrom are the lines that others lack.
func apartFrom(lines, others []string) (all []string) {
	count := map[string]int{}
	for _, l := range others {
		count[l]++
	}
	for _, l := range lines {
		if count[l]--; count[l] < 0 {
			all = append(all, l)
		}
	}
	return all
}

// Two acts at once on one order, from every state that can be reached by what the
// rooms' commands do: the outcome is that of one after the other, with what each was
// told, and what is stored proves itself. Acts and states are found, not listed: a
// command that is new is raced, or named here until it can be given.
func TestEveryPairOfCommandsHasOneLegalOutcome(t *testing.T) {
	t.Parallel()
	n, states, all := perScene(t)
	h := newTheatre(t, 1, inMemory)
	r := h.explored(all, states)
	if states == 0 {
		h.complete(r, all)
	}
	chance, raced := rand.New(rand.NewPCG(1, 2)), 0
	for _, s := range r.scenes {
		pairs := h.pairs(r, s)
		chance.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		if !all {
			pairs = pairs[:min(n, len(pairs))]
		}
		for _, p := range pairs {
			h.race(p)
		}
		raced += len(pairs)
	}
	t.Logf("%d states, %d races", len(r.scenes), raced)
}

// complete fails for a command that never took effect, and for a move of the order
// that was never made.
func (h *theatre) complete(r *repertoire, finely bool) {
	for room, of := range h.rooms() {
		for _, c := range commands(of) {
			_, not := apart[c.String()]
			assert.NotEqual(h.t, not, r.commands[c.String()], "of %s: %s takes effect nowhere, or stands in apart in vain", room, c)
		}
	}
	reached := map[order.State]bool{}
	for move := range r.moves {
		reached[order.State(move[1])] = true
	}
	for _, row := range order.Moves() {
		for _, from := range row.From {
			if from == "" || row.To == "" {
				continue
			}
			assert.True(h.t, reached[row.To], "no order comes to %s", row.To)
			assert.True(h.t, !finely || r.moves[[2]string{string(from), string(row.To)}], "no order goes from %s to %s, as %s has it", from, row.To, row.Verb)
		}
	}
}

// pairs are what takes effect in a scene with everything that may be done there by
// somebody, itself included: twice by one caller, and once by two.
func (h *theatre) pairs(r *repertoire, s scene) (all []pair) {
	seen, err := h.play(s)
	require.NoError(h.t, err)
	for i, a := range s.open {
		all = append(all, pair{scene: s, acts: [2]act{a, a}, same: a.command != nil})
		for _, b := range h.acts() {
			if b.passes() || !r.parts[b.part()] || slices.Contains(s.open[:i], b) || h.prepare(b, seen) == nil {
				continue
			}
			all = append(all, pair{scene: s, acts: [2]act{a, b}})
		}
	}
	return all
}
