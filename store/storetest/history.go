package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/liangding/platform"
)

// History notes what callers asked of a store and what they were told, in the
// order in which it happened. The zero History is empty and ready; it may be
// used by several goroutines at once.
type History struct {
	mu    sync.Mutex
	tick  int64
	calls []*call
}

// call is one call: its span in ticks of the history, and what came back.
type call struct {
	began, ended int64 // ended 0: still under way
	what         string
	outcome      func() string // asked for when the history is read
	touched      []touch
}

// Watch returns db with every call noted in the history. Only Get and Commit
// count for [History.Linearizable].
func (h *History) Watch(db platform.DB) platform.DB { return &watched{DB: db, history: h} }

// begin notes a call; what it may come to touch counts until it ends.
func (h *History) begin(what string, touched ...touch) *call {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick++
	c := &call{began: h.tick, what: what, touched: touched}
	h.calls = append(h.calls, c)
	return c
}

func (h *History) end(c *call, outcome func() string, touched []touch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick++
	c.ended, c.outcome, c.touched = h.tick, outcome, touched
}

// String is one line a call, in the order in which they began: when it began
// and ended, what was asked, what came back.
func (h *History) String() string { return h.last(len(h.calls)) }

// last is the newest n lines, with the number of those left out.
func (h *History) last(n int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b strings.Builder
	calls := h.calls
	if left := len(calls) - n; left > 0 {
		fmt.Fprintf(&b, "… %d calls before\n", left)
		calls = calls[left:]
	}
	for _, c := range calls {
		span, outcome := fmt.Sprintf("%d…", c.began), "under way"
		if c.ended > 0 {
			span, outcome = fmt.Sprintf("%d…%d", c.began, c.ended), c.outcome()
		}
		fmt.Fprintf(&b, "%12s  %s → %s\n", span, c.what, outcome)
	}
	return b.String()
}

// watched is a store whose calls go into a history.
type watched struct {
	platform.DB
	history *History
}

func (w *watched) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	c := w.history.begin("get " + joined(refs))
	records, err := w.DB.Get(ctx, refs...)
	touched := readings(refs, records, err)
	w.history.end(c, told(err, func() string { return versionsText(touched) }), touched)
	return records, err
}

func versionsText(touched []touch) string {
	texts := make([]string, len(touched))
	for i, t := range touched {
		texts[i] = fmt.Sprintf("version %d, doc %s", t.version, digest(t.doc))
	}
	return shortened(texts)
}

func (w *watched) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	c := w.history.begin(fmt.Sprintf("scan %s by %v equal %v from %v until %v backward %t limit %d cursor %q",
		q.Kind, q.By, q.Equal, q.From, q.Until, q.Backward, q.Limit, q.Cursor))
	page, err := w.DB.Scan(ctx, q)
	rows, next := len(page.Items), page.Next
	w.history.end(c, told(err, func() string { return fmt.Sprintf("%d rows, next %q", rows, next) }), nil)
	return page, err
}

func (w *watched) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	touched := writings(set) // encoded now: the caller may change its values later
	c := w.history.begin("commit "+described(set), unheard(touched)...)
	receipt, err := w.DB.Commit(ctx, set)
	text := receiptText(receipt)
	w.history.end(c, told(err, func() string { return text }), settled(touched, receipt, err))
	return receipt, err
}

func (w *watched) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	c := w.history.begin("recall " + key.Name)
	answer, err := w.DB.Recall(ctx, key)
	text := "answer " + digest(answer.Body)
	w.history.end(c, told(err, func() string { return text }), nil)
	return answer, err
}

func (w *watched) Close() error {
	c := w.history.begin("close")
	err := w.DB.Close()
	w.history.end(c, told(err, func() string { return "closed" }), nil)
	return err
}

func told(err error, result func() string) func() string {
	if err == nil {
		return result
	}
	return func() string { return fmt.Sprintf("%s [%s]", err, platform.Code(err)) }
}

func joined(refs []platform.Ref) string {
	texts := make([]string, len(refs))
	for i, r := range refs {
		texts[i] = r.String()
	}
	return shortened(texts)
}

// shortened joins the first few of a list that may have ten thousand.
func shortened(texts []string) string {
	const most = 12
	if len(texts) > most {
		return strings.Join(texts[:most], ", ") + fmt.Sprintf(" and %d more", len(texts)-most)
	}
	return strings.Join(texts, ", ")
}

var opNames = map[platform.Op]string{
	platform.Create: "create", platform.Replace: "replace", platform.Check: "check",
	platform.Append: "append", platform.Add: "add", platform.Delete: "delete",
}

func described(set platform.Set) string {
	texts := make([]string, 0, len(set.Changes)+1)
	if set.Key != (platform.Key{}) {
		texts = append(texts, "key "+set.Key.Name)
	}
	for _, c := range set.Changes {
		text := opNames[c.Op] + " " + c.Ref.String()
		switch c.Op {
		case platform.Replace, platform.Check, platform.Delete:
			text += fmt.Sprintf(" at %d", c.Version)
		case platform.Add:
			text += fmt.Sprintf(" %+d", c.Delta)
			if c.Floor != nil {
				text += fmt.Sprintf(" floor %d", *c.Floor)
			}
		}
		texts = append(texts, text)
	}
	return "{" + shortened(texts) + "}"
}

func receiptText(r platform.Receipt) string {
	if r.Answer != nil {
		return "stored answer " + digest(r.Answer.Body)
	}
	texts := make([]string, 0, len(r.Versions)+len(r.Counters))
	for _, v := range r.Versions {
		texts = append(texts, fmt.Sprintf("%s at %d", v.Ref, v.Version))
	}
	for _, c := range r.Counters {
		texts = append(texts, fmt.Sprintf("%s = %d, number %d", c.Ref, c.Value, c.Seq))
	}
	return "done " + shortened(texts)
}

// digest is eight characters that tell documents apart whatever the spacing
// and the order of their members.
func digest(doc []byte) string {
	if len(doc) == 0 {
		return "none"
	}
	sum := sha256.Sum256(canonical(doc))
	return hex.EncodeToString(sum[:4])
}

// canonical is a JSON document with sorted members and no spacing, numbers as
// they were written; anything else is left as it is.
func canonical(doc []byte) []byte {
	value, err := decoded(doc)
	if err != nil {
		return doc
	}
	text, err := json.Marshal(value)
	if err != nil {
		return doc
	}
	return text
}

func isLost(err error) bool {
	return errors.Is(err, platform.ErrUnavailable) && platform.Code(err) == "unknown"
}
