package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// Open is a sandbox that keeps its books in a file, made if it is missing, so
// that it knows its charges after a restart as an institution does. Notices that
// were not delivered are lost with the process: a look-up tells as much. What a
// crash cut off at the end of the file never happened. Close closes the file.
func Open(path string, opts *Options) (*Sandbox, error) {
	s := New(opts)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the sandbox's books: %w", err)
	}
	whole, err := s.replay(file)
	if err == nil {
		err = errors.Join(file.Truncate(whole), seek(file, whole))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the sandbox's books %s: %w", path, err), file.Close())
	}
	s.file = file
	return s, nil
}

func seek(file *os.File, to int64) error {
	_, err := file.Seek(to, io.SeekStart)
	return err
}

// Close closes the file of a sandbox that has one.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.Close()
}

// entry is an operation as the file has it: the last of a key counts. Or else it
// is the account of somebody else, once that is known.
type entry struct {
	Opened string `json:"opened,omitempty"`

	Kind      kind            `json:"kind,omitempty"` // missing in older files: of what has an Of, refund, and else charge
	Key       payment.Key     `json:"key,omitempty"`
	Of        payment.Key     `json:"of,omitempty"`
	Foreign   bool            `json:"foreign,omitempty"`
	Method    string          `json:"method,omitempty"`
	Account   string          `json:"account,omitempty"`
	Shares    []payment.Share `json:"shares,omitempty"`
	Final     bool            `json:"final,omitempty"`
	Amount    platform.Money  `json:"amount,omitzero"`
	Moved     platform.Money  `json:"moved,omitzero"`
	Left      platform.Money  `json:"left,omitzero"`
	Closed    bool            `json:"closed,omitempty"`
	Reference string          `json:"reference,omitempty"`
	Code      string          `json:"code,omitempty"`
	Action    bool            `json:"action,omitempty"`
	Acted     bool            `json:"acted,omitempty"`
	Arrives   time.Time       `json:"arrives,omitzero"`
	Lands     time.Time       `json:"lands,omitzero"`
	Back      time.Time       `json:"back,omitzero"`
}

// write keeps operations before anybody hears of them.
func (s *Sandbox) write(changed ...*operation) {
	entries := make([]entry, 0, len(changed))
	for _, o := range changed {
		s.dated(o)
		entries = append(entries, entry{
			Kind: o.kind, Key: o.key, Of: o.of, Foreign: o.foreign, Method: o.method, Account: o.account, Shares: o.shares, Final: o.final,
			Amount: o.amount, Moved: o.moved, Left: o.left, Closed: o.closed, Reference: o.reference, Code: o.code,
			Action: o.action, Acted: o.acted, Arrives: o.arrives, Lands: o.lands, Back: o.back,
		})
	}
	s.append(entries...)
}

// append adds to the file, if there is one. A file that cannot be written is a
// machine out of order, on which a demo had better stop.
func (s *Sandbox) append(entries ...entry) {
	if s.file == nil {
		return
	}
	var lines []byte
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			panic(fmt.Sprintf("sandbox: encode %s: %v", e.Key, err))
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err := s.file.Write(lines); err != nil {
		panic(fmt.Sprintf("sandbox: write the books: %v", err))
	}
	if err := s.file.Sync(); err != nil {
		panic(fmt.Sprintf("sandbox: write the books: %v", err))
	}
}

// replay reads the file and tells how much of it is whole lines.
func (s *Sandbox) replay(file io.Reader) (whole int64, err error) {
	in := bufio.NewReader(file)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil // what follows the last line was cut off
		}
		if err != nil {
			return whole, err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return whole, fmt.Errorf("at byte %d: %w", whole, err)
		}
		s.recall(e)
		whole += int64(len(line))
	}
}

func (s *Sandbox) recall(e entry) {
	if e.Opened != "" {
		s.accounts[e.Opened] = true
		return
	}
	if e.Kind == "" {
		e.Kind = charging
		if e.Of != "" {
			e.Kind = refunding
		}
	}
	next := operation{
		kind: e.Kind, key: e.Key, of: e.Of, foreign: e.Foreign, method: e.Method, account: e.Account, shares: e.Shares, final: e.Final,
		amount: e.Amount, moved: e.Moved, left: e.Left, closed: e.Closed, reference: e.Reference, code: e.Code,
		action: e.Action, acted: e.Acted, arrives: e.Arrives, lands: e.Lands, back: e.Back,
	}
	if o, known := s.operations[e.Key]; known {
		next.no = o.no
		*o = next
		s.dated(o)
		return
	}
	s.index(&next)
}
