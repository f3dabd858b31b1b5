-- What every store has beside the tables of its kinds, which follow from the
-- kinds themselves. Times are microseconds since 1970, in UTC.

create table counter (
  slot integer not null, id blob not null, name text not null, log text not null as (name || '#'), value integer not null, seq integer not null,
  primary key (slot, id)) strict, without rowid;
create unique index counter_by_name on counter (name);
create unique index counter_by_log on counter (log);

create table movement (
  slot integer not null, counter blob not null, seq integer not null, delta integer not null, "after" integer not null,
  cause text not null, event blob, at integer not null,
  primary key (slot, counter, seq)) strict, without rowid;
create index movement_by_cause on movement (cause);

create table claim (
  slot integer not null, scope text not null, key text not null, kind text not null, owner blob not null,
  primary key (slot, scope, key)) strict, without rowid;

create table answer (
  scope text not null, name text not null, digest blob, body blob, receipt text not null, at integer not null,
  primary key (scope, name)) strict;

create table undelivered (place integer primary key, slot integer not null, id blob not null unique) strict;

create table leaf (number integer primary key, event text not null unique) strict;
create table hash (number integer primary key, hash blob not null) strict;

create table witness (handle blob primary key, flush integer not null, at integer not null) strict, without rowid;

create table shape (id integer primary key, kind text not null, definition text not null, unique (kind, definition)) strict;
