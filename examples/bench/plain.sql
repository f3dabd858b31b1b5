-- The same rows as the platform's, laid out as an engineer would who writes one
-- transaction a command.
create table answer (
  scope text collate "C" not null, name text collate "C" not null,
  digest bytea not null, body bytea not null, at timestamptz not null,
  primary key (scope, name)
);
create table event (
  id uuid primary key, type text collate "C" not null, subject text collate "C" not null, at timestamptz not null, doc json not null
);
create index on event (subject, id);
create index on event (type, id);
create table undelivered (id uuid primary key);
create table counter (
  id uuid primary key, name text collate "C" not null unique, value bigint not null, seq bigint not null
) with (fillfactor = 50);
create table movement (
  counter uuid not null, seq bigint not null,
  delta bigint not null, after bigint not null, cause text collate "C" not null, event uuid not null, at timestamptz not null,
  primary key (counter, seq)
);
create index on movement (cause);

-- The whole command in one call. Accounts come in the order of their locks. It
-- tells whether the command was new.
create function transfer(
  scope text, name text, digest bytea, body bytea, moment timestamptz,
  event uuid, event_type text, subject text, event_doc json,
  accounts uuid[], deltas bigint[], lowest bigint
) returns boolean language plpgsql as $$
declare
  balance bigint;
  number bigint;
begin
  insert into answer values (scope, name, digest, body, moment) on conflict do nothing;
  if not found then
    return false;
  end if;
  insert into event values (event, event_type, subject, moment, event_doc);
  insert into undelivered values (event);
  for i in 1 .. cardinality(accounts) loop
    update counter c set value = c.value + deltas[i], seq = c.seq + 1
      where c.id = accounts[i] and (deltas[i] > 0 or c.value + deltas[i] >= lowest)
      returning c.value, c.seq into balance, number;
    if not found then
      raise exception 'account % would be below its floor', accounts[i];
    end if;
    insert into movement values (accounts[i], number, deltas[i], balance, subject, event, moment);
  end loop;
  return true;
end $$;
