package fee

import (
	"regexp"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// State is where a schedule stands. Published and discarded are for ever.
type State string

// The states of a schedule.
const (
	Drafted   State = "draft"
	Published State = "published"
	Discarded State = "discarded"
)

// Schedule is one version of a tariff. Once it is published nothing of it
// changes; what comes next is another version.
type Schedule struct {
	platform.Head
	Name        string            `json:"name" class:"internal"`
	Number      int               `json:"number,omitempty" class:"internal"` // 1, 2, 3 … of the name and currency; 0 for a draft
	State       State             `json:"state" class:"internal"`
	Currency    platform.Currency `json:"currency,omitzero" class:"internal"` // none: any, for what names no amount
	From        time.Time         `json:"from,omitzero" class:"internal"`
	Until       time.Time         `json:"until,omitzero" class:"internal"` // zero: until there is a next one
	Components  []Component       `json:"components" class:"internal"`     // in the order of work
	By          platform.ID       `json:"by,omitempty" class:"internal"`   // who drafted it
	At          time.Time         `json:"at,omitzero" class:"internal"`
	PublishedBy platform.ID       `json:"published_by,omitempty" class:"internal"`
	PublishedAt time.Time         `json:"published_at,omitzero" class:"internal"`
}

// Ref names the schedule.
func (s Schedule) Ref() platform.Ref { return platform.Ref{Kind: scheduleKind, ID: s.ID} }

// Label names the version for ever: "standard-2".
func (s Schedule) Label() string { return s.Name + "-" + strconv.Itoa(s.Number) }

// Component is one thing that the platform takes money for.
type Component struct {
	Name      string            `json:"name"`               // commission, payment_fee, service_fee, placement …
	Payer     Payer             `json:"payer"`              // if empty, the merchant
	Per       Per               `json:"per"`                // if empty, the order
	Back      Back              `json:"back"`               // if empty, in proportion
	Tax       decimal.Decimal   `json:"tax"`                // rate on the component: 0.06 is 6 %
	Exclusive bool              `json:"exclusive"`          // the tax comes on top; otherwise it is inside
	Rounding  platform.Rounding `json:"rounding,omitempty"` // of the amount and of its tax, once each; if empty, HalfEven
	Rules     []Rule            `json:"rules"`              // the first that matches decides; the last matches all
}

// Payer is who bears a component.
type Payer string

// The payers. What the merchant pays is inside the price, what the customer pays
// comes on top of it.
const (
	Merchant Payer = "merchant"
	Customer Payer = "customer"
)

// Per is what a component is reckoned on.
type Per string

// By order: all lines that one rule matches, together; by line: each for itself.
const (
	Order Per = "order"
	Line  Per = "line"
)

// Back is what becomes of a component when its line is given back.
type Back string

// ProRata gives it back as the line is; the others leave it to the platform, once
// there was a sale.
const (
	ProRata     Back = "pro_rata"
	Kept        Back = "kept"
	KeptAtFault Back = "kept_if_customer_fault"
)

// Rule says what a component costs where it matches: rate of the base and a
// fixed amount, within bounds.
type Rule struct {
	ID    string          `json:"id"`
	When  Match           `json:"when,omitzero"`
	Rate  decimal.Decimal `json:"rate"` // 0.1 is 10 %; without meaning where there are tiers
	Fixed platform.Money  `json:"fixed,omitzero"`
	Min   platform.Money  `json:"min,omitzero"`
	Max   platform.Money  `json:"max,omitzero"`
	Tiers []Tier          `json:"tiers,omitempty"`
	By    Tiering         `json:"by,omitempty"` // how tiers are read; with tiers only
}

// Tiering is how a table of tiers is read.
type Tiering string

// Marginal takes each slice of the base at its own rate, Whole all of it at the
// rate of the tier that it lies in, Volume all of it at the rate of the tier that
// the merchant's volume of the previous closed month lies in.
const (
	Marginal Tiering = "marginal"
	Whole    Tiering = "whole"
	Volume   Tiering = "volume"
)

// Tier is a rate from a lower bound on.
type Tier struct {
	From platform.Money  `json:"from"`
	Rate decimal.Decimal `json:"rate"`
}

// Match says to what a rule applies. What is left empty matches all; the amounts
// are a band of the order's price, its lower bound included.
type Match struct {
	Kinds      []string       `json:"kinds,omitempty"` // of lines: service, freight …
	Categories []string       `json:"categories,omitempty"`
	Cities     []string       `json:"cities,omitempty"`
	Tiers      []string       `json:"tiers,omitempty"` // of the merchant
	Channels   []string       `json:"channels,omitempty"`
	Orders     []string       `json:"orders,omitempty"` // kinds of order
	From       platform.Money `json:"from,omitzero"`
	Below      platform.Money `json:"below,omitzero"`
}

// Flat is version 1 of a schedule of one component: a rate on each line of these
// kinds, rounded by itself, untaxed, in every currency. Without kinds every line
// bears it.
func Flat(name string, rate decimal.Decimal, rounding platform.Rounding, kinds ...string) Schedule {
	rules := []Rule{{ID: "all", Rate: rate}}
	if len(kinds) > 0 {
		rules = []Rule{{ID: "kinds", When: Match{Kinds: kinds}, Rate: rate}, {ID: "rest"}}
	}
	return Schedule{Name: name, Number: 1, State: Published, Components: []Component{
		{Name: "commission", Payer: Merchant, Per: Line, Back: ProRata, Rounding: rounding, Rules: rules},
	}}
}

// schedules are the moves of a schedule.
var schedules = platform.Moves[State]{
	{Verb: "draft", From: []State{""}, To: Drafted, By: keepers, Refusal: errDraft},
	{Verb: "publish", From: []State{Drafted}, To: Published, By: keepers, Refusal: errDraft},
	{Verb: "discard", From: []State{Drafted}, To: Discarded, By: keepers, Refusal: errDraft},
}

var keepers = []platform.ActorKind{platform.Operator}

// Open lists the moves that a kind of actor may make now.
func (s Schedule) Open(by platform.ActorKind) []string { return schedules.Open(s.State, by) }

var word = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
