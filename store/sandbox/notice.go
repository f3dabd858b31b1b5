package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// notice is what waits to be told.
type notice struct {
	id     string // the same however often it is delivered
	key    payment.Key
	due    time.Time
	status payment.Status
	about  string  // the dispute, if it tells of one
	letter *Letter // once it was signed
}

// Letter is a signed notice as it goes over the wire.
type Letter struct {
	Header map[string][]string
	Body   []byte
}

// body is the JSON of a notice.
type body struct {
	Type string    `json:"type"` // charge.done, refund.declined …
	At   time.Time `json:"timestamp"`
	Data struct {
		Key       payment.Key     `json:"key"`
		Outcome   payment.Outcome `json:"outcome"`
		Amount    platform.Money  `json:"amount"`
		Reference string          `json:"reference"`
		Code      string          `json:"code,omitempty"`
		Action    string          `json:"action,omitempty"`
		Dispute   string          `json:"dispute,omitempty"`
	} `json:"data"`
}

// announce plans the notices of a new operation: that it is pending, if it is,
// and how it ends.
func (s *Sandbox) announce(o *operation, f fate) {
	if f == delayed || f == action {
		s.tell(o, o.arrives)
	}
	s.tell(o, o.lands)
	if o.kind == authorizing && o.code == "" {
		s.tell(o, o.lands.Add(heldFor))
	}
	if !o.back.IsZero() {
		s.tell(o, o.back)
	}
}

// tell plans a notice of how an operation stands at a moment.
func (s *Sandbox) tell(o *operation, at time.Time) {
	st := o.status(at)
	if o.kind == reversing {
		st.Key, st.Outcome = o.of, payment.Returned
	}
	s.post(notice{key: o.key, due: at, status: st})
}

// tellDispute plans a notice that a dispute is there, or has ended.
func (s *Sandbox) tellDispute(o *operation) {
	st := s.operations[o.of].status(s.opts.Now())
	st.Outcome, st.Amount, st.Code = payment.Pending, o.amount, o.code
	s.post(notice{key: o.key, due: s.opts.Now(), status: st, about: o.reference})
}

func (s *Sandbox) post(n notice) {
	s.sent++
	n.id = "msg_" + s.opts.Name + "_" + strconv.FormatUint(s.sent, 10)
	s.outbox = append(s.outbox, n)
}

// Drain hands out the notices that are due by now, signed, in the order of
// delivery: that of their moments, but for duplicates and those that overtake.
func (s *Sandbox) Drain() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var letters []Letter
	for _, n := range s.due(s.opts.Now(), len(s.outbox)) {
		letters = append(letters, *n.letter)
	}
	return letters
}

// Tick delivers the notices that are due at now by [Options.Deliver], at most
// limit of them (0 is 500), and tells how many were taken. One that was refused
// waits for the next Tick. Without Deliver it does nothing.
func (s *Sandbox) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	if s.opts.Deliver == nil {
		return 0, nil
	}
	s.mu.Lock()
	due := s.due(now, platform.TickLimit(limit))
	s.mu.Unlock()
	var failed []error
	var refused []notice
	waits := map[string]bool{} // by id: one that is delivered twice waits once
	for _, n := range due {
		if err := s.opts.Deliver(ctx, n.letter.Header, n.letter.Body); err != nil {
			failed = append(failed, fmt.Errorf("deliver notice of %s: %w", n.key, err))
			if !waits[n.id] {
				refused, waits[n.id] = append(refused, n), true
			}
		}
	}
	s.mu.Lock()
	s.outbox = append(s.outbox, refused...)
	s.mu.Unlock()
	return len(due) - len(failed), errors.Join(failed...)
}

// due takes the notices of a moment out of the outbox, signed.
func (s *Sandbox) due(now time.Time, limit int) []notice {
	slices.SortStableFunc(s.outbox, func(a, b notice) int { return a.due.Compare(b.due) })
	var taken, rest []notice
	for _, n := range s.outbox {
		o := s.operations[n.key]
		switch {
		case n.due.After(now) || len(taken) >= limit:
			rest = append(rest, n)
		case n.status.Code == "expired" && o.status(n.due).Code != "expired": // the payer came in time, or all of it was taken
		default:
			taken = append(taken, s.signed(n, now)...)
		}
	}
	s.outbox = rest
	for i := 1; i < len(taken); i++ {
		if s.dice("reorder", taken[i].key) < s.opts.Faults.Reorder {
			taken[i-1], taken[i] = taken[i], taken[i-1]
		}
	}
	return taken
}

// signed is a notice as a letter, twice when it is to be delivered twice.
func (s *Sandbox) signed(n notice, now time.Time) []notice {
	var b body
	b.Type, b.At = string(s.operations[n.key].kind)+"."+string(n.status.Outcome), n.due
	b.Data.Key, b.Data.Outcome, b.Data.Amount, b.Data.Dispute = n.status.Key, n.status.Outcome, n.status.Amount, n.about
	b.Data.Reference, b.Data.Code, b.Data.Action = n.status.Reference, n.status.Code, n.status.Action
	raw, err := json.Marshal(b)
	if err != nil {
		return nil // an operation has an amount, so its notice can be written
	}
	n.letter = &Letter{Header: header(s.secret, n.id, now, raw), Body: raw}
	if s.dice("duplicate", n.key) < s.opts.Faults.Duplicate {
		return []notice{n, n}
	}
	return []notice{n}
}

// Notices implements [payment.Gateway].
func (s *Sandbox) Notices(_ context.Context, header map[string][]string, raw []byte) ([]payment.Notice, error) {
	id, err := verify(s.secret, header, raw, s.opts.Now())
	if err != nil {
		return nil, err
	}
	var b body
	in := json.NewDecoder(bytes.NewReader(raw))
	in.DisallowUnknownFields()
	if err := in.Decode(&b); err != nil || b.Data.Key == "" || b.Data.Amount.Absent() {
		return nil, fmt.Errorf("notice %s: %w", id, payment.ErrNoticeForm)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("notice %s: %w", id, payment.ErrNoticeForm)
	}
	return []payment.Notice{{ID: id, At: b.At, Dispute: b.Data.Dispute, Status: payment.Status{
		Key: b.Data.Key, Outcome: b.Data.Outcome, Amount: b.Data.Amount,
		Reference: b.Data.Reference, Code: b.Data.Code, Action: b.Data.Action,
	}}}, nil
}
