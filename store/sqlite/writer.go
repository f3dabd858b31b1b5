package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	random "math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// writer is the one connection that writes. Its statements are prepared once
// and used again as long as the connection lives. Only who has its turn may use
// it; nothing of it is cut by a ctx but the wait for a lock, so that a
// transaction is never left half done.
type writer struct {
	turn     chan struct{} // holds one token
	pool     *sql.DB
	patience time.Duration

	closed     bool
	conn       *sql.Conn // nil: not connected
	statements map[string]*sql.Stmt

	// The witness of this handle: the row that says how many transactions it
	// has committed. When an answer to a commit is lost, it tells.
	handle []byte
	flush  int64
	lost   atomic.Int64 // answers that it told

	end func() error // how a transaction is committed; a test loses its answer
}

var (
	// errIdle ends a transaction that has nothing to write.
	errIdle = errors.New("nothing to write")

	// errUndone is the answer when a commit failed and was undone for certain.
	errUndone = platform.Err(platform.ErrUnavailable, "sqlite.undone", "the file could not be written; nothing has changed", "文件写入失败，数据未变")
)

func newWriter(pool *sql.DB, patience time.Duration) *writer {
	w := &writer{
		turn: make(chan struct{}, 1), pool: pool, patience: patience,
		statements: map[string]*sql.Stmt{}, handle: make([]byte, 16),
	}
	_, _ = rand.Read(w.handle) // never fails since Go 1.24
	w.turn <- struct{}{}
	w.end = func() error { return w.script("commit") }
	return w
}

// transact runs what in one transaction, durable when it returns nil. Any other
// answer says that nothing was written, but for [store.ErrUnknown]. It waits for
// other writers for as long as the patience lasts, or ctx.
func (w *writer) transact(ctx context.Context, what func() error) error {
	if err := w.take(ctx); err != nil {
		return err
	}
	defer w.pass()
	if err := w.begin(ctx); err != nil {
		return trouble("begin", err)
	}
	sound := false
	defer func() {
		if !sound {
			w.abandon()
		}
	}()
	err := what()
	if errors.Is(err, errIdle) {
		sound = w.script("rollback") == nil
		return nil
	}
	if err == nil {
		err = w.testify()
	}
	if err != nil {
		sound = w.script("rollback") == nil
		return trouble("write", err)
	}
	if err := w.end(); err != nil {
		w.abandon()
		sound = true
		return w.inquire(ctx, trouble("commit", err))
	}
	sound = true
	return nil
}

// take waits for the turn, which pass gives to the next one.
func (w *writer) take(ctx context.Context) error {
	select {
	case <-w.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.closed {
		w.pass()
		return store.ErrClosed
	}
	return nil
}

func (w *writer) pass() { w.turn <- struct{}{} }

// begin takes the write lock of the file.
func (w *writer) begin(ctx context.Context) error {
	err := w.insist(ctx, func() error {
		if err := w.connect(); err != nil {
			return err
		}
		return w.script("begin immediate")
	})
	if err != nil && !busy(err) {
		w.abandon()
	}
	return err
}

// insist tries for the write lock of the file until the patience ends, or ctx.
// Other processes queue for it by asking again, so it asks often.
func (w *writer) insist(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	for {
		err := try()
		if !busy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(random.Int64N(int64(time.Millisecond)))):
		}
	}
}

func (w *writer) connect() (err error) {
	if w.conn != nil {
		return nil
	}
	if w.conn, err = w.pool.Conn(context.Background()); err != nil {
		return err
	}
	return w.script("pragma busy_timeout = 0")
}

// abandon drops the connection, and what it had begun with it.
func (w *writer) abandon() {
	if w.conn == nil {
		return
	}
	for _, s := range w.statements {
		_ = s.Close()
	}
	clear(w.statements)
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool closes it
	_ = w.conn.Close()
	w.conn = nil
}

// testify writes this transaction's number into the handle's witness row. Its
// time is the machine's, whatever clock the store was given, so that no other
// handle sweeps it too early.
func (w *writer) testify() error {
	w.flush++
	_, err := w.exec(`insert into witness (handle, flush, at) values (?, ?, unixepoch() * 1000000)
		on conflict (handle) do update set flush = excluded.flush, at = excluded.at`, w.handle, w.flush)
	return err
}

// inquire finds out, over a new connection, what became of a transaction whose
// commit was not acknowledged. When it is not there, a number of its own is
// committed in its place, so that no log can bring it back after a crash.
func (w *writer) inquire(ctx context.Context, failed error) error {
	unknown := fmt.Errorf("%w: %w", store.ErrUnknown, failed)
	lost := w.flush
	if err := w.begin(ctx); err != nil {
		return unknown
	}
	var seen int64
	err := w.row("select flush from witness where handle = ?", w.handle).Scan(&seen)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		w.abandon()
		return unknown
	case seen == lost:
		if w.script("rollback") != nil {
			w.abandon()
		}
		w.lost.Add(1)
		return nil
	}
	if err = w.testify(); err == nil {
		err = w.end()
	}
	if err != nil {
		w.abandon()
		return unknown
	}
	w.lost.Add(1)
	return fmt.Errorf("%w: %w", errUndone, failed)
}

// script runs statements that are not worth keeping.
func (w *writer) script(text string) error {
	_, err := w.conn.ExecContext(context.Background(), text)
	return err
}

func (w *writer) prepared(text string) (*sql.Stmt, error) {
	if s := w.statements[text]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), text)
	if err == nil {
		w.statements[text] = s
	}
	return s, err
}

func (w *writer) exec(text string, args ...any) (sql.Result, error) {
	s, err := w.prepared(text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (w *writer) query(text string, args ...any) (*sql.Rows, error) {
	s, err := w.prepared(text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

// row is the single row of an answer.
func (w *writer) row(text string, args ...any) *sql.Row {
	return w.conn.QueryRowContext(context.Background(), text, args...)
}

// close gives the connection back for good.
func (w *writer) close() {
	<-w.turn
	w.abandon()
	w.closed = true
	w.pass()
}
