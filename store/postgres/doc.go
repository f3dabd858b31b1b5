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
// What callers Get while two look-ups are under way is looked up together too, in
// one statement.
//
// Options.Lanes lets several flushes be under way at once. Of two lanes one is for
// sets of more than 64 changes, such as imports, so that others do not wait for
// them; more lanes share the smaller sets by slot, for a program that a single
// connection cannot feed. They are for speed alone and change no outcome.
//
// All tables lie in one schema beside your own: a table a kind, with the
// document as jsonb and one ordered binary column for each declared index. Behind
// a pooler that gives each transaction another connection, name a mode without
// named statements in the DSN: default_query_exec_mode=exec.
//
// # Roles
//
// [Open] migrates, so its role must own the tables and may create the schema. Two
// roles are better: one that owns, for [DB.Migrate] or what [Script] prints, and
// one for the program, here app, which no superuser need be:
//
//	grant usage on schema platform to app;
//	grant select, insert, update, delete on all tables in schema platform to app;
//	alter default privileges in schema platform grant select, insert, update, delete on tables to app;
//
// The last line is said by the owner, for tables of kinds to come. A connection
// that was lost is ended on the server by pg_terminate_backend, which a role may
// do to its own.
package postgres
