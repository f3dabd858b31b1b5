-- Keys without the slot. On one machine it only scatters what is written at the
-- same time: ids begin with their time, and names with what they are of. A
-- counter is its name, and a log is the counter's name and '#', so that rows lie
-- in the order of their ids. The tables of the kinds follow in the program.

alter table counter rename to counter_before;
alter table movement rename to movement_before;
alter table claim rename to claim_before;
drop index counter_by_name;
drop index counter_by_log;
drop index movement_by_cause;

create table counter (name text primary key, value integer not null, seq integer not null) strict, without rowid;
insert into counter (name, value, seq) select name, value, seq from counter_before order by name;

create table movement (
  log text not null, seq integer not null, delta integer not null, "after" integer not null,
  cause text not null, event blob, at integer not null,
  primary key (log, seq)) strict, without rowid;
insert into movement (log, seq, delta, "after", cause, event, at)
  select c.log, m.seq, m.delta, m."after", m.cause, m.event, m.at
  from counter_before c join movement_before m on m.slot = c.slot and m.counter = c.id order by c.log, m.seq;
create index movement_by_cause on movement (cause);

create table claim (
  scope text not null, key text not null, kind text not null, owner blob not null,
  primary key (scope, key)) strict, without rowid;
insert into claim (scope, key, kind, owner) select scope, key, kind, owner from claim_before order by scope, key;

drop table counter_before;
drop table movement_before;
drop table claim_before;
