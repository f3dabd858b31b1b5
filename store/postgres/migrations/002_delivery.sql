-- What single sinks have still to get. Who may hand over which slots stands in
-- the table lease, which is older than all migrations.

create table {schema}.delivery (
  slot smallint not null, sink text collate "C" not null, event uuid not null,
  tries bigint not null, since timestamptz not null,
  due timestamptz, -- null: parked
  last text not null,
  primary key (slot, sink, event)
);
create index delivery_due on {schema}.delivery (sink, due, event) where due is not null;
create index delivery_parked on {schema}.delivery (sink, event) where due is null;
