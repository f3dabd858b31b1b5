package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
)

// Report is what came of a replay. All of it is read from the platform's own
// records, but for commands and seconds. Amounts are in minor units of BRL.
type Report struct {
	Orders         int                 `json:"orders"` // of the dataset
	ByStatus       map[string]int      `json:"by_status"`
	PlatformOrders int                 `json:"platform_orders"`
	FinalStates    map[order.State]int `json:"final_states"`

	Price           int64          `json:"price_minor"`    // of the platform's orders
	Freight         int64          `json:"freight_minor"`  // of the platform's orders
	Payments        int64          `json:"payments_minor"` // that the records name, approved or not
	Reconciliation  Reconciliation `json:"reconciliation"`
	WithoutItems    int            `json:"without_items"`
	WithoutPayments int            `json:"without_payments"`

	Delivered int     `json:"delivered"`         // by status of the dataset
	Late      int     `json:"late_by_timestamp"` // of them
	Reviews   int     `json:"reviews"`           // and feedback
	Mean      float64 `json:"mean_review"`       // of both
	Sellers   int     `json:"sellers"`           // of the platform's orders
	Customers int     `json:"customers"`         // persons, of the dataset's orders

	Commission int64 `json:"commission_minor"`       // in the books, of orders delivered by status
	Payable    int64 `json:"merchant_payable_minor"` // in the books, of orders delivered by status

	Settlement Settled    `json:"settlement"`
	Statements Statements `json:"statements"`

	Funnel   Funnel         `json:"funnel"`
	Findings map[string]int `json:"findings"` // by code
	Ledger   Ledger         `json:"ledger"`
	Events   int            `json:"events"`
	Audit    Audit          `json:"audit"`

	Commands int     `json:"commands"` // given to the platform; what deadlines fire is not among them
	Seconds  float64 `json:"seconds"`  // of the run, without reading files and writing this
}

// Reconciliation compares payments with items and freight, over the orders that
// have both.
type Reconciliation struct {
	Both        int          `json:"both"`
	Equal       int          `json:"equal"`
	Differ      int          `json:"differ"`
	Differences []Difference `json:"differences"`
}

// Difference is an order whose payments are not its items and freight.
type Difference struct {
	Order string `json:"order"`       // the dataset's id
	Delta int64  `json:"delta_minor"` // payments − items − freight
}

// Funnel is how leads became merchants.
type Funnel struct {
	Leads            int `json:"leads"`
	Won              int `json:"won"`
	WonBeforeContact int `json:"won_before_contact"`
}

// Ledger is how the books stand.
type Ledger struct {
	TrialBalance map[string]int64 `json:"trial_balance"` // debits − credits by currency; 0 is in order
	Movements    int              `json:"movements"`
	Verified     bool             `json:"verified"`
}

// Audit is the tree of all events.
type Audit struct {
	Root     string `json:"root"`
	Size     int64  `json:"size"`
	Verified bool   `json:"verified"` // every event is the one in its leaf, and none is missing
}

// report reads the platform after a run.
func (r *replay) report() (Report, error) {
	rep := Report{
		ByStatus: map[string]int{}, FinalStates: map[order.State]int{}, Findings: map[string]int{},
		Reconciliation: Reconciliation{Differences: []Difference{}}, Ledger: Ledger{TrialBalance: map[string]int64{}},
		Commands: r.commands,
	}
	delivered := map[platform.ID]bool{} // orders of the platform
	sellers := map[platform.ID]bool{}
	scores := 0
	for _, step := range []func() error{
		func() error { return r.sources(&rep, delivered, &scores) },
		func() error { return r.orders(&rep, sellers) },
		func() error { return r.scores(&rep, &scores) },
		func() error { return r.funnel(&rep) },
		func() error { return r.books(&rep, delivered, sellers) },
		func() error { return r.settled(&rep) },
		func() error { return r.statements(&rep) },
		func() error { return r.log(&rep) },
	} {
		if err := step(); err != nil {
			return Report{}, fmt.Errorf("report: %w", err)
		}
	}
	if rep.Reviews > 0 {
		rep.Mean = float64(scores) / float64(rep.Reviews)
	}
	return rep, nil
}

// each calls use for every record of a kind, in the order of their ids.
func each[T any](ctx context.Context, db platform.Getter, kind string, use func(T)) error {
	for q := (platform.Query{Kind: kind, Limit: 500}); ; {
		page, err := platform.List[T](ctx, db, q)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			use(item)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// count is how many records of a kind there are.
func (r *replay) count(kind string) (n int, err error) {
	for q := (platform.Query{Kind: kind, Limit: 500}); ; {
		page, err := r.db.Scan(r.ctx, q)
		if err != nil {
			return 0, err
		}
		n += len(page.Items)
		if q.Cursor = page.Next; q.Cursor == "" {
			return n, nil
		}
	}
}

// sources reads what the platform has no field for, and the findings.
func (r *replay) sources(rep *Report, delivered map[platform.ID]bool, scores *int) error {
	persons := map[platform.ID]bool{}
	err := each(r.ctx, r.db, "replay.source", func(s Source) {
		rep.Orders++
		rep.ByStatus[s.Status]++
		rep.Payments += s.Paid.Minor()
		persons[s.Customer] = true
		if s.Items == 0 {
			rep.WithoutItems++
		}
		if s.Payments == 0 {
			rep.WithoutPayments++
		}
		if s.Items > 0 && s.Payments > 0 {
			rep.Reconciliation.add(s)
		}
		if s.Status == "delivered" {
			rep.Delivered++
			for _, id := range s.Orders {
				delivered[id] = true
			}
		}
		if s.late() {
			rep.Late++
		}
		for _, score := range s.Feedback {
			rep.Reviews, *scores = rep.Reviews+1, *scores+score
		}
	})
	if err != nil {
		return err
	}
	rep.Customers = len(persons)
	return each(r.ctx, r.db, "replay.finding", func(f Finding) { rep.Findings[f.Code]++ })
}

func (c *Reconciliation) add(s Source) {
	c.Both++
	delta := s.Paid.Minor() - s.Price.Minor() - s.Freight.Minor()
	if delta == 0 {
		c.Equal++
		return
	}
	c.Differ++
	c.Differences = append(c.Differences, Difference{Order: s.Order, Delta: delta})
}

func (r *replay) orders(rep *Report, sellers map[platform.ID]bool) error {
	err := each(r.ctx, r.db, "order", func(o order.Order) {
		rep.PlatformOrders++
		rep.FinalStates[o.State]++
		sellers[o.Merchant] = true
		for _, l := range o.Lines {
			if l.Kind == "freight" {
				rep.Freight += l.Amount.Minor()
			} else {
				rep.Price += l.Amount.Minor()
			}
		}
	})
	rep.Sellers = len(sellers)
	return err
}

func (r *replay) scores(rep *Report, scores *int) error {
	err := each(r.ctx, r.db, "care.review", func(v care.Review) { rep.Reviews, *scores = rep.Reviews+1, *scores+v.Score })
	if err != nil {
		return err
	}
	return each(r.ctx, r.db, "care.feedback", func(v care.Feedback) { rep.Reviews, *scores = rep.Reviews+1, *scores+v.Score })
}

func (r *replay) funnel(rep *Report) error {
	rep.Funnel.WonBeforeContact = rep.Findings["lead.won_before_contact"]
	return each(r.ctx, r.db, "merchant.application", func(a merchant.Application) {
		if !strings.HasPrefix(a.Reference, leadReference) {
			return
		}
		rep.Funnel.Leads++
		if a.State == merchant.Approved {
			rep.Funnel.Won++
		}
	})
}
