package payment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

const maxNotice = 64 << 10

// InboxState is what became of a notice.
type InboxState string

// The states of a notice in the inbox.
const (
	NoticeWaiting   InboxState = "waiting"   // nothing it belongs to, or not confirmed; tried again for a day
	NoticeApplied   InboxState = "applied"   // its news was recorded in the same set
	NoticeFiled     InboxState = "filed"     // it told nothing new
	NoticeUnmatched InboxState = "unmatched" // an operator finds out
)

// Received is a notice as it lies in the inbox: once for each institution and
// notice id, whatever is delivered again.
type Received struct {
	platform.Head
	Institution string         `json:"institution" class:"internal"`
	Notice      string         `json:"notice" class:"internal"` // the institution's id of it
	State       InboxState     `json:"state" class:"internal"`
	Key         Key            `json:"key" class:"internal"`
	Outcome     Outcome        `json:"outcome" class:"internal"`
	Amount      platform.Money `json:"amount,omitzero" class:"internal"`
	Reference   string         `json:"reference,omitempty" class:"internal"`
	Dispute     string         `json:"dispute,omitempty" class:"internal"` // it tells of this dispute of the charge
	Code        string         `json:"code,omitempty" class:"internal"`
	Action      string         `json:"action,omitempty" class:"internal"`
	Digest      string         `json:"digest" class:"internal"` // SHA-256 of the bytes that came, in hex
	SentAt      time.Time      `json:"sent_at,omitzero" class:"internal"`
	ReceivedAt  time.Time      `json:"received_at" class:"internal"`
	Looks       int            `json:"looks,omitempty" class:"internal"`
	Due         time.Time      `json:"due,omitzero" class:"internal"` // when it is tried again
}

// Ref names the notice.
func (n Received) Ref() platform.Ref { return platform.Ref{Kind: "payment.notice", ID: n.ID} }

func received(institution string, n Notice, raw []byte, at time.Time) Received {
	sum := sha256.Sum256(raw)
	return Received{
		Head: platform.Head{ID: noticeID(institution, n.ID)}, Institution: institution, Notice: n.ID, State: NoticeWaiting,
		Key: n.Status.Key, Outcome: n.Status.Outcome, Amount: n.Status.Amount, Reference: n.Status.Reference,
		Dispute: n.Dispute, Code: n.Status.Code, Action: n.Status.Action, Digest: hex.EncodeToString(sum[:]), SentAt: n.At, ReceivedAt: at,
	}
}

// noticeID is the id of a notice in the inbox. The formula is frozen: moment 0,
// the slot of (institution, notice), and 8 bytes of SHA-256 of the same.
func noticeID(institution, notice string) platform.ID {
	key := platform.Key{Scope: "notice/" + institution, Name: notice}
	sum := sha256.Sum256([]byte(key.Scope + "\x00" + key.Name))
	return platform.NewID("ntc", time.UnixMilli(0), key.Slot(), binary.BigEndian.Uint64(sum[8:16]))
}

func (n Received) status() Status {
	return Status{Key: n.Key, Outcome: n.Outcome, Amount: n.Amount, Reference: n.Reference, Code: n.Code, Action: n.Action}
}

// wait returns the notice to be tried again, or unmatched after a day.
func (n Received) wait(at time.Time) Received {
	due, ok := nextLook(n.Looks, n.ReceivedAt, at)
	n.State, n.Due, n.Looks = NoticeWaiting, due, n.Looks+1
	if !ok {
		n.State = NoticeUnmatched
	}
	return n
}

// Receive takes what an institution posts, as it came. It returns nil when all
// of it is in the inbox and applied, or was before: answer 200 then, and another
// code for an error, so that the institution posts it again. No actor is needed;
// the signature says who speaks.
//
// A notice is a hint. News is confirmed by the institution's look-up before it
// moves anything; older news is filed without effect; one that belongs to
// nothing known waits for a day. An amount other than the one tried is
// quarantined.
//
// It fails with ErrInstitution for one that is not wired, ErrNoticeSize over
// 64 KiB, and ErrNoticeSignature, ErrNoticeStale or ErrNoticeForm for bytes that
// the institution did not write; of those that are not its own the log is told,
// once a minute at most.
func (s *Service) Receive(ctx context.Context, institution string, header map[string][]string, raw []byte) error {
	g, err := s.gateway(institution)
	if err != nil {
		return err
	}
	if len(raw) > maxNotice {
		return fmt.Errorf("notice of %s: %w", institution, ErrNoticeSize)
	}
	notices, err := g.Notices(ctx, header, raw)
	if err != nil {
		s.refuse(ctx, institution, err, raw)
		return fmt.Errorf("notice of %s: %w", institution, err)
	}
	now := s.w.Now()
	var failed []error
	for _, n := range notices {
		err := s.take(ctx, received(institution, n, raw, now), now)
		if err != nil && !errors.Is(err, ErrDuplicate) {
			failed = append(failed, fmt.Errorf("notice %s of %s: %w", n.ID, institution, err))
		}
	}
	return errors.Join(failed...)
}

// take brings a notice to what it belongs to. It fails with ErrDuplicate when
// the inbox has it, unless it waits there as it was listed.
func (s *Service) take(ctx context.Context, n Received, at time.Time) error {
	refs, about := []platform.Ref{n.Ref()}, n.Key.about()
	if _, err := platform.ParseID(string(about.ID)); err == nil && (about.ID.Prefix() == "rtn" || about.ID.Prefix() == "att") {
		refs = append(refs, about)
		if n.Dispute != "" { // before the institution is asked: its answer may be old by then
			refs = append(refs, rounds(Attempt{Head: platform.Head{ID: about.ID}, Institution: n.Institution}, n.Dispute)...)
		}
	}
	found, err := s.store.Found(ctx, refs...)
	if err != nil {
		return err
	}
	for _, stored := range found.Notices {
		if stored.State != NoticeWaiting || n.Revision() > 0 && n.Revision() != stored.Revision() {
			return fmt.Errorf("notice %s: %w", n.ID, ErrDuplicate)
		}
		n = stored
	}
	switch known := n.Key.about() == about; {
	case about.ID.Prefix() == "pay" && s.ports.Payouts != nil:
		return s.tellPayout(ctx, n, at)
	case about.Kind == sharingKind:
		return s.tellSharing(ctx, n, about.ID, at)
	case known && len(found.Attempts) > 0 && n.Dispute != "":
		return s.takeDispute(ctx, n, found.Attempts[0], found.Chargebacks, at)
	case known && len(found.Attempts) > 0 && n.Outcome == Returned: // no look-up tells of that: an operator, or the statement
		return s.settle(ctx, n, NoticeUnmatched, at)
	case known && len(found.Returns) > 0:
		return s.takeReturn(ctx, n, found.Returns[0], at)
	case known && len(found.Attempts) > 0:
		return s.takeAttempt(ctx, n, found.Attempts[0], at)
	}
	return s.file(ctx, n.wait(at))
}

func (s *Service) takeAttempt(ctx context.Context, n Received, a Attempt, at time.Time) error {
	news := func(st Status) error {
		if n.Key != a.Key() {
			return ErrNothingNew // of the call that let go of it, which is asked about anyway
		}
		_, err := a.Learn(st, false, at)
		return err
	}
	st, verdict := s.confirm(ctx, n, a.Institution, a.Amount, news)
	if verdict != NoticeApplied {
		return s.settle(ctx, n, verdict, at)
	}
	_, err := s.record(ctx, a, s.heard(n, st, at))
	return s.unless(ctx, err, n, at)
}

func (s *Service) takeReturn(ctx context.Context, n Received, r Return, at time.Time) error {
	news := func(st Status) error {
		if n.Key != r.Key() {
			return ErrNothingNew
		}
		_, err := r.Learn(st, false, at)
		return err
	}
	st, verdict := s.confirm(ctx, n, r.Part().Institution, r.Part().Amount, news)
	if verdict != NoticeApplied {
		return s.settle(ctx, n, verdict, at)
	}
	_, err := s.recordReturn(ctx, r, s.heard(n, st, at))
	return s.unless(ctx, err, n, at)
}

// confirm asks the institution whether the notice's news is true. What goes on is
// the institution's answer; but when the notice states another amount than the
// one tried, it is the notice, to be quarantined.
func (s *Service) confirm(ctx context.Context, n Received, institution string, tried platform.Money, news func(Status) error) (Status, InboxState) {
	if institution != n.Institution {
		return Status{}, NoticeUnmatched // another institution speaks of a key that it was never given
	}
	said := n.status()
	if news(said) != nil {
		return Status{}, NoticeFiled
	}
	g, err := s.gateway(institution)
	if err != nil {
		return Status{}, NoticeWaiting
	}
	found, _ := s.lookup(ctx, g, n.Key, false)
	if news(found) != nil {
		return Status{}, NoticeWaiting
	}
	if found.Outcome == Done && said.Outcome == Done && said.Amount != tried {
		return said, NoticeApplied
	}
	return found, NoticeApplied
}

func (s *Service) heard(n Received, st Status, at time.Time) record {
	n.State, n.Due = NoticeApplied, time.Time{}
	return record{Key: n.Key, Status: st, Via: "notice", At: at, notice: &n}
}

// settle files a notice that moves nothing now.
func (s *Service) settle(ctx context.Context, n Received, as InboxState, at time.Time) error {
	if as == NoticeWaiting {
		return s.file(ctx, n.wait(at))
	}
	n.State, n.Due = as, time.Time{}
	return s.file(ctx, n)
}

// unless files a notice whose news was recorded by somebody else meanwhile.
func (s *Service) unless(ctx context.Context, err error, n Received, at time.Time) error {
	if errors.Is(err, ErrNothingNew) {
		return s.settle(ctx, n, NoticeFiled, at)
	}
	return err
}

// file writes a notice into the inbox.
type file struct{ Notice Received }

// Subject is the notice.
func (f file) Subject() platform.Ref { return f.Notice.Ref() }

func (s *Service) file(ctx context.Context, n Received) error {
	again := false
	_, err := persist(ctx, s, file{n}, func(ctx context.Context) (Received, []platform.Change, error) {
		changes := []platform.Change{platform.Put(n)} // in the place of what was found
		if again {
			found, err := s.store.Found(ctx, n.Ref())
			if err == nil {
				changes, err = n.filed(found.Notices, nil)
			}
			if err != nil {
				return Received{}, nil, err
			}
		}
		again = true
		return n, append(changes, platform.Happened("payment.notice_"+string(n.State), n.Ref(), n.facts())), nil
	})
	return err
}

// filed adds a notice, if there is one, to a set, in the place of what is stored
// of it. It fails with ErrDuplicate when another delivery of it came first.
func (n *Received) filed(stored []Received, changes []platform.Change) ([]platform.Change, error) {
	if n == nil {
		return changes, nil
	}
	next := *n
	for _, s := range stored {
		if s.State != NoticeWaiting || s.Looks >= n.Looks && n.State == NoticeWaiting {
			return nil, fmt.Errorf("notice %s: %w", n.ID, ErrDuplicate)
		}
		next.Version = s.Version
	}
	return append(changes, platform.Put(next)), nil
}

// facts are a notice in an event.
func (n Received) facts() any {
	return struct {
		Institution string         `json:"institution"`
		Key         Key            `json:"key"`
		Outcome     Outcome        `json:"outcome"`
		Amount      platform.Money `json:"amount,omitzero"`
	}{n.Institution, n.Key, n.Outcome, n.Amount}
}
