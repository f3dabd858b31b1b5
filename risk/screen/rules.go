package screen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/liangding/platform"
)

// Outcome is what a screening says.
type Outcome string

// The outcomes, from harmless to hard. Callers that know three words are told
// block for a step_up.
const (
	Allow  Outcome = "allow"
	StepUp Outcome = "step_up"
	Review Outcome = "review"
	Block  Outcome = "block"
)

var ranks = []Outcome{Allow, StepUp, Review, Block}

func harder(a, b Outcome) Outcome {
	if slices.Index(ranks, b) > slices.Index(ranks, a) {
		return b
	}
	return a
}

// Rules are the rules as data. Load them with [Load], or compile a literal.
type Rules struct {
	Version  string   `json:"version" validate:"required,text=32"`
	Basis    string   `json:"basis" validate:"required,text=200"` // the law or policy that they follow (clause 1.3.1)
	Owner    string   `json:"owner" validate:"required,text=64"`
	Policies []Policy `json:"policies" validate:"min=1,max=100,dive"`
	Rules    []Rule   `json:"rules" validate:"max=2000,dive"`
}

// Policy says for one type of event at how many points which outcome begins,
// and what happens when something that a rule needs is missing or unreadable.
type Policy struct {
	Event string `json:"event" validate:"required,text=64"`

	// Failure is open (allowed and flagged), review or closed (blocked).
	Failure string `json:"failure" validate:"oneof=open review closed" code:"screen.policy"`

	// Tolerate opens Failure review for amounts up to the one of their currency.
	Tolerate []platform.Money `json:"tolerate,omitempty"`

	// The points from which on an outcome holds; 0 is never.
	StepUp int `json:"step_up,omitempty" validate:"min=0" code:"screen.threshold"`
	Review int `json:"review,omitempty" validate:"min=0" code:"screen.threshold"`
	Block  int `json:"block,omitempty" validate:"min=0" code:"screen.threshold"`

	// Millis bound the reads of one screening, in real time; 0 leaves that to the
	// caller. Who bounds them lets Failure decide on a slow machine.
	Millis int `json:"deadline_ms,omitempty" validate:"min=0,max=10000"`
}

// Rule hits when its feature of an event is above its limit.
type Rule struct {
	ID      string `json:"id" validate:"required,text=64"`
	Version int    `json:"version" validate:"min=1"`
	Event   string `json:"event" validate:"required,text=64"`

	// Feature is amount (of this event), count (of the customer's attempts in
	// the window, this one included) or sum (of their amounts in this event's
	// currency).
	Feature string `json:"feature"`
	Minutes int    `json:"window_minutes,omitempty"` // 1 to 129,600, for count and sum

	Most   int64            `json:"most,omitempty"`   // count: hits above it
	Limits []platform.Money `json:"limits,omitempty"` // amount, sum: hits above the one of the event's currency

	Points  int     `json:"points,omitempty" validate:"min=-1000,max=1000"` // added up with those of other hits
	Outcome Outcome `json:"outcome,omitempty"`                              // at once, whatever the points
}

// Ruleset is rules that are sound and ready to judge. It never changes; make it
// with [Load] or [Rules.Compile].
type Ruleset struct {
	hash, version string
	kinds         map[string]kind
}

// Hash is the SHA-256 of the rules, in hex: their identity.
func (r Ruleset) Hash() string { return r.hash }

// kind is what holds for one type of event.
type kind struct {
	hash, version string
	policy        Policy
	features      []feature
	rules         []compiled
}

// compiled is a rule as a predicate over the table of features.
type compiled struct {
	Rule
	at   int // its feature
	test predicate
}

// Load reads rules from JSON and compiles them. A member that is unknown, and
// anything after the end, is refused with [ErrRules].
func Load(text []byte) (Ruleset, error) {
	var r Rules
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Ruleset{}, fmt.Errorf("read rules near byte %d: %w", d.InputOffset(), ErrRules)
	}
	if _, err := d.Token(); err != io.EOF {
		return Ruleset{}, fmt.Errorf("read rules: more after byte %d: %w", d.InputOffset(), ErrRules)
	}
	return r.Compile()
}

// Compile checks the rules and makes them ready. It fails with FieldErrors that
// name every fault by its position, as in "rules[2].feature".
func (r Rules) Compile() (Ruleset, error) {
	if err := platform.Validate(r); err != nil {
		return Ruleset{}, err
	}
	if faults := r.faults(); len(faults) > 0 {
		return Ruleset{}, faults
	}
	text, err := json.Marshal(r)
	if err != nil {
		return Ruleset{}, fmt.Errorf("write rules: %w", ErrRules)
	}
	sum := sha256.Sum256(text)
	set := Ruleset{hash: hex.EncodeToString(sum[:]), version: r.Version, kinds: map[string]kind{}}
	for _, p := range r.Policies {
		k := kind{hash: set.hash, version: r.Version, policy: p}
		for _, rule := range r.Rules {
			if rule.Event == p.Event {
				k.rules = append(k.rules, compiled{Rule: rule, at: k.declare(rule), test: rule.predicate()})
			}
		}
		set.kinds[p.Event] = k
	}
	return set, nil
}

// declare is the position of the rule's feature in the table.
func (k *kind) declare(r Rule) int {
	f := feature{name: r.Feature, minutes: r.Minutes}
	at := slices.Index(k.features, f)
	if at < 0 {
		at, k.features = len(k.features), append(k.features, f)
	}
	return at
}

func (r Rules) faults() (found platform.FieldErrors) {
	wrong := func(path string, err error) { found = append(found, platform.Wrong(path, err)...) }
	events, ids := map[string]bool{}, map[string]bool{}
	for i, p := range r.Policies {
		at := fmt.Sprintf("policies[%d]", i)
		if events[p.Event] {
			wrong(at+".event", errTwice)
		}
		events[p.Event] = true
		if !rising(p.StepUp, p.Review, p.Block) {
			wrong(at, errThreshold)
		}
		if !distinct(p.Tolerate) {
			wrong(at+".tolerate", errLimit)
		}
	}
	for i, rule := range r.Rules {
		at := fmt.Sprintf("rules[%d].", i)
		if ids[rule.ID] {
			wrong(at+"id", errTwice)
		}
		ids[rule.ID] = true
		if !events[rule.Event] {
			wrong(at+"event", ErrNoPolicy)
		}
		for path, err := range rule.faults() {
			wrong(at+path, err)
		}
	}
	return found
}

const longest = 90 * 24 * 60 // minutes

func (r Rule) faults() map[string]error {
	shape, known := table[r.Feature]
	if !known {
		return map[string]error{"feature": errFeature}
	}
	found := map[string]error{}
	if shape.windowed != (r.Minutes != 0) || r.Minutes < 0 || r.Minutes > longest {
		found["window_minutes"] = errWindow
	}
	if shape.money && (r.Most != 0 || len(r.Limits) == 0 || !distinct(r.Limits)) {
		found["limits"] = errLimit
	}
	if !shape.money && (len(r.Limits) > 0 || r.Most < 0 || r.Most >= kept) {
		found["most"] = errLimit
	}
	hard := slices.Index(ranks, r.Outcome) > 0
	if hard == (r.Points != 0) || r.Outcome != "" && !hard {
		found["outcome"] = errEffect
	}
	return found
}

// rising tells whether those that are set are in order.
func rising(thresholds ...int) bool {
	last := 0
	for _, t := range thresholds {
		if t != 0 && t <= last {
			return false
		}
		last = max(last, t)
	}
	return true
}

// distinct tells whether the amounts are of different currencies, none absent
// or negative.
func distinct(amounts []platform.Money) bool {
	seen := map[platform.Currency]bool{}
	for _, m := range amounts {
		if m.Absent() || m.Sign() < 0 || seen[m.Currency()] {
			return false
		}
		seen[m.Currency()] = true
	}
	return true
}

// Standard is rules to begin with, for order.place and payment.pay: a review
// above 50,000.00 CNY or its like, a block above 500,000.00, a review of many
// attempts in an hour; and for payout.plan, of which the party is the customer: a
// review above 500,000.00 and of many in a day. Without features, orders pass and larger payments wait;
// reads are not bounded, so that no verdict depends on the machine's speed.
func Standard() Rules {
	like := func(cny, other, yen string) []platform.Money {
		return []platform.Money{
			platform.MustMoney(cny, "CNY"), platform.MustMoney(cny, "HKD"),
			platform.MustMoney(other, "EUR"), platform.MustMoney(other, "USD"), platform.MustMoney(yen, "JPY"),
		}
	}
	high, most := like("50000", "7000", "1000000"), like("500000", "70000", "10000000")
	return Rules{
		Version: "1", Basis: "platform terms, transaction safety", Owner: "risk",
		Policies: []Policy{
			{Event: "order.place", Failure: "open", Review: 50, Block: 200},
			{Event: "payment.pay", Failure: "review", Tolerate: like("200", "30", "4000"), Review: 50, Block: 200},
			{Event: "payout.plan", Failure: "review", Review: 50, Block: 200},
		},
		Rules: []Rule{
			{ID: "order.amount_most", Version: 1, Event: "order.place", Feature: "amount", Limits: most, Outcome: Block},
			{ID: "order.amount_high", Version: 1, Event: "order.place", Feature: "amount", Limits: high, Outcome: Review},
			{ID: "order.many", Version: 1, Event: "order.place", Feature: "count", Minutes: 60, Most: 20, Points: 60},
			{ID: "order.much", Version: 1, Event: "order.place", Feature: "sum", Minutes: 24 * 60, Limits: most, Points: 60},
			{ID: "payment.amount_most", Version: 1, Event: "payment.pay", Feature: "amount", Limits: most, Outcome: Block},
			{ID: "payment.amount_high", Version: 1, Event: "payment.pay", Feature: "amount", Limits: high, Outcome: Review},
			{ID: "payment.many", Version: 1, Event: "payment.pay", Feature: "count", Minutes: 60, Most: 20, Points: 60},
			{ID: "payout.amount_most", Version: 1, Event: "payout.plan", Feature: "amount", Limits: most, Outcome: Review},
			{ID: "payout.many", Version: 1, Event: "payout.plan", Feature: "count", Minutes: 24 * 60, Most: 5, Points: 60},
		},
	}
}
