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

// entry is an operation as the file has it: the last of a key counts.
type entry struct {
	Key       payment.Key    `json:"key"`
	Of        payment.Key    `json:"of,omitempty"`
	Method    string         `json:"method,omitempty"`
	Amount    platform.Money `json:"amount"`
	Moved     platform.Money `json:"moved"`
	Left      platform.Money `json:"left,omitzero"`
	Reference string         `json:"reference"`
	Code      string         `json:"code,omitempty"`
	Action    bool           `json:"action,omitempty"`
	Acted     bool           `json:"acted,omitempty"`
	Arrives   time.Time      `json:"arrives"`
	Lands     time.Time      `json:"lands"`
}

// write keeps operations before anybody hears of them. A file that cannot be
// written is a machine out of order, on which a demo had better stop.
func (s *Sandbox) write(changed ...*operation) {
	if s.file == nil {
		return
	}
	var lines []byte
	for _, o := range changed {
		line, err := json.Marshal(entry{
			Key: o.key, Of: o.of, Method: o.method, Amount: o.amount, Moved: o.moved, Left: o.left, Reference: o.reference,
			Code: o.code, Action: o.action, Acted: o.acted, Arrives: o.arrives, Lands: o.lands,
		})
		if err != nil {
			panic(fmt.Sprintf("sandbox: encode %s: %v", o.key, err))
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
	o, known := s.operations[e.Key]
	if !known {
		o = &operation{}
		s.operations[e.Key], s.order = o, append(s.order, e.Key)
	}
	*o = operation{
		key: e.Key, of: e.Of, method: e.Method, amount: e.Amount, moved: e.Moved, left: e.Left, reference: e.Reference,
		code: e.Code, action: e.Action, acted: e.Acted, arrives: e.Arrives, lands: e.Lands,
	}
	if o.of == "" {
		s.charges[o.reference] = o
	}
}
