// Package postgres is a [platform.DB] on PostgreSQL 14 or newer. Begin with
// [Open] on a DSN, or [New] on a pool of your own; [DB.In] makes the library's
// writes part of your own transaction.
//
// Sets that callers commit at the same time are flushed together, in one
// transaction of two trips: the first locks and reads what the sets name, in one
// order in every process; then [store.Decide] says what each does; the second
// writes what passed and commits. Nobody is answered before the commit is
// acknowledged, and a commit whose answer was lost is settled by its witness.
//
// Options.Lanes lets several flushes be under way at once. Of two lanes one is for
// sets of more than 64 changes, such as imports, so that others do not wait for
// them; more lanes share the smaller sets by slot, for a program that a single
// connection cannot feed. They are for speed alone and change no outcome.
//
// All tables lie in one schema beside your own: a table a kind, with the
// document as jsonb and one ordered binary column for each declared index.
package postgres
