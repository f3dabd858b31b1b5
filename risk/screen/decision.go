package screen

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Decision is what a screening came to and why. Its id is that of the event
// under the prefix dcs. It never changes.
type Decision struct {
	platform.Head
	Event    platform.ID  `json:"event" class:"internal"`
	Type     string       `json:"type" class:"internal"` // of the event
	Subject  platform.Ref `json:"subject" class:"internal"`
	At       time.Time    `json:"at" class:"internal"`      // of the event, at most five minutes after the screening
	Counted  bool         `json:"counted" class:"internal"` // it is in the customer's window
	Facts    Facts        `json:"facts" class:"internal"`
	Outcome  Outcome      `json:"outcome" class:"internal"`
	Score    int          `json:"score" class:"internal"` // points of all hits
	Reasons  []Reason     `json:"reasons,omitempty" class:"internal"`
	Failures []string     `json:"failures,omitempty" class:"internal"` // codes, and rule ids after "unknown:"
	Ruleset  string       `json:"ruleset" class:"internal"`            // hash
	Rules    string       `json:"rules_version" class:"internal"`
}

// Facts are what was known of the event. What was missing or malformed is
// empty, and a failure code says so.
type Facts struct {
	Customer platform.ID    `json:"customer,omitempty"`
	Merchant platform.ID    `json:"merchant,omitempty"`
	Amount   platform.Money `json:"amount,omitzero"`
}

// Reason is a rule that hit.
type Reason struct {
	Rule    string  `json:"rule"`
	Version int     `json:"version"`
	Feature string  `json:"feature"`
	Minutes int     `json:"window_minutes,omitempty"`
	Value   string  `json:"value"` // "51000.00 CNY" or "11"
	Limit   string  `json:"limit"`
	Points  int     `json:"points,omitempty"`
	Outcome Outcome `json:"outcome,omitempty"`
}

// Ref names the decision.
func (d Decision) Ref() platform.Ref { return platform.Ref{Kind: kindDecision, ID: d.ID} }

// words are the outcomes for callers that know three.
var words = map[Outcome]string{Allow: "allow", StepUp: "block", Review: "review", Block: "block"}

// happened are the types of the decision's event.
var happened = map[Outcome]string{Allow: "screen.allowed", StepUp: "screen.stepped_up", Review: "screen.reviewed", Block: "screen.blocked"}

// input is an event as it is judged.
type input struct {
	event    platform.Event
	facts    Facts
	at       time.Time
	late     bool // too late to be counted
	unread   bool // the store could not be asked
	failures []string
}

// Bounds of an event's time beside the moment of screening.
const (
	ahead    = 5 * time.Minute
	lateness = 10 * time.Minute
)

// read takes from an event what rules can look at.
func read(ev platform.Event, now time.Time) input {
	in := input{event: ev, at: ev.At}
	switch {
	case ev.At.IsZero():
		in.at = now
		in.fail("time.missing")
	case ev.At.Sub(now) > ahead:
		in.at = now
		in.fail("time.ahead")
	case now.Sub(ev.At) > lateness:
		in.late = true
		in.fail("time.late")
	}
	var told map[string]json.RawMessage
	if json.Unmarshal(ev.Data, &told) != nil {
		in.fail("facts.unreadable")
	}
	in.facts = Facts{Customer: name(told["customer"]), Merchant: name(told["merchant"]), Amount: amount(told["amount"])}
	if in.facts.Customer == "" {
		in.fail("customer.missing")
	}
	if in.facts.Amount.Absent() {
		in.fail("amount.missing")
	}
	return in
}

func (in *input) fail(code string) { in.failures = append(in.failures, code) }

// name is an id, "" unless it is 1 to 64 visible ASCII characters.
func name(raw json.RawMessage) platform.ID {
	var text string
	if json.Unmarshal(raw, &text) != nil || len(text) > 64 {
		return ""
	}
	for _, c := range []byte(text) {
		if c < '!' || c > '~' {
			return ""
		}
	}
	return platform.ID(text)
}

func amount(raw json.RawMessage) platform.Money {
	var m platform.Money
	if json.Unmarshal(raw, &m) != nil || m.Sign() < 0 {
		return platform.Money{}
	}
	return m
}

// decide judges an event beside the customer's history, in which it is counted
// already. h is nil when that is not known.
func (k kind) decide(in input, h *history) Decision {
	d := Decision{
		Head: platform.Head{ID: in.event.ID.As(prefix)}, Event: in.event.ID, Type: in.event.Type, Subject: in.event.Subject,
		At: in.at, Counted: !in.late && in.facts.Customer != "", Facts: in.facts, Outcome: Allow,
		Failures: in.failures, Ruleset: k.hash, Rules: k.version,
	}
	f, failed := k.fill(in, h), in.unread
	for _, r := range k.rules {
		v := f.values[r.at]
		switch r.test(f, v) {
		case yes:
			d.Score += r.Points
			d.Outcome = harder(d.Outcome, r.Outcome)
			d.Reasons = append(d.Reasons, r.reason(f.currency, v))
		case unknown:
			failed = true
			d.Failures = append(d.Failures, "unknown:"+r.ID)
		}
	}
	d.Outcome = harder(d.Outcome, k.policy.scored(d.Score))
	if failed {
		d.Outcome = harder(d.Outcome, k.policy.failed(in.facts.Amount))
	}
	return d
}

func (p Policy) scored(points int) Outcome {
	reached := Allow
	for _, t := range []struct {
		at int
		to Outcome
	}{{p.StepUp, StepUp}, {p.Review, Review}, {p.Block, Block}} {
		if t.at > 0 && points >= t.at {
			reached = t.to
		}
	}
	return reached
}

// failed is what follows when a rule could not be judged.
func (p Policy) failed(amount platform.Money) Outcome {
	switch p.Failure {
	case "open":
		return Allow
	case "review":
		for _, most := range p.Tolerate {
			if c, err := amount.Cmp(most); err == nil && c <= 0 {
				return Allow
			}
		}
		return Review
	}
	return Block
}

func (r Rule) reason(c platform.Currency, v value) Reason {
	limit := r.Most
	for _, m := range r.Limits {
		if m.Currency() == c {
			limit = m.Minor()
		}
	}
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	if table[r.Feature].money {
		text = func(n int64) string {
			m, _ := platform.FromMinor(n, c) // both were money before
			return m.String()
		}
	}
	return Reason{
		Rule: r.ID, Version: r.Version, Feature: r.Feature, Minutes: r.Minutes,
		Value: text(v.n), Limit: text(limit), Points: r.Points, Outcome: r.Outcome,
	}
}

// Explain says the decision in words, a line for the outcome and one for each
// reason and failure; in Chinese for "zh…", otherwise in English.
func (d Decision) Explain(lang string) string {
	t := english
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		t = chinese
	}
	lines := []string{fmt.Sprintf(t.outcome, t.words[string(d.Outcome)], d.Score, d.Rules)}
	for _, r := range d.Reasons {
		over := t.words[r.Feature]
		if r.Minutes > 0 {
			over = fmt.Sprintf(t.window, over, r.Minutes)
		}
		effect := fmt.Sprintf(t.points, r.Points)
		if r.Outcome != "" {
			effect = t.words[string(r.Outcome)]
		}
		lines = append(lines, fmt.Sprintf(t.reason, r.Rule, r.Version, over, r.Value, r.Limit, effect))
	}
	for _, f := range d.Failures {
		lines = append(lines, fmt.Sprintf(t.failure, f))
	}
	return strings.Join(lines, "\n")
}

type texts struct {
	outcome, reason, window, points, failure string
	words                                    map[string]string
}

var english = texts{
	outcome: "%s with %d points under rules version %s",
	reason:  "%s v%d: %s is %s, above %s: %s",
	window:  "%s over %d minutes", points: "%d points", failure: "not known: %s",
	words: map[string]string{
		"allow": "allow", "step_up": "step up", "review": "review", "block": "block",
		"amount": "amount", "count": "attempts", "sum": "total amount",
	},
}

var chinese = texts{
	outcome: "结论：%s，得分 %d，规则版本 %s",
	reason:  "%s 第%d版：%s为 %s，超过 %s：%s",
	window:  "%s（%d 分钟内）", points: "%d 分", failure: "未知：%s",
	words: map[string]string{
		"allow": "放行", "step_up": "加强验证", "review": "人工复核", "block": "拦截",
		"amount": "金额", "count": "尝试次数", "sum": "累计金额",
	},
}
