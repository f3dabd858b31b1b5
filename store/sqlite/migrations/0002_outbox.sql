-- What the relay works on beside the events that are fresh: who may hand over
-- which of them, and what single sinks have still to get. Due is null when a
-- delivery is parked. The order of each index is that of its readers.

create table lease (name text primary key, holder text not null, fence integer not null, until integer not null) strict, without rowid;

create table delivery (
  slot integer not null, sink text not null, event blob not null, tries integer not null, since integer not null, due integer, last text not null,
  primary key (slot, sink, event)) strict, without rowid;
create index delivery_by_due on delivery (sink, due, event) where due is not null;
create index delivery_parked on delivery (sink, event) where due is null;
