package payment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// taken is a payment that another system received.
type taken struct {
	Institution string         `json:"institution"` // empty: the platform paid itself
	Reference   string         `json:"reference"`   // the institution's own of the charge
	Amount      platform.Money `json:"amount"`
	Returned    platform.Money `json:"returned"` // of it, given back there
	At          time.Time      `json:"at"`
}

// TakeOver asks for amount in all for a subject, by due (zero for no limit), of
// which the payer paid something elsewhere. paid is a JSON array of payments
// {institution, reference, amount, returned, at}: each becomes an attempt that is
// captured, and goes back through the institution that has it, by its reference;
// one without institution goes back to the platform. Nothing is booked: what the
// subject holds is the subject's affair. It writes the intent and the attempts.
//
// It fails with FieldErrors whose paths begin in the array ("[1].institution"):
// ErrInstitution for one that is not among Institutions, through which nothing
// could be given back, ErrAmount, and ErrExceedsRest for more than is asked.
func (a Asks) TakeOver(_ context.Context, subject platform.Ref, payer platform.ID, amount platform.Money, due time.Time, paid json.RawMessage) ([]platform.Change, error) {
	var payments []taken
	if err := json.Unmarshal(paid, &payments); err != nil {
		return nil, fmt.Errorf("take over payments of %s: %w", subject, ErrAmount)
	}
	i := Intent{Head: platform.Head{ID: IntentID(subject, Full)}, Subject: subject, Purpose: Full, Payer: payer}
	i, err := i.Ask(amount, due)
	if err != nil {
		return nil, err
	}
	var wrong platform.FieldErrors
	var changes []platform.Change
	for n, p := range payments {
		t, field, err := p.attempt(i, n, a.Institutions)
		if err == nil {
			var next Intent
			if next, err = i.Add(t); err == nil {
				i, changes = next, append(changes, platform.Put(t))
				continue
			}
		}
		wrong = append(wrong, platform.Wrong("["+strconv.Itoa(n)+"]."+field, err)...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return append(changes, platform.Put(i), platform.Happened("payment.taken_over", i.Ref(), i.facts())), nil
}

// attempt is the payment as the n-th of its intent, or which of its fields is
// wrong. Its id follows from both.
func (p taken) attempt(i Intent, n int, known []string) (_ Attempt, field string, _ error) {
	if p.Institution != "" && !slices.Contains(known, p.Institution) {
		return Attempt{}, "institution", ErrInstitution
	}
	if (p.Institution == "") != (p.Reference == "") {
		return Attempt{}, "reference", ErrInstitution
	}
	if !p.Returned.Absent() {
		over, err := p.Returned.Cmp(p.Amount)
		if err != nil || over > 0 || p.Returned.Sign() < 0 {
			return Attempt{}, "returned", errors.Join(err, ErrAmount)
		}
	}
	sum := sha256.Sum256([]byte(string(i.ID) + "\x00" + strconv.Itoa(n)))
	at := p.At.UTC()
	return Attempt{
		Head: platform.Head{ID: platform.NewID("att", at, i.ID.Slot(), binary.BigEndian.Uint64(sum[:8]))}, Intent: i.ID, Subject: i.Subject,
		Payer: i.Payer, Institution: p.Institution, State: AttemptCaptured, Amount: p.Amount, Received: p.Amount, Returned: p.Returned,
		Reference: p.Reference, Foreign: p.Institution != "", Operation: Operation{SentAt: at}, EndedAt: at,
	}, "amount", nil
}
