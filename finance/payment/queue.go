package payment

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/liangding/platform"
)

// Task is what waits for an operator.
type Task struct {
	About       platform.Ref   `json:"about"`
	Subject     platform.Ref   `json:"subject,omitzero"`
	Institution string         `json:"institution"`
	State       string         `json:"state"`
	Amount      platform.Money `json:"amount,omitzero"`
	Reason      string         `json:"reason,omitempty"` // a code
	Owner       string         `json:"owner"`            // the role that does it
}

// Queue is a page of what waits for operators, by what it is about: attempts whose
// outcome stayed unknown or whose amount is another one, charges that their institution
// will let go of before they are shared out, returns, splits and
// chargebacks that need a hand, and notices that belong to nothing known. The cursor of a page
// is where the next one begins; the last has none. For operators and auditors.
func (s *Service) Queue(ctx context.Context, cursor string) (platform.Page[Task], error) {
	if err := s.visible(ctx, "", platform.Ref{Kind: "payment.task"}); err != nil {
		return platform.Page[Task]{}, err
	}
	return s.store.Queue(ctx, cursor)
}

// queue is what waits for operators: a kind of record by one of its columns, in the
// order of the queue.
var queue = []struct{ kind, by, is string }{
	{"payment.attempt", "state", string(AttemptManual)},
	{"payment.attempt", "state", string(AttemptQuarantined)},
	{"payment.return", "state", string(ReturnManual)},
	{sharingKind, "state", string(SharingManual)},
	{sharingKind, "state", string(SharingFrozen)},
	{"payment.chargeback", "state", string(ChargebackNeedsResponse)},
	{"payment.chargeback", "state", string(ChargebackManual)},
	{"payment.notice", "state", string(NoticeUnmatched)},
	{"payment.attempt", "alert", freezeExpiring},
}

func (a Attempt) task() Task {
	return Task{About: a.Ref(), Subject: a.Subject, Institution: a.Institution, State: string(a.State), Amount: a.Amount, Reason: cmp.Or(a.alert(), a.Reason), Owner: "finance"}
}

func (r Return) task() Task {
	return Task{About: r.Ref(), Subject: r.Subject, Institution: r.Part().Institution, State: string(r.State), Amount: r.Part().Amount, Reason: r.Reason, Owner: "finance"}
}

func (h Sharing) task() Task {
	return Task{About: h.Ref(), Subject: h.Subject, Institution: h.Institution, State: string(h.State), Amount: h.Amount, Reason: h.Reason, Owner: "finance"}
}

func (c Chargeback) task() Task {
	return Task{About: c.Ref(), Subject: c.Subject, Institution: c.Institution, State: string(c.State), Amount: c.Amount, Reason: c.Reason, Owner: "finance"}
}

func (n Received) task() Task {
	return Task{About: n.Ref(), Institution: n.Institution, State: string(n.State), Amount: n.Amount, Reason: "notice." + string(n.Outcome), Owner: "finance"}
}

// Queue implements [Store]. A cursor is the number of a part of the queue and, behind
// a colon, the place in it.
func (s store) Queue(ctx context.Context, cursor string) (platform.Page[Task], error) {
	number, within, _ := strings.Cut(cursor, ":")
	part, err := strconv.Atoi(cmp.Or(number, "0"))
	if err != nil || part < 0 || part >= len(queue) {
		return platform.Page[Task]{}, fmt.Errorf("queue from %.40q: %w", cursor, platform.ErrInvalid)
	}
	var all platform.Page[Task]
	for ; part < len(queue); part++ {
		if len(all.Items) >= 100 {
			all.Next = strconv.Itoa(part) + ":"
			return all, nil
		}
		page, err := s.tasks(ctx, platform.Query{Kind: queue[part].kind, By: []string{queue[part].by}, Equal: []any{queue[part].is}, Limit: 100, Cursor: within})
		if err != nil {
			return platform.Page[Task]{}, err
		}
		all.Items = append(all.Items, page.Items...)
		if within = page.Next; within != "" {
			all.Next = strconv.Itoa(part) + ":" + within
			return all, nil
		}
	}
	return all, nil
}

func (s store) tasks(ctx context.Context, q platform.Query) (platform.Page[Task], error) {
	switch q.Kind {
	case "payment.attempt":
		return tasksOf[Attempt](ctx, s.db, q)
	case "payment.return":
		return tasksOf[Return](ctx, s.db, q)
	case sharingKind:
		return tasksOf[Sharing](ctx, s.db, q)
	case "payment.chargeback":
		return tasksOf[Chargeback](ctx, s.db, q)
	}
	return tasksOf[Received](ctx, s.db, q)
}

func tasksOf[T interface{ task() Task }](ctx context.Context, db platform.Getter, q platform.Query) (platform.Page[Task], error) {
	page, err := platform.List[T](ctx, db, q)
	all := platform.Page[Task]{Next: page.Next}
	for _, r := range page.Items {
		all.Items = append(all.Items, r.task())
	}
	return all, err
}
