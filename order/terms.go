package order

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// How a merchant confirms, and how the work is accepted.
const (
	automatic  = "auto"     // confirmed as soon as the money is there
	manual     = "manual"   // the merchant answers
	byCustomer = "customer" // the customer accepts, or lets the time pass
	byProof    = "proof"    // the demanded proofs complete the order
)

// Terms are the conditions that the listings of an order set. The order keeps
// them as they were when it was placed.
type Terms struct {
	Seats        int         `json:"seats" class:"public"`                                                                                                  // members of staff at once, 0 to 20; 0: the merchant works without dispatch
	Confirmation string      `json:"confirmation" class:"public"`                                                                                           // auto or manual
	Acceptance   string      `json:"acceptance" class:"public"`                                                                                             // customer or proof
	Proof        []string    `json:"proof,omitempty" class:"public" validate:"max=30,dive,oneof=photo signature code geo checklist file" code:"proof.kind"` // kinds without which nothing is delivered
	Need         []string    `json:"need,omitempty" class:"public"`                                                                                         // skills that each member must have
	Zone         platform.ID `json:"zone,omitempty" class:"public"`                                                                                         // where the staff work
	Minutes      int         `json:"minutes,omitempty" class:"public"`                                                                                      // usual length of the work; at least 1 where there are seats
	Capture      string      `json:"capture,omitempty" class:"public"`                                                                                      // when the money is taken: on_place, on_start or on_completion; if empty, on_place
	Deposit      int         `json:"deposit,omitempty" class:"public"`                                                                                      // percent of the price that confirms an order, 0 to 99; 0: all of it
	Balance      string      `json:"balance,omitempty" class:"public"`                                                                                      // when the rest must be there: before_start or on_completion; if empty, before_start
	CancelPolicy string      `json:"cancel_policy,omitempty" class:"public"`                                                                                // name of a [Policy]; if empty, "standard"
}

const maxMinutes = 400 * 24 * 60

// length is the usual length of the work, within what a time can hold.
func (t Terms) length() time.Duration {
	return time.Duration(min(t.Minutes, maxMinutes)) * time.Minute
}

// sound tells whether an order can be carried out under the terms.
func (t Terms) sound() bool {
	known := slices.Contains([]string{automatic, manual}, t.Confirmation) && slices.Contains([]string{byCustomer, byProof}, t.Acceptance)
	_, taken := captures[t.Capture]
	taken = taken && t.Deposit >= 0 && t.Deposit < 100 && slices.Contains([]string{"", beforeStart, onCompletion}, t.Balance)
	bookable := t.Seats == 0 || t.Seats > 0 && t.Seats <= 20 && t.Minutes > 0
	return known && taken && bookable && t.Minutes >= 0 && t.Minutes <= maxMinutes
}

// pin is a listing's live revision as the catalogue hands it out.
type pin struct {
	Listing  platform.ID    `json:"listing"`
	Revision platform.ID    `json:"revision"`
	Merchant platform.ID    `json:"merchant"`
	Title    string         `json:"title"`
	Unit     string         `json:"unit"`
	Price    platform.Money `json:"price"`
	Terms
	seen json.RawMessage
}

func readPin(listing platform.ID, doc json.RawMessage) (pin, error) {
	var p pin
	if err := json.Unmarshal(doc, &p); err != nil {
		return pin{}, fmt.Errorf("read terms of listing %s: %w", listing, errTerms)
	}
	if !p.sound() || p.Merchant == "" || p.Price.Absent() || p.Price.Sign() < 0 {
		return pin{}, fmt.Errorf("read terms of listing %s: %w", listing, errTerms)
	}
	if p.CancelPolicy == "" {
		p.CancelPolicy = Standard
	}
	p.seen = doc
	return p, nil
}

// and is the terms of an order of both: whoever demands more decides. Quantity
// is of the listing that joins; the work of its units is done in turn.
func (t Terms) and(other Terms, quantity int64) (Terms, error) {
	other.Minutes *= int(quantity)
	other.Proof, other.Need = union(other.Proof, nil), union(other.Need, nil)
	if t.Confirmation == "" { // the first listing
		return other, nil
	}
	if t.Zone != other.Zone || t.CancelPolicy != other.CancelPolicy || t.Deposit != other.Deposit || t.Balance != other.Balance {
		return Terms{}, errTermsMixed
	}
	t.Seats = max(t.Seats, other.Seats)
	t.Minutes += other.Minutes
	t.Proof = union(t.Proof, other.Proof)
	t.Need = union(t.Need, other.Need)
	if captures[other.Capture] < captures[t.Capture] {
		t.Capture = other.Capture
	}
	if other.Confirmation == manual {
		t.Confirmation = manual
	}
	if other.Acceptance == byCustomer {
		t.Acceptance = byCustomer
	}
	return t, nil
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
