package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// lane is a connection and its flushes, of which there is one at a time.
type lane struct {
	db    *DB
	group *store.Group
	conn  *pgxpool.Conn
	since time.Time // when the server's process for it began; zero: there is none of its own
	lost  []backend // connections that ended without goodbye
	swept time.Time
	wary  int // flushes to come that look for what is to be new

	retries, settled atomic.Int64 // flushes begun again; commits whose answer was lost and found out
}

// wariness is for how many flushes a lane looks for what is to be new after one
// that should have.
const wariness = 64

// backend is a process of the server, by number and beginning: numbers come
// again.
type backend struct {
	pid   uint32
	since time.Time
}

// errLost is a connection that ended before anything was written, or whose
// transaction can never commit.
var errLost = errors.New("connection lost")

// flush writes sets together, again as long as other writers were faster or
// the connection was lost with nothing written.
func (l *lane) flush(ctx context.Context, sets []store.Prepared, limit int) ([]store.Outcome, error) {
	var since time.Time // the connection was lost
	for tries, clash := 0, 0; ; tries++ {
		blind := clash == 0 && l.wary == 0
		outcomes, err := l.once(ctx, sets, !blind)
		l.wary = max(0, l.wary-1)
		switch {
		case ctx.Err() != nil && err != nil && !errors.Is(err, store.ErrUnknown):
			return nil, store.ErrClosed
		case blind && (clashed(err) || errors.Is(err, errBlind)):
			l.wary = wariness
		case clashed(err) && clash < limit:
			clash++
			l.retries.Add(1)
			pause(ctx, clash)
		case errors.Is(err, errLost):
			l.retries.Add(1)
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since) > l.db.opts.Unknown {
				return nil, ErrConnection
			}
			pause(ctx, tries)
		default:
			return outcomes, err
		}
	}
}

// once is one transaction of two trips. Unless it looks for what is to be new, it
// refuses no set, but fails with errBlind.
func (l *lane) once(ctx context.Context, sets []store.Prepared, fresh bool) ([]store.Outcome, error) {
	conn, err := l.ready(ctx)
	if err != nil {
		return nil, err
	}
	var first, second pgx.Batch
	first.Queue("begin isolation level read committed")
	if l.since.IsZero() {
		first.Queue("set local " + generic) // not for the session, which the pooler gives to others
	}
	state, there := l.db.tables.look(&first, sets, fresh)
	if err := conn.SendBatch(ctx, &first).Close(); err != nil {
		return nil, l.back(ctx, err)
	}
	writes, outcomes := store.Decide(state, sets)
	switch {
	case !fresh && refusedAny(outcomes):
		l.rollback(ctx)
		return nil, errBlind
	case nothing(outcomes):
		l.rollback(ctx)
		return outcomes, nil
	}
	flush := flushID(time.Now())
	second.Queue(l.db.tables.sql("insert into {schema}.witness values ($1, now())"), flush)
	l.db.tables.queue(&second, writes, there)
	second.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the transaction ended with %s: %w", tag, errLost)
		}
		return nil
	})
	err = conn.SendBatch(ctx, &second).Close()
	switch {
	case err == nil:
		return outcomes, nil
	case refused(err) != nil || errors.Is(err, errLost):
		return nil, l.back(ctx, err)
	}
	l.drop(true)
	committed, err := l.settle(ctx, flush)
	if err != nil {
		return nil, err
	}
	l.settled.Add(1)
	if !committed {
		return nil, errLost
	}
	return outcomes, nil
}

// back ends a transaction that failed before its commit, and tells why.
func (l *lane) back(ctx context.Context, err error) error {
	if refused(err) == nil {
		l.drop(true)
		return errLost
	}
	if code := refused(err).Code; code == "0A000" || code == "26000" || code == "25006" {
		l.drop(false) // plans of tables as they were, or a server that became a standby
		return err
	}
	l.rollback(ctx)
	return err
}

func (l *lane) rollback(ctx context.Context) {
	if _, err := l.conn.Exec(ctx, "rollback"); err != nil {
		l.drop(true) // nothing of it can commit
	}
}

// generic plans cost a flush half of what custom ones do.
const generic = "plan_cache_mode = force_generic_plan"

// ready is the lane's connection, a new one if the last was lost.
func (l *lane) ready(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.Conn().IsClosed() {
		l.sweep(ctx)
		return l.conn.Conn(), nil
	}
	l.drop(true)
	ctx, cancel := context.WithTimeout(ctx, l.db.opts.Unknown)
	defer cancel()
	conn, err := l.db.pool.Acquire(ctx)
	if err != nil {
		return nil, errLost
	}
	l.conn = conn
	var pid uint32
	err = conn.QueryRow(ctx, "select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()").Scan(&pid, &l.since)
	if pid != conn.Conn().PgConn().PID() {
		l.since = time.Time{} // a pooler's, whose processes serve others too
	}
	if err == nil && !l.since.IsZero() {
		_, err = conn.Exec(ctx, "set "+generic)
	}
	if err == nil {
		err = l.bury(ctx, conn)
	}
	if err != nil {
		l.drop(false)
		return nil, errLost
	}
	return conn.Conn(), nil
}

// bury ends what is left on the server of lost connections: their locks would be
// held until it notices.
func (l *lane) bury(ctx context.Context, conn *pgxpool.Conn) error {
	for len(l.lost) > 0 {
		_, err := conn.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_start = $2", int32(l.lost[0].pid), l.lost[0].since)
		if err != nil && refused(err) == nil {
			return err
		}
		l.lost = l.lost[1:]
	}
	return nil
}

// drop gives the connection up; lost, when the server may not know.
func (l *lane) drop(lost bool) {
	if l.conn == nil {
		return
	}
	if lost && !l.since.IsZero() {
		l.lost = append(l.lost, backend{l.conn.Conn().PgConn().PID(), l.since})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Conn().Close(ctx) // whether the server hears it or not
	l.conn.Release()
	l.conn, l.since = nil, time.Time{}
}

// close lets what waits be flushed, then gives the connection up, which is set up
// as nobody else wants it.
func (l *lane) close() {
	l.group.Close(patience)
	l.drop(false)
}

// settle finds out whether a flush was committed whose answer was lost: it
// writes the flush's witness itself, without a time, which waits as long as the
// flush is under way. If the one that is there then has a time, the flush was
// committed; if it has none it is our own, also of an earlier try whose answer
// was lost, and the flush never can be.
func (l *lane) settle(ctx context.Context, flush pgtype.UUID) (committed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.db.opts.Unknown)
	defer cancel()
	for try := 0; ctx.Err() == nil; try++ {
		conn, err := l.ready(ctx)
		if err == nil {
			_, err = conn.Exec(ctx, l.db.tables.sql("insert into {schema}.witness values ($1, '-infinity') on conflict do nothing"), flush)
			if err == nil {
				err = conn.QueryRow(ctx, l.db.tables.sql("select at > '-infinity' from {schema}.witness where flush = $1"), flush).Scan(&committed)
			}
			if err == nil {
				return committed, nil
			}
			l.drop(true)
		}
		pause(ctx, try)
	}
	return false, fmt.Errorf("commit: %w", store.ErrUnknown)
}

// sweep takes out witnesses of days past, once an hour.
func (l *lane) sweep(ctx context.Context) {
	now := time.Now()
	if now.Sub(l.swept) < time.Hour {
		return
	}
	l.swept = now
	_, err := l.conn.Exec(ctx, l.db.tables.sql("delete from {schema}.witness where flush < $1"), flushID(now.Add(-24*time.Hour)))
	if err != nil && refused(err) == nil {
		l.swept = time.Time{} // the next use of the connection will tell
	}
}

// flushID names a flush; names sort by time.
func flushID(at time.Time) pgtype.UUID {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return uuid(platform.NewID("flu", at, 0, binary.BigEndian.Uint64(b[:])).UUID())
}

// jitter is about d, so that those who clashed do not do so again.
func jitter(d time.Duration) time.Duration { return d/2 + mathrand.N(d) }
