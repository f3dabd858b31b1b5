package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
)

const disputesPage = "/my/disputes"

// disputeMoves are the forms of a party to a dispute.
var disputeMoves = map[string]move{
	"contest":  {"dispute", pages.dispute, answering("contest")},
	"offer":    {"dispute", pages.dispute, answering("offer")},
	"concede":  {"dispute", pages.dispute, answering("concede")},
	"settle":   {"dispute", pages.dispute, pages.settle},
	"file":     {"dispute", pages.dispute, pages.file},
	"escalate": {"dispute", pages.dispute, pages.escalate},
	"appeal":   {"dispute", pages.dispute, pages.appeal},
	"waive":    {"dispute", pages.dispute, pages.waive},
	"withdraw": {"dispute", pages.dispute, pages.withdraw},
}

var (
	grievances = []string{"not_done", "incomplete", "poor_work", "damage", "overcharged", "not_paid", "other"}
	appeals    = []string{"new_evidence", "wrong_amount", "not_heard", "other"}
)

type openView struct {
	Order order.Order
	Left  platform.Money // that can be disputed, at most
	Form  *form
}

// opening asks what is wrong with an order, and how much of its price it is about.
func (p pages) opening(r *http.Request) (any, error) {
	ctx := r.Context()
	o, err := p.m.Orders.Order(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := openView{Order: o, Left: o.Mirrors.Refundable(), Form: formFor(ctx, orderPage(o.ID), "dispute", grievances...).with("currency", o.Total.Currency().String())}
	if o.Cancellation != nil {
		v.Left = o.Cancellation.Fee
	}
	return v, nil
}

// said is what was typed as evidence; nothing is none.
func said(in url.Values) []dispute.Exhibit {
	if strings.TrimSpace(in.Get("evidence")) == "" {
		return nil
	}
	return []dispute.Exhibit{{Kind: "statement", Text: in.Get("evidence")}}
}

// exhibits are what was typed and the picture that was chosen, which stays where it is:
// its hash is filed, and the name by which its owner finds it.
func exhibits(in url.Values) []dispute.Exhibit {
	all := said(in)
	if hash := in.Get("picture.sha256"); hash != "" {
		size, _ := whole(in, "picture.bytes")
		all = append(all, dispute.Exhibit{Kind: "photo", SHA256: hash, Bytes: size, Content: "with the party"})
	}
	return all
}

func disputePage(id platform.ID) string { return disputesPage + "/" + url.PathEscape(string(id)) }

// disputed leads to a dispute with the word for what happened.
func disputed(d dispute.Dispute, what string, err error) (string, error) {
	return disputePage(d.ID) + "?done=" + what, err
}

// refundOf reads an amount in the currency that the form names.
func moneyOf(in url.Values, name string) (platform.Money, error) {
	none, err := platform.ParseMoney("0", in.Get("currency"))
	if err != nil {
		return platform.Money{}, errForm
	}
	return amount(in, name, none)
}

func (p pages) open(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	about, err := moneyOf(in, "amount")
	if err != nil {
		return "", err
	}
	d, err := p.m.Disputes.Open(ctx, dispute.Open{Order: id, Amount: about, Reason: in.Get("reason"), Evidence: exhibits(in)})
	return disputed(d, "dispute", err)
}

type disputesView struct {
	Rows  []dispute.Dispute
	First string
	Next  string
}

// disputes reads a page of the actor's, the newest first.
func (p pages) disputes(r *http.Request) (any, error) {
	cursor := r.URL.Query().Get("cursor")
	page, err := p.m.Disputes.Disputes(r.Context(), dispute.Query{Cursor: cursor})
	if err != nil {
		return nil, err
	}
	v := disputesView{Rows: page.Items}
	v.First, v.Next = turn(disputesPage, url.Values{}, cursor, page.Next)
	return v, nil
}

type disputeView struct {
	Dispute  dispute.Dispute
	Zone     *time.Location
	Evidence []dispute.Evidence
	Mine     bool // it is the turn of whoever looks
	Forms    map[string]*form
}

// dispute reads one dispute with its turns and evidence, and what its party may do.
func (p pages) dispute(r *http.Request) (any, error) {
	ctx := r.Context()
	d, err := p.m.Disputes.Dispute(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	o, err := p.m.Orders.Order(ctx, d.Order)
	if err != nil {
		return nil, err
	}
	v := disputeView{Dispute: d, Zone: zoneOf(o, p.zone(ctx, o.Terms.Zone)), Mine: d.Whose() == string(by.Kind), Forms: map[string]*form{}}
	v.Evidence, err = gather(func(cursor string) (platform.Page[dispute.Evidence], error) {
		return p.m.Disputes.Evidence(ctx, d.ID, cursor)
	})
	if err != nil {
		return nil, err
	}
	v.offers(ctx, dispute.Side(by.Kind))
	return v, nil
}

// offers adds the forms that a side may use now.
func (v disputeView) offers(ctx context.Context, side dispute.Side) {
	d, at := v.Dispute, disputePage(v.Dispute.ID)
	add := func(verb string, choices ...string) *form {
		v.Forms[verb] = formFor(ctx, at, verb, choices...).with("currency", d.Amount.Currency().String())
		return v.Forms[verb]
	}
	for _, verb := range dispute.Moves.Open(d.State, platform.ActorKind(side)) {
		switch verb {
		case "answer":
			add("contest")
			add("offer")
		case "concede", "file", "escalate":
			add(verb)
		case "settle":
			if d.Offer != nil && d.Offer.Side != side {
				add(verb).with("offer", d.Offer.Hash)
			}
		case "appeal":
			if !slices.Contains(d.Appeals, side) {
				add(verb, appeals...)
			}
		case "waive":
			if !slices.Contains(d.Waived, side) {
				add(verb)
			}
		case "withdraw":
			if d.Opener == side {
				add(verb)
			}
		}
	}
}

// answering answers the other side, with words of the own or without.
func answering(how string) func(pages, context.Context, platform.ID, url.Values) (string, error) {
	return func(p pages, ctx context.Context, id platform.ID, in url.Values) (string, error) {
		refund, err := moneyOf(in, "refund")
		if err != nil {
			return "", err
		}
		d, err := p.m.Disputes.Answer(ctx, dispute.Answer{Dispute: id, Move: how, Refund: refund, Evidence: exhibits(in)})
		return disputed(d, how, err)
	}
}

func (p pages) settle(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	d, err := p.m.Disputes.Settle(ctx, dispute.Settle{Dispute: id, Hash: in.Get("offer")})
	return disputed(d, "settle", err)
}

func (p pages) file(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	d, err := p.m.Disputes.File(ctx, dispute.File{Dispute: id, Evidence: exhibits(in)})
	return disputed(d, "file", err)
}

func (p pages) escalate(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	d, err := p.m.Disputes.Escalate(ctx, dispute.Escalate{Dispute: id})
	return disputed(d, "escalate", err)
}

func (p pages) appeal(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	d, err := p.m.Disputes.Appeal(ctx, dispute.Appeal{Dispute: id, Reason: in.Get("reason"), Evidence: exhibits(in)})
	return disputed(d, "appeal", err)
}

func (p pages) waive(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	d, err := p.m.Disputes.Waive(ctx, dispute.Waive{Dispute: id})
	return disputed(d, "waive", err)
}

func (p pages) withdraw(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	d, err := p.m.Disputes.Withdraw(ctx, dispute.Withdraw{Dispute: id})
	return disputed(d, "withdraw", err)
}
