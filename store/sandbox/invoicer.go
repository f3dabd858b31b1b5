package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// Invoicer is a tax authority that issues nothing official, for demos and tests:
// an invoice.Invoicer. It keeps what it issued in memory, and gives the same
// document under the same key the same number, also after a restart. It may be
// used by several goroutines at once.
type Invoicer struct {
	now     func() time.Time
	confirm time.Duration

	mu     sync.Mutex
	papers map[string]*paper // by key
	used   map[string]bool   // official numbers that their buyers used
	forced map[string]InvoicerFault
	calls  int
}

// InvoicerFault is what goes wrong with one call.
type InvoicerFault string

// The faults. Each happens once, but Refusal and Alter, which last until they are
// forced to "".
const (
	TimeoutAfter InvoicerFault = "timeout_after" // it is issued, and the answer is lost
	LostBefore   InvoicerFault = "lost_before"   // it never arrived
	Slow         InvoicerFault = "slow"          // it is being worked on, and issued a minute later
	Refusal      InvoicerFault = "refusal"
	Alter        InvoicerFault = "alter" // its totals are others
)

// paper is a document as the authority keeps it.
type paper struct {
	digest   [32]byte
	gross    platform.Money
	tax      platform.Money
	original string
	ready    time.Time // when a slow one is done
	waits    bool      // for the other side
	until    time.Time
	lapsed   bool
	altered  bool
}

var errAuthority = errors.New("sandbox: no answer from the tax authority")

// NewInvoicer is an authority without papers. A nil clock is the wall's; a red
// letter over an invoice that was used is confirmed within so long, zero being 72
// hours.
func NewInvoicer(now func() time.Time, confirm time.Duration) *Invoicer {
	if now == nil {
		now = platform.Writer{}.Ready().Now
	}
	if confirm == 0 {
		confirm = 72 * time.Hour
	}
	return &Invoicer{now: now, confirm: confirm, papers: map[string]*paper{}, used: map[string]bool{}, forced: map[string]InvoicerFault{}}
}

// Issue implements invoice.Invoicer. Another document under a known key is
// refused.
func (i *Invoicer) Issue(ctx context.Context, key string, document json.RawMessage) (json.RawMessage, error) {
	i.outside(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls++
	fault := i.forced[key]
	if fault != Refusal && fault != Alter {
		delete(i.forced, key)
	}
	if ctx.Err() != nil || fault == LostBefore {
		return nil, errAuthority
	}
	if fault == Refusal {
		return answer(map[string]any{"outcome": "refused", "reason": "authority.refused"})
	}
	p, err := i.enter(key, document, fault)
	if err != nil {
		return answer(map[string]any{"outcome": "refused", "reason": err.Error()})
	}
	p.altered = fault == Alter
	if fault == TimeoutAfter {
		return nil, errAuthority
	}
	return i.standing(key, p)
}

// enter keeps a document, once.
func (i *Invoicer) enter(key string, document json.RawMessage, fault InvoicerFault) (*paper, error) {
	digest := sha256.Sum256(document)
	if p, known := i.papers[key]; known {
		if p.digest != digest {
			return nil, errors.New("authority.key_reused")
		}
		return p, nil
	}
	var d struct {
		Gross    platform.Money `json:"gross"`
		Tax      platform.Money `json:"tax"`
		Original string         `json:"original"`
	}
	if err := json.Unmarshal(document, &d); err != nil || d.Gross.Absent() {
		return nil, errors.New("authority.document")
	}
	p := &paper{digest: digest, gross: d.Gross, tax: d.Tax, original: d.Original}
	if fault == Slow {
		p.ready = i.now().Add(time.Minute)
	}
	if p.original != "" && i.used[p.original] {
		p.waits, p.until = true, i.now().Add(i.confirm)
	}
	i.papers[key] = p
	return p, nil
}

// Lookup implements invoice.Invoicer.
func (i *Invoicer) Lookup(ctx context.Context, key string) (json.RawMessage, error) {
	i.outside(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	if ctx.Err() != nil {
		return nil, errAuthority
	}
	p, known := i.papers[key]
	if !known {
		return answer(map[string]any{"outcome": "absent"})
	}
	return i.standing(key, p)
}

// standing is how a document stands now.
func (i *Invoicer) standing(key string, p *paper) (json.RawMessage, error) {
	if p.waits && !i.now().Before(p.until) {
		p.lapsed = true
	}
	switch {
	case i.now().Before(p.ready):
		return answer(map[string]any{"outcome": "working"})
	case p.lapsed:
		return answer(map[string]any{"outcome": "lapsed"})
	case p.waits:
		return answer(map[string]any{"outcome": "waiting", "until": p.until})
	}
	gross := p.gross
	if p.altered {
		gross = gross.Neg()
	}
	number := officialNumber(key)
	return answer(map[string]any{
		"outcome": "done", "official": number, "hash": hex.EncodeToString(p.digest[:]), "gross": gross, "tax": p.tax,
		"link": "https://invoice.example/" + number,
	})
}

// officialNumber has 20 digits, as those of electronic invoices, and follows from
// the key.
func officialNumber(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("%020d", binary.BigEndian.Uint64(sum[:8]))
}

func answer(a map[string]any) (json.RawMessage, error) { return json.Marshal(a) }

// Force makes a fault happen to the document of a key.
func (i *Invoicer) Force(key string, f InvoicerFault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forced[key] = f
	if p, known := i.papers[key]; known && f == "" {
		p.altered = false
	}
}

// Use is the buyer using an invoice, as for a deduction: from then on a red letter
// over it needs the buyer's confirmation.
func (i *Invoicer) Use(official string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.used[official] = true
}

// Confirm is the other side confirming the red letter of a key. It tells whether
// that was still waited for.
func (i *Invoicer) Confirm(key string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	p, known := i.papers[key]
	if !known || !p.waits || !i.now().Before(p.until) {
		return false
	}
	p.waits = false
	return true
}

// Papers is how many documents were issued, and Calls how often one was handed in.
func (i *Invoicer) Papers() (papers, calls int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, p := range i.papers {
		if !p.waits && !p.lapsed {
			papers++
		}
	}
	return papers, i.calls
}

func (i *Invoicer) outside(ctx context.Context) {
	if platform.Deciding(ctx) {
		panic("sandbox: the tax authority was called inside a decision")
	}
}
