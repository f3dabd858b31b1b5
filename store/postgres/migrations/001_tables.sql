-- What lies beside the kinds' own tables. The statements are never edited once
-- they were released: their sum stands in the table migration.

create table {schema}.counter (
  slot smallint not null, id uuid not null, -- the UUIDv8 of the name, with its slot inside
  name text collate "C" not null, value bigint not null, seq bigint not null,
  primary key (slot, id)
) with (fillfactor = 50);
create index counter_name on {schema}.counter (name);
create index counter_sign on {schema}.counter ((name || '#')); -- the order of the movements' ids

create table {schema}.movement (
  slot smallint not null, counter uuid not null, seq bigint not null,
  delta bigint not null, after bigint not null, cause text collate "C" not null,
  event uuid not null, at timestamptz not null,
  primary key (slot, counter, seq)
);
create index movement_cause on {schema}.movement (cause);

create table {schema}.answer (
  slot smallint not null, scope text collate "C" not null, name text collate "C" not null,
  digest bytea not null, body bytea not null, receipt json not null, at timestamptz not null,
  primary key (slot, scope, name)
);

create table {schema}.claim (
  slot smallint not null, scope text collate "C" not null, key text collate "C" not null,
  kind text not null, owner uuid not null,
  primary key (slot, scope, key)
);

create table {schema}.undelivered (slot smallint not null, id uuid not null, primary key (slot, id));

create table {schema}.leaf (n bigint primary key, event uuid not null unique);
create table {schema}.hash (n bigint primary key, hash bytea not null);

create table {schema}.witness (flush uuid primary key, at timestamptz not null);

-- What the kinds' tables look like: their indexes with the column of each, the
-- newest schema of their documents, and the number that rows must have been
-- written under at least.
create table {schema}.layout (
  kind text primary key, number integer not null, schema integer not null,
  settled boolean not null, indexes jsonb not null
);
