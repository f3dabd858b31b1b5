package reconciliation

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// found takes down what the matcher finds.
func (r *running) found(ctx context.Context, row Row, of []*item) error {
	if row.Class == Matched {
		if row.Pass == byTolerance {
			r.differs[row.Currency] += row.Differs
		}
		for _, i := range of {
			if i.Case.Prefix() == casePrefix && !r.ends[i.Case] {
				r.ends[i.Case], r.ended = true, append(r.ended, i.Case)
			}
		}
	} else if row.Class != Timing {
		c := caseOf(r.st, row, of, r.s.opts.Terms.Owner)
		row.Case = c.ID
		for _, i := range of {
			i.Case = c.ID
		}
		if _, known := r.opened[c.ID]; !known {
			r.order = append(r.order, c.ID)
		}
		r.opened[c.ID] = c
	}
	r.count(row)
	line, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, _ = r.sum.Write(append(line, '\n')) // a hash takes everything
	return r.rows.add(ctx, row)
}

func (r *running) count(row Row) {
	at := slices.IndexFunc(r.run.Tallies, func(t Tally) bool { return t.Class == row.Class && t.Pass == row.Pass })
	if at < 0 {
		at = len(r.run.Tallies)
		r.run.Tallies = append(r.run.Tallies, Tally{Class: row.Class, Pass: row.Pass})
	}
	r.run.Tallies[at].Lines += len(row.Lines)
	r.run.Tallies[at].Entries += len(row.Entries)
}

// finish writes what is left open, and proves the day.
func (r *running) finish(ctx context.Context) error {
	r.tolerated()
	for _, i := range left(slices.Concat(r.m.carried, r.m.rest, r.open)) {
		if p := r.proof(i.Currency); p != nil {
			if err := p.leave(i); err != nil {
				return err
			}
		}
		r.run.Open++
		if err := r.left.add(ctx, *i); err != nil {
			return err
		}
	}
	if err := errors.Join(r.rows.flush(ctx), r.left.flush(ctx)); err != nil {
		return err
	}
	for i := range r.run.Proofs {
		if err := r.run.Proofs[i].close(r.st); err != nil {
			return err
		}
	}
	slices.SortFunc(r.run.Tallies, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Pass, b.Pass))
	})
	r.run.RowSheets, r.run.OpenPages, r.run.Digest = r.rows.count, r.left.count, hex.EncodeToString(r.sum.Sum(nil))
	return nil
}

// tolerated leaves open what fees differed by, until its booking is read.
func (r *running) tolerated() {
	for _, p := range r.run.Proofs {
		if d := r.differs[p.Currency]; d != 0 {
			r.open = append(r.open, &item{
				Line: "tolerance#" + r.st.Day + "/" + p.Currency.String(), Of: r.st.ID, No: r.st.Lines + 2, Currency: p.Currency, Amount: d,
				Family: fees, At: r.st.From, Case: r.run.ID, Class: FeeDiffers, fresh: true,
			})
		}
	}
}

// commit writes the run with the cases that it opened and ended. Of very many
// cases those over a thousand are written before it, each the same however often
// it is tried.
func (r *running) commit(ctx context.Context, in Reconcile) (Run, error) {
	for len(r.order)+len(r.ended) > atOnce {
		n, m := min(len(r.order), atOnce), 0
		if n < atOnce {
			m = min(len(r.ended), atOnce-n)
		}
		if err := r.ahead(ctx, in, r.order[:n], r.ended[:m]); err != nil {
			return Run{}, err
		}
		r.order, r.ended = r.order[n:], r.ended[m:]
	}
	r.run.Cases += len(r.order)
	done, err := platform.Update(ctx, r.s.w, in, func(ctx context.Context) (Run, []platform.Change, error) {
		page, err := r.s.store.Runs(ctx, r.run.Account, "")
		if err != nil {
			return Run{}, nil, err
		}
		if len(page.Items) > 0 && page.Items[0].ID != r.last.ID {
			return Run{}, nil, fmt.Errorf("reconcile %s after %d: %w", r.run.Account, r.last.No, errOvertaken)
		}
		next := r.run
		next.At = r.s.w.Now()
		changes, err := r.cases(ctx, r.order, r.ended)
		if err != nil {
			return Run{}, nil, err
		}
		books, err := r.tolerance(ctx, next.At)
		if err != nil {
			return Run{}, nil, err
		}
		event := platform.Happened("recon.run", next.Ref(), ran{next.Account, next.Day, next.Tallies, next.Proofs, next.Digest})
		return next, append(append(changes, books...), platform.Put(next), event), nil
	})
	if code := platform.Code(err); code == "exists" || code == "taken" {
		err = fmt.Errorf("reconcile %s after %d: %w", r.run.Account, r.last.No, errOvertaken)
	}
	return done, err
}

// atOnce is how many cases go into one set.
const atOnce = 1000

var errOvertaken = platform.Err(platform.ErrConflict, "recon.overtaken", "another statement of the account was compared meanwhile", "该账户的另一对账单已先行对账")

// ran are the facts of a run.
type ran struct {
	Account string  `json:"account"`
	Day     string  `json:"day"`
	Tallies []Tally `json:"tallies"`
	Proofs  []Proof `json:"proofs"`
	Digest  string  `json:"digest"`
}

// ahead writes cases before their run.
func (r *running) ahead(ctx context.Context, in Reconcile, open, end []platform.ID) error {
	_, err := platform.Update(platform.WithoutKey(ctx), r.s.w, in, func(ctx context.Context) (struct{}, []platform.Change, error) {
		changes, err := r.cases(ctx, open, end)
		if err == nil && len(changes) == 0 {
			err = errDone
		}
		return struct{}{}, changes, err
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	r.run.Cases += len(open)
	return err
}

// tolerance books what fees differed by, so that the account has what the
// institution has.
func (r *running) tolerance(ctx context.Context, at time.Time) ([]platform.Change, error) {
	var legs []platform.Leg
	for _, p := range r.run.Proofs {
		d, err := platform.FromMinor(r.differs[p.Currency], p.Currency)
		if err != nil {
			return nil, err
		}
		if d.Sign() != 0 {
			legs = append(legs, legOn(r.st.Ledger, d), platform.Leg{Role: "difference", Amount: d.Neg()})
		}
	}
	if len(legs) == 0 {
		return nil, nil
	}
	return r.s.ports.Books.Post(ctx, "suspense.resolved", r.run.Ref(), at, legs)
}

func legOn(a finance.Account, m platform.Money) platform.Leg {
	return platform.Leg{Role: a.Role, Of: a.Of, Party: a.Party, Amount: m}
}
