package order

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

var (
	noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

	theCustomer = platform.Actor{ID: platform.NewID("cus", noon, 1, 1), Kind: platform.Customer}
	theMerchant = platform.Actor{ID: platform.NewID("mer", noon, 1, 2), Kind: platform.Merchant}
	theMember   = platform.Actor{ID: platform.NewID("stf", noon, 1, 3), Kind: platform.Staff}

	all = []State{AwaitingPayment, Confirmed, Assigned, InProgress, Delivered, Rework, Completed, Closed, Expired, Declined, Cancelled}
)

func cny(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

// order is one of 120.00, service 100.00 with a fee of 10.00 and freight 20.00
// without, paid in full, in a state and changed by what the test is about.
func order(state State, change func(*Order)) Order {
	zero := cny("0")
	o := Order{
		Head: platform.Head{ID: platform.NewID("ord", noon, 7, 7), Version: 3}, State: state,
		Customer: theCustomer.ID, Merchant: theMerchant.ID, PolicyVersion: 1, Screening: allow,
		Lines: []Line{
			{No: 1, Kind: "service", Quantity: 1, Price: cny("100"), Amount: cny("100"), Fee: cny("10"), Given: zero, FeeGiven: zero},
			{No: 2, Kind: "freight", Quantity: 1, Price: cny("20"), Amount: cny("20"), Fee: zero, Given: zero, FeeGiven: zero},
		},
		Mirrors: Mirrors{
			Total: cny("120"), Asked: cny("120"), Secured: cny("120"), Captured: cny("120"), Refunded: zero, Reserved: zero,
			ChargedBack: zero, Held: zero, Approved: zero, ApprovedFee: zero, Earned: zero,
		},
		Terms:   Terms{Confirmation: automatic, Acceptance: byCustomer, CancelPolicy: Standard},
		Windows: Windows{}.ready(), PlacedAt: noon, ConfirmedAt: noon, StartedAt: noon,
	}
	if change != nil {
		change(&o)
	}
	return o
}

func printed[S ~string](table platform.Moves[S]) []string {
	var lines []string
	for _, row := range table {
		from := fmt.Sprint(row.From)
		from = strings.Trim(from, "[]")
		if from == "" {
			from = "new"
		}
		to := "→ " + string(row.To)
		if row.To == "" {
			to = "stays"
		}
		lines = append(lines, fmt.Sprintf("//\t%-9s %s %s; %s", row.Verb, from, to, strings.Trim(fmt.Sprint(row.By), "[]")))
	}
	return lines
}

func TestThePackageCommentPrintsTheTables(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)

	assert.Contains(t, string(doc), strings.Join(printed(moves), "\n"))
	assert.Contains(t, string(doc), strings.Join(printed(refundMoves), "\n"))
	assert.Contains(t, string(doc), strings.Join(printed(changeMoves), "\n"))
	assert.Contains(t, string(doc), strings.Join(printed(policyMoves), "\n"))
}

func TestNoMoveLeavesAnEnd(t *testing.T) {
	t.Parallel()
	for _, row := range moves {
		for _, from := range row.From {
			assert.False(t, from.Ended() && row.To != "", "%s leaves %s", row.Verb, from)
		}
	}
}

func TestWhatIsNotInTheTableIsRefusedWithItsStateAndCode(t *testing.T) {
	t.Parallel()
	for _, row := range moves {
		for _, state := range all {
			_, err := order(state, nil).take(row.Verb, row.By[0], noon)
			if row.Verb == "place" {
				require.ErrorIs(t, err, platform.ErrState)
				continue
			}
			reachable := slices.ContainsFunc(moves, func(r platform.Move[State]) bool {
				return r.Verb == row.Verb && slices.Contains(r.From, state) && slices.Contains(r.By, row.By[0])
			})
			if reachable {
				continue
			}
			require.ErrorIs(t, err, platform.ErrState, "%s %s", row.Verb, state)
			assert.Regexp(t, `^order\.not_[a-z]+able$`, platform.Code(err))
			assert.Equal(t, string(state), platform.Details(err)["state"])
		}
	}
}

func TestOnlyTheKindsNamedMayMove(t *testing.T) {
	t.Parallel()
	for _, row := range moves {
		for _, kind := range []platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff, platform.Operator, platform.System, platform.Auditor} {
			named := slices.ContainsFunc(moves, func(r platform.Move[State]) bool { return r.Verb == row.Verb && slices.Contains(r.By, kind) })
			if named {
				continue
			}
			_, err := order(row.From[0], nil).take(row.Verb, kind, noon)
			require.ErrorIs(t, err, platform.ErrDenied, "%s by %s", row.Verb, kind)
			assert.Equal(t, "order.actor_not_allowed", platform.Code(err))
		}
	}
}

func TestAChangeOfStateEndsEveryDeadline(t *testing.T) {
	t.Parallel()
	o := order(Delivered, func(o *Order) { o.arm(acceptTimer, noon.Add(time.Hour)) })

	next, err := o.take("accept", platform.Customer, noon)

	require.NoError(t, err)
	assert.True(t, next.Due().IsZero())
	assert.Greater(t, next.Generation, o.Generation)
	assert.Equal(t, noon.Add(time.Hour), o.Due(), "the order before is as it was")
}

func TestStartNeedsItsPeopleTheMerchantAndTheHour(t *testing.T) {
	t.Parallel()
	seat := []Seat{{No: 1}}
	for name, c := range map[string]struct {
		change func(*Order)
		at     time.Time
		ok     bool
	}{
		"the merchant alone, on demand":      {func(*Order) {}, noon, true},
		"a seat is open":                     {func(o *Order) { o.Seats = seat }, noon, false},
		"the seat is filled":                 {func(o *Order) { o.State, o.Seats = Assigned, []Seat{{No: 1, Member: theMember.ID}} }, noon, true},
		"the merchant has not answered":      {func(o *Order) { o.arm(answerTimer, noon.Add(time.Minute)) }, noon, false},
		"an hour and a second too early":     {func(o *Order) { o.PlannedStart = noon.Add(2 * time.Hour) }, noon.Add(time.Hour - time.Second), false},
		"an hour before the start":           {func(o *Order) { o.PlannedStart = noon.Add(2 * time.Hour) }, noon.Add(time.Hour), true},
		"a day late: the work is still owed": {func(o *Order) { o.PlannedStart = noon }, noon.Add(day), true},
	} {
		o := order(Confirmed, c.change)
		next, err := o.Start(platform.Merchant, c.at)
		if !c.ok {
			require.ErrorIs(t, err, platform.ErrState, name)
			assert.Equal(t, "order.not_startable", platform.Code(err), name)
			assert.Equal(t, string(o.State), platform.Details(err)["state"], name)
			assert.NotContains(t, o.Allowed(theMerchant, c.at), "start", name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, InProgress, next.State, name)
		assert.Equal(t, c.at, next.StartedAt, name)
		assert.Contains(t, o.Allowed(theMerchant, c.at), "start", name)
	}
}

func TestAllowedShowsWhatEachMayDo(t *testing.T) {
	t.Parallel()
	operator := platform.Actor{ID: "opr", Kind: platform.Operator}
	for name, c := range map[string]struct {
		o    Order
		by   platform.Actor
		want []string
	}{
		"customer of a delivered order":   {order(Delivered, func(o *Order) { o.arm(acceptTimer, noon.Add(day)) }), theCustomer, []string{"accept", "rework", "tip", "refund"}},
		"too late for rework":             {order(Delivered, func(o *Order) { o.arm(acceptTimer, noon) }), theCustomer, []string{"accept", "tip", "refund"}},
		"merchant who has to answer":      {order(Confirmed, func(o *Order) { o.arm(answerTimer, noon.Add(day)) }), theMerchant, []string{"confirm", "decline", "cancel", "refund"}},
		"merchant whose answer is late":   {order(Confirmed, func(o *Order) { o.arm(answerTimer, noon) }), theMerchant, []string{"decline", "cancel", "refund"}},
		"proof instead of acceptance":     {order(Confirmed, func(o *Order) { o.Terms.Acceptance = byProof }), theMerchant, []string{"start", "complete", "change", "cancel", "refund"}},
		"operator with a review to do":    {order(AwaitingPayment, func(o *Order) { o.Screening = review }), operator, []string{"clear", "reject", "cancel"}},
		"nothing left to refund":          {order(Completed, func(o *Order) { o.Refunded = o.Captured }), theCustomer, []string{"tip"}},
		"a member who is not in a seat":   {order(Assigned, nil), theMember, nil},
		"another customer":                {order(Delivered, nil), platform.Actor{ID: "cus", Kind: platform.Customer}, nil},
		"an auditor looks and touches no": {order(Delivered, nil), platform.Actor{ID: "aud", Kind: platform.Auditor}, nil},
	} {
		assert.Equal(t, c.want, c.o.Allowed(c.by, noon), name)
	}
}
