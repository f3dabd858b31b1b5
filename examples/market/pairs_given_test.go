package market_test

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/store/sandbox"
)

// act is something that somebody may do to the order: a command of a room, filled
// from what lies there, or what happens by itself.
type act struct {
	room    string
	command reflect.Type // nil for what happens by itself
	who     string
	last    bool // of several records that it may be about, not the first but the last
	choice  int  // of what it may say
}

func (a act) String() string {
	if a.command == nil {
		return a.room
	}
	text := a.command.String() + " by " + a.who
	if a.last {
		text += ", last"
	}
	if a.choice > 0 {
		text += fmt.Sprint(", choice ", a.choice)
	}
	return text
}

// part is the act as it is told from others when the pairs are made: which of several
// actors of one kind does it, to which record and saying what, is left out.
func (a act) part() string {
	if a.command == nil {
		return a.room
	}
	who := a.who
	if kind, same := map[string]string{"second": "operator", "other": "member"}[who]; same {
		who = kind
	}
	return a.command.String() + " by " + who
}

// What happens by itself: deadlines, the events that the rooms follow, notices, and a
// bank that takes money back. Time only passes between two races.
const (
	timePasses = "time passes for the order"
	restPasses = "time passes for the rest"
	halfAnHour = "half an hour passes"
	aWeek      = "a week passes"
	bankTakes  = "the bank takes money back"
	followed   = "the events are followed"
	tickOf     = "tick of "
)

// passes tells whether it is time that goes by, which does so only between races.
func (a act) passes() bool {
	return strings.HasSuffix(a.room, " passes") || strings.Contains(a.room, " passes for ")
}

func (h *theatre) until(at time.Time) error {
	h.clock.Advance(at.Sub(h.clock.Now()))
	return nil
}

// plans tells whether an act first looks and then gives commands of its own: what
// happens between the two may well be what it finds.
func (a act) plans() bool { return a.command == reflect.TypeFor[dispatch.DispatchOrder]() }

// rooms are those whose commands are about orders.
func (h *theatre) rooms() map[string]any {
	return map[string]any{"order": h.Orders, "dispute": h.Disputes, "dispatch": h.Dispatch, "payment": h.Payments, "care": h.Reviews}
}

// apart are the commands of these rooms that no order's race gives, and why.
var apart = map[string]string{
	"order.Place":       "it begins the play",
	"order.TakeOver":    "it begins another order",
	"dispatch.Dispatch": "it is DispatchOrder for many",
	"dispatch.Ping":     "it is about a member",
	"order.DraftPolicy": "it is about a policy", "order.PublishPolicy": "it is about a policy", "order.DiscardPolicy": "it is about a policy",
	"order.NoShow":         "it takes a member who waited, which no play has yet",
	"order.WaiveNoShow":    "it follows a no-show",
	"order.PlaceAll":       "it begins other orders",
	"order.RefundTip":      "it is about a tip, which lies beside the order's money",
	"payment.AddRecipient": "it is about a party",
	"payment.Onboard":      "it is about a party", "payment.OnboardingLink": "it is about a party",
	"payment.Check":       "it is about an institution",
	"payment.File":        "it is about a notice that nothing matches",
	"payment.Surplus":     "it is money that no order asked for",
	"payment.DecideSplit": "nothing is split in this funds mode",
	"payment.Draw":        "the institution holds nothing in this capture mode",
	"dispute.Endorse":     "it is of disputes above a limit that come before an arbiter, which order/dispute races",
	"payment.Resolve":     "it decides on what an institution did wrong",
	"payment.Settle":      "it decides on what an institution did wrong",
}

// acts are all that may be done to an order: the commands of the rooms as reflection
// finds them, by everybody, with everything that they may say.
func (h *theatre) acts() (all []act) {
	rooms := h.rooms()
	for _, room := range sorted(rooms) {
		all = append(all, act{room: tickOf + room})
		for _, command := range commands(rooms[room]) {
			if _, not := apart[command.String()]; not {
				continue
			}
			for _, who := range sorted(h.actors()) {
				for choice := range choices(command) {
					for _, last := range []bool{false, true} {
						all = append(all, act{room, command, who, last, choice})
					}
				}
			}
		}
	}
	all = slices.DeleteFunc(all, func(a act) bool { return a.room == tickOf+"care" })
	return append(all, act{room: followed}, act{room: bankTakes}, act{room: timePasses}, act{room: restPasses})
}

// commands are the methods of a room that are named after what they take.
func commands(room any) (all []reflect.Type) {
	for m := range reflect.TypeOf(room).Methods() {
		if m.Type.NumIn() == 3 && m.Type.In(1) == reflect.TypeFor[context.Context]() && m.Type.In(2).Name() == m.Name {
			all = append(all, m.Type.In(2))
		}
	}
	return all
}

func sorted[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// choices is how many things a command may say.
func choices(command reflect.Type) int {
	for f := range command.Fields() {
		if words := oneOf(f); words != nil {
			return min(3, len(words))
		}
		if f.Name == "Amount" && strings.Contains(f.Tag.Get("json"), "omitzero") || f.Name == "Lines" && command == reflect.TypeFor[order.ProposeChange]() || f.Name == "Remedy" {
			return 2
		}
	}
	return 1
}

func oneOf(f reflect.StructField) []string {
	_, words, found := strings.Cut(f.Tag.Get("validate"), "required,oneof=")
	if !found {
		return nil
	}
	return strings.Fields(words)
}

// prepare fills the command from what lies there, as somebody sees it who gives it
// now; nothing is the answer where there is no record that it could be about.
func (h *theatre) prepare(a act, seen props) func() (any, error) {
	ctx := h.t.Context()
	switch room, tick := strings.CutPrefix(a.room, tickOf); {
	case tick:
		ticker := h.rooms()[room].(platform.Ticker)
		return func() (any, error) {
			return ticker.Tick(platform.As(ctx, platform.SystemActor("clock")), h.clock.Now(), 0)
		}
	case a.passes():
		next := h.clock.Now().Add(map[string]time.Duration{halfAnHour: 30 * time.Minute, aWeek: 7 * 24 * time.Hour}[a.room])
		if a.room == timePasses || a.room == restPasses {
			next = h.due(seen, a.room == timePasses)
		}
		if next.IsZero() {
			return nil
		}
		return func() (any, error) { return nil, h.until(next) }
	case a.room == followed:
		return func() (any, error) { return nil, h.follow() }
	case a.room == bankTakes:
		return h.objection(seen)
	}
	in := reflect.New(a.command)
	if !h.fill(in.Elem(), a, seen) {
		return nil
	}
	h.keys++
	as := platform.WithKey(h.as(h.actors()[a.who]), fmt.Sprint("play-", h.keys))
	return func() (any, error) {
		out := reflect.ValueOf(h.rooms()[a.room]).MethodByName(a.command.Name()).Call([]reflect.Value{reflect.ValueOf(as), in.Elem()})
		err, _ := reflect.TypeAssert[error](out[1])
		return out[0].Interface(), err
	}
}

// fill says what the tags of the fields ask for, and for a few commands what cannot
// be read there.
func (h *theatre) fill(in reflect.Value, a act, seen props) bool {
	for f, v := range in.Fields() {
		rule := f.Tag.Get("validate")
		required := strings.HasPrefix(rule, "required") || strings.HasPrefix(rule, "min=1")
		switch value := v.Addr().Interface().(type) {
		case *platform.ID:
			_, prefix, _ := strings.Cut(rule, "id=")
			if !required {
				continue
			}
			if *value = h.record(prefix, a.last, seen); *value == "" {
				return false
			}
		case *platform.Money:
			if required || f.Name == "Amount" && a.choice == 1 {
				*value = yuan(10)
			}
		case *string:
			if required {
				*value = "test"
			}
			if f.Name == "Hash" {
				*value = agreed(in.Type(), seen)
			}
		case *int:
			if required {
				*value = 1
			}
		case *[]int:
			if required {
				*value = []int{1}
			}
		}
		if words := oneOf(f); words != nil {
			v.SetString(words[a.choice])
		}
	}
	return h.teach(in.Addr().Interface(), a)
}

// record is the first, or the last, of those that the order has.
func (h *theatre) record(prefix string, last bool, seen props) platform.ID {
	if prefix == "stf" {
		if last {
			return h.members[1].ID
		}
		return h.members[0].ID
	}
	those := seen[prefix]
	switch {
	case len(those) == 0 || last && len(those) == 1: // the same as the first
		return ""
	case last:
		return those[len(those)-1].id
	}
	return those[0].id
}

// agreed is the hash, which that of what somebody agrees to, as it lies there.
func agreed(of reflect.Type, seen props) (text string) {
	at := map[string][2]string{"order.ApproveChange": {"chg", ""}, "dispute.Settle": {"dsp", "offer"}, "dispute.Endorse": {"dsp", "proposed"}}[of.String()]
	those := seen[at[0]]
	if len(those) == 0 {
		return ""
	}
	doc := those[len(those)-1].doc
	if at[1] != "" {
		doc, _ = doc[at[1]].(map[string]any)
	}
	text, _ = doc["hash"].(string)
	return text
}

// teach says what a command needs that its tags do not tell.
func (h *theatre) teach(in any, a act) bool {
	switch in := in.(type) {
	case *order.Cancel:
		in.MaxFee = yuan(12_000)
	case *order.Deliver:
		in.Proofs = h.Photo()
	case *order.Complete:
		in.Proofs = h.Photo()
	case *order.ProposeChange:
		in.Lines = []order.ChangeLine{{Line: 1, Quantity: 2}}
		if a.choice == 1 {
			in.Lines, in.Start, in.TimeZone = nil, h.clock.Now().Add(48*time.Hour), "Asia/Shanghai"
		}
		q, err := h.Orders.QuoteChange(platform.As(h.t.Context(), h.actors()[a.who]), *in)
		if err != nil {
			return false
		}
		in.Hash = q.Hash
	case *payment.Pay:
		in.Method = sandbox.OK
		if a.choice == 1 { // all of it, and nobody hears how it ended
			in.Amount, in.Method = platform.Money{}, sandbox.Timeout
		}
	case *payment.Resolve:
		in.Taken = yuan(10)
	case *dispute.Answer:
		if in.Move == "offer" {
			in.Refund = yuan(10)
		}
	case *dispute.Decide:
		if in.Refund = yuan(10); a.choice == 1 { // which takes two
			in.Refund = yuan(6_000)
		}
	case *dispute.File:
		in.Evidence = exhibits()
	case *dispute.Appeal:
		in.Evidence = exhibits()
	}
	return true
}

func exhibits() []dispute.Exhibit {
	return []dispute.Exhibit{{Kind: "photo", SHA256: strings.Repeat("5", 64), Bytes: 1, Content: "album/1"}}
}

// follow hands the order's events to the rooms that follow it.
func (h *theatre) follow() error {
	page, err := platform.List[platform.Event](h.t.Context(), h.stage, platform.Query{
		Kind: "event", By: []string{"subject", "id"}, Equal: []any{platform.Ref{Kind: "order", ID: h.order}}, Limit: 500,
	})
	if err != nil {
		return err
	}
	slices.SortFunc(page.Items, func(a, b platform.Event) int { return cmp.Compare(a.Version, b.Version) }) // ids of one moment are in no order
	return h.Dispatch.Publish(h.t.Context(), page.Items)
}

// objection is the payer's bank that takes a part of a charge back, and the letter
// about it.
func (h *theatre) objection(seen props) func() (any, error) {
	for _, one := range seen["att"] {
		if one.state == string(payment.AttemptCaptured) && len(seen["cbk"]) == 0 {
			return func() (any, error) {
				h.Sandbox.Drain()
				if _, err := h.Sandbox.Object(payment.Key(one.id), yuan(10), "fraud"); err != nil {
					return nil, err
				}
				for _, l := range h.Sandbox.Drain() {
					if err := h.Payments.Receive(h.t.Context(), "sandbox", l.Header, l.Body); err != nil {
						return nil, err
					}
				}
				return nil, nil
			}
		}
	}
	return nil
}
