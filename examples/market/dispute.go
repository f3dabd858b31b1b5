package market

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/risk/screen"
	"github.com/liangding/platform/store"
)

// disputes settles what customers and merchants disagree on. Above the orders it
// sees the chargebacks of the payments.
func (m *Market) disputes(db platform.DB) *dispute.Service {
	chain := refund.Chain{Books: m.Books}
	owing := m.owing(db, m.Books)
	desk := disputed(db, owing)
	desk.Payments = payment.Asks{Store: payment.StoreOn(db), Institutions: []string{m.Sandbox.Info().Institution}}
	desk.Purse, desk.Sources = m.Books, chain
	return dispute.New(m.Writer, dispute.StoreOn(db), dispute.Ports{
		Orders: desk, Refunds: desk, Books: owing, Sources: chain, Banks: banks{payment.StoreOn(db)},
		Screen: disputeScreen{m.Screen}, Ties: ties{m.options.Access.Person}, Sealer: m.Vault,
	}, &m.options.Dispute)
}

// disputed are the orders as disputes see them.
func disputed(db platform.Getter, books order.Books) order.Disputes {
	return order.Disputes{Store: order.StoreOn(db), Books: books}
}

var (
	_ dispute.Orders  = order.Disputes{}
	_ dispute.Refunds = order.Disputes{}
	_ dispute.Books   = finance.Books{}
	_ dispute.Sources = refund.Chain{}
	_ dispute.Banks   = banks{}
)

// disputeScreen screens disputes where the rules have a policy for them.
type disputeScreen struct{ *screen.Service }

// Screen implements [dispute.Screen].
func (s disputeScreen) Screen(ctx context.Context, ev platform.Event) (string, []platform.Change, error) {
	outcome, changes, err := s.Service.Screen(ctx, ev)
	if errors.Is(err, screen.ErrNoPolicy) {
		return string(screen.Allow), nil, nil
	}
	return outcome, changes, err
}

// ties are accounts behind which one person stands.
type ties struct {
	person func(platform.ID) platform.ID // if nil, each account is a person
}

var errTied = platform.Err(platform.ErrDenied, "dispute.tied", "the arbiter is a party", "仲裁人与当事方为同一人")

// Untied implements [dispute.Ties].
func (t ties) Untied(_ context.Context, arbiter platform.ID, parties ...platform.ID) ([]platform.Change, error) {
	if t.person == nil {
		return nil, nil
	}
	if slices.ContainsFunc(parties, func(p platform.ID) bool { return t.person(p) == t.person(arbiter) }) {
		return nil, errTied
	}
	return nil, nil
}

// banks are the chargebacks of the payments, as disputes see them.
type banks struct{ payment.Store }

// undecided are the states of a chargeback by who has to act.
var undecided = map[string][]payment.ChargebackState{
	string(dispute.PlatformTurn): {payment.ChargebackNeedsResponse, payment.ChargebackManual},
	string(dispute.BankTurn):     {payment.ChargebackAnswering, payment.ChargebackUnderReview},
}

// Open implements [dispute.Banks]. It reads the chargebacks that are undecided: O(n)
// of a few.
func (b banks) Open(ctx context.Context, of platform.ID) (bool, []platform.Change, error) {
	for _, states := range undecided {
		for _, state := range states {
			for cursor := ""; ; {
				page, err := b.Store.Chargebacks(ctx, state, cursor)
				if err != nil {
					return false, nil, err
				}
				for _, c := range page.Items {
					if c.Subject.ID == of {
						return true, []platform.Change{platform.Unchanged(c)}, nil
					}
				}
				if cursor = page.Next; cursor == "" {
					break
				}
			}
		}
	}
	return false, nil, nil
}

// Chargeback implements [dispute.Banks].
func (b banks) Chargeback(ctx context.Context, id platform.ID) (json.RawMessage, error) {
	c, err := b.Store.Chargeback(ctx, id)
	if err != nil {
		return nil, err
	}
	return viewed(c)
}

// Chargebacks implements [dispute.Banks]: a page of each state in which the same has
// to act, one state after the other.
func (b banks) Chargebacks(ctx context.Context, turn, cursor string) (all []json.RawMessage, next string, err error) {
	states := undecided[turn]
	at := 0
	if cursor != "" {
		at = int(cursor[0] - '0')
		cursor = cursor[1:]
	}
	if at < 0 || at >= len(states) {
		return nil, "", nil
	}
	page, err := b.Store.Chargebacks(ctx, states[at], cursor)
	if err != nil {
		return nil, "", err
	}
	for _, c := range page.Items {
		doc, err := viewed(c)
		if err != nil {
			return nil, "", err
		}
		all = append(all, doc)
	}
	switch {
	case page.Next != "":
		next = strconv.Itoa(at) + page.Next
	case at+1 < len(states):
		next = strconv.Itoa(at + 1)
	}
	return all, next, nil
}

// viewed is a chargeback as a dispute.
func viewed(c payment.Chargeback) (json.RawMessage, error) {
	d := dispute.Dispute{
		Head: platform.Head{ID: c.ID}, Kind: "chargeback", Order: c.Subject.ID, Customer: c.Payer, State: dispute.Closed, Opener: dispute.TheCustomer,
		Reason: c.Reason, Amount: c.Amount, Round: c.Round, OpenedAt: c.OpenedAt, EndedAt: c.EndedAt, Deadline: c.RespondBy, Due: c.Due,
	}
	for turn, states := range undecided {
		if slices.Contains(states, c.State) {
			d.State = dispute.State(turn)
		}
	}
	d.Turns = []dispute.Turn{{At: c.OpenedAt, Side: "bank", Move: "opened", Round: c.Round, Amount: c.Amount, Reason: c.Reason}}
	if !c.EndedAt.IsZero() {
		d.Turns = append(d.Turns, dispute.Turn{At: c.EndedAt, Side: "bank", Move: "decided", Round: c.Round, Amount: c.Lost})
	}
	return json.Marshal(d)
}

// verifyDisputes proves disputes by their evidence and their orders.
func verifyDisputes(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	for d, err := range dispute.Verify(ctx, now, disputed(now, finance.Books{})) {
		if err != nil {
			return unless(err, "dispute", tell)
		}
		tell(store.Finding{Code: "dispute", Ref: platform.Ref{Kind: "order.dispute", ID: d.Dispute}, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	return nil
}
