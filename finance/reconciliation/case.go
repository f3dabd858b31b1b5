package reconciliation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// CaseState is how far a difference has come.
type CaseState string

// The states of a case.
const (
	CaseOpen      CaseState = "open"
	CaseProposed  CaseState = "proposed"  // above the limit: waits for a second person
	CaseSuspended CaseState = "suspended" // booked on suspense, and to be resolved from there
	CaseResolved  CaseState = "resolved"
	CaseMatched   CaseState = "matched" // the other side came after all
)

var operator, anybody = []platform.ActorKind{platform.Operator}, []platform.ActorKind{platform.Operator, platform.System}

// CaseMoves is the transition table of a case.
var CaseMoves = platform.Moves[CaseState]{
	{Verb: "take", From: []CaseState{CaseOpen, CaseSuspended}, By: operator, Refusal: ErrCaseEnded},
	{Verb: "propose", From: []CaseState{CaseOpen, CaseSuspended}, To: CaseProposed, By: operator, Refusal: ErrCaseEnded},
	{Verb: "resolve", From: []CaseState{CaseOpen, CaseSuspended}, To: CaseResolved, By: operator, Refusal: ErrCaseEnded},
	{Verb: "suspend", From: []CaseState{CaseOpen}, To: CaseSuspended, By: operator, Refusal: ErrCaseEnded},
	{Verb: "approve", From: []CaseState{CaseProposed}, To: CaseResolved, By: operator, Refusal: ErrCaseEnded},
	{Verb: "reject", From: []CaseState{CaseProposed}, By: operator, Refusal: ErrCaseEnded},
	{Verb: "match", From: []CaseState{CaseOpen, CaseProposed}, To: CaseMatched, By: anybody, Refusal: ErrCaseEnded},
	{Verb: "late", From: []CaseState{CaseOpen, CaseProposed, CaseSuspended}, By: anybody, Refusal: ErrCaseEnded},
}

// Resolution is the posting that makes up for a difference: what by its recipe,
// and the accounts that take it up, debits positive.
type Resolution struct {
	What    string         `json:"what"`
	Against []platform.Leg `json:"against"`
}

// Case is a difference that somebody has to resolve.
type Case struct {
	platform.Head
	Account     string          `json:"account" class:"internal"`
	Institution string          `json:"institution" class:"internal"`
	Ledger      finance.Account `json:"ledger" class:"internal"`
	Statement   platform.ID     `json:"statement" class:"internal"` // that it was found with
	Day         string          `json:"day" class:"internal"`
	Class       Class           `json:"class" class:"internal"`
	About       string          `json:"about" class:"internal"` // charge, refund, split, payout, fee, chargeback, reversal, adjustment
	Lines       []string        `json:"lines,omitempty" class:"internal"`
	Entries     []int64         `json:"entries,omitempty" class:"internal"`
	Subjects    []platform.Ref  `json:"subjects,omitempty" class:"internal"`  // of the entries
	Reference   string          `json:"reference,omitempty" class:"internal"` // the institution's of the first line
	Theirs      platform.Money  `json:"theirs" class:"internal"`
	Ours        platform.Money  `json:"ours" class:"internal"`
	Differs     platform.Money  `json:"differs" class:"internal"` // theirs less ours: what the ledger's account lacks
	State       CaseState       `json:"state" class:"internal"`
	Owner       platform.ID     `json:"owner" class:"internal"`
	Opened      time.Time       `json:"opened" class:"internal"`
	Due         time.Time       `json:"due" class:"internal"`
	Overdue     bool            `json:"overdue,omitempty" class:"internal"` // and told
	Proposal    Resolution      `json:"proposal" class:"internal"`          // by the platform; without accounts when a person has to name them
	Resolution  Resolution      `json:"resolution,omitzero" class:"internal"`
	Resolver    platform.ID     `json:"resolver,omitempty" class:"internal"` // who proposed or made the resolution
	Decider     platform.ID     `json:"decider,omitempty" class:"internal"`
	Ended       time.Time       `json:"ended,omitzero" class:"internal"`
	Suspended   bool            `json:"suspended,omitempty" class:"internal"` // the difference is on suspense
}

const caseKind, casePrefix = "reconciliation.case", "rcn"

// Ref names the case.
func (c Case) Ref() platform.Ref { return platform.Ref{Kind: caseKind, ID: c.ID} }

func (c Case) open() bool { return c.State != CaseResolved && c.State != CaseMatched }

// caseOf is the case of a row: the one that its items have, or a new one.
func caseOf(st Statement, row Row, of []*item, owner platform.ID) Case {
	first := of[0]
	c := Case{
		Account: st.of(), Institution: st.Institution, Ledger: st.Ledger, Statement: st.ID, Day: st.Day, Class: row.Class,
		About: string(first.Family), Lines: row.Lines, Entries: row.Entries, State: CaseOpen, Owner: owner,
	}
	var lines, entries int64
	for _, i := range of {
		c.ID = cmp.Or(c.ID, i.Case)
		if i.Line != "" {
			lines += i.Amount
			c.Reference = cmp.Or(c.Reference, i.Ref)
			continue
		}
		entries += i.Amount
		c.Subjects = append(c.Subjects, i.Subject)
	}
	if c.ID == "" {
		c.ID = derived(casePrefix, st.ID, first.Currency.String(), first.Line, string(first.Of), strconv.Itoa(first.No), strconv.FormatInt(first.Seq, 10))
	}
	c.Theirs, _ = platform.FromMinor(lines, first.Currency) // sums of amounts that were money
	c.Ours, _ = platform.FromMinor(entries, first.Currency)
	c.Differs, _ = platform.FromMinor(lines-entries, first.Currency)
	c.Proposal = c.proposal(first.Family)
	return c
}

// proposal is how such a difference is mostly resolved.
func (c Case) proposal(f family) Resolution {
	suspense := Resolution{What: "suspense.opened", Against: []platform.Leg{{Role: "suspense", Party: platform.ID(c.Institution), Amount: c.Differs.Neg()}}}
	if c.Class != MissingInBooks {
		return suspense
	}
	out := c.Differs.Sign() < 0
	switch {
	case f == fees && out:
		return Resolution{What: "gateway.fee", Against: []platform.Leg{{Role: "gateway_fee", Party: platform.ID(c.Institution), Amount: c.Differs.Neg()}}}
	case f == charged && !out:
		return Resolution{What: "pay.surplus", Against: []platform.Leg{{Role: "surplus", Of: c.ID, Amount: c.Differs.Neg()}}}
	case f == refunded && out:
		return Resolution{What: "refund.imported"}
	case f == paidOut && out && c.Ledger.Role == "clearing":
		return Resolution{What: "bank.swept"}
	}
	return suspense
}

// recipes by which a difference may be resolved. What came back of a payout is not
// among them: it is booked on the payout, by whose it is, and once.
var resolutions = []string{
	"gateway.fee", "bank.swept", "refund.imported", "pay.surplus", "pay.reversed", "suspense.opened", "receipt.unapplied",
}

// legs are the posting of a resolution.
func (c Case) legs(r Resolution) ([]platform.Leg, error) {
	own := legOn(c.Ledger, c.Differs)
	if c.Suspended {
		own = platform.Leg{Role: "suspense", Party: platform.ID(c.Institution), Amount: c.Differs}
	}
	total := c.Differs
	var err error
	for _, l := range r.Against {
		if total, err = total.Add(l.Amount); err != nil {
			return nil, err
		}
	}
	if len(r.Against) == 0 || total.Sign() != 0 {
		return nil, fmt.Errorf("resolve %s of %s: %w", c.ID, c.Differs, ErrAmount)
	}
	return append([]platform.Leg{own}, r.Against...), nil
}

// Resolve is the case resolved: it says what is booked, or waits for a second
// person when the difference is above the limit.
func (c Case) Resolve(r Resolution, by platform.Actor, large bool, at time.Time) (Case, error) {
	known := slices.Contains(resolutions, r.What)
	if c.Suspended {
		known = r.What == "suspense.resolved"
	}
	if !known {
		return Case{}, fmt.Errorf("resolve %s: %w", c.ID, ErrRecipe) // nor is what somebody typed repeated
	}
	if _, err := c.legs(r); err != nil {
		return Case{}, err
	}
	verb := "resolve"
	if r.What == "suspense.opened" {
		verb = "suspend"
	}
	if large {
		verb = "propose"
	}
	state, err := CaseMoves.Take(c.State, verb, by.Kind)
	if err != nil {
		return Case{}, fmt.Errorf("resolve %s: %w", c.ID, err)
	}
	c.State, c.Resolution, c.Resolver, c.Owner = state, r, by.ID, by.ID
	return c.ending(at), nil
}

// ending notes when a case ended, and that it lies on suspense.
func (c Case) ending(at time.Time) Case {
	switch c.State {
	case CaseSuspended:
		c.Suspended = true
	case CaseResolved, CaseMatched:
		c.Ended = at
	}
	return c
}

// Decide is a proposed case as somebody else than its proposer decides it.
func (c Case) Decide(approve bool, by platform.Actor, at time.Time) (Case, error) {
	verb := "reject"
	if approve {
		verb = "approve"
	}
	state, err := CaseMoves.Take(c.State, verb, by.Kind)
	if err == nil && by.ID == c.Resolver {
		err = ErrFourEyes
	}
	if err != nil {
		return Case{}, fmt.Errorf("%s %s: %w", verb, c.ID, err)
	}
	c.Decider = by.ID
	switch {
	case !approve && c.Suspended:
		c.State, c.Resolution = CaseSuspended, Resolution{}
	case !approve:
		c.State, c.Resolution = CaseOpen, Resolution{}
	case c.Resolution.What == "suspense.opened":
		c.State = CaseSuspended
	default:
		c.State = state
	}
	return c.ending(at), nil
}

// cases are the changes that open and end cases. One that is there is as found
// now, unless somebody is at work on it.
func (r *running) cases(ctx context.Context, open, end []platform.ID) (changes []platform.Change, err error) {
	now := r.s.w.Now()
	found, err := r.s.store.Cases(ctx, slices.Concat(open, end)...)
	if err != nil {
		return nil, err
	}
	known := map[platform.ID]Case{}
	for _, c := range found {
		known[c.ID] = c
	}
	ending := map[platform.ID]bool{}
	for _, id := range end {
		ending[id] = true
	}
	for _, id := range open {
		next := r.opened[id]
		next.Opened, next.Due = now, r.s.opts.Calendar.AddDays(now, r.s.opts.Terms.Days)
		if was, exists := known[id]; exists {
			if was.State != CaseOpen || ending[id] || was.Class == next.Class && was.Differs == next.Differs {
				continue
			}
			next.Head, next.Owner, next.Opened, next.Due, next.Overdue = was.Head, was.Owner, was.Opened, was.Due, was.Overdue
		}
		changes = append(changes, platform.Put(next), platform.Happened("recon.difference", next.Ref(), differs{next.Account, next.Day, next.Class, next.Differs}))
	}
	for _, id := range end {
		was, exists := known[id]
		state, err := CaseMoves.Take(was.State, "match", platform.System)
		if !exists || err != nil {
			continue // resolved: what ended is what its posting made
		}
		was.State = state
		was = was.ending(now)
		changes = append(changes, platform.Put(was), platform.Happened("recon.resolved", was.Ref(), differs{was.Account, was.Day, was.Class, was.Differs}).Because("matched"))
	}
	return changes, nil
}

// differs are the facts of a case's events.
type differs struct {
	Account string         `json:"account"`
	Day     string         `json:"day"`
	Class   Class          `json:"class"`
	Differs platform.Money `json:"differs"`
}

func (c Case) event(what string) platform.Change {
	return platform.Happened(what, c.Ref(), differs{c.Account, c.Day, c.Class, c.Differs})
}
