-- Events that are fresh, by the ranges of slots that relays share, and in each by
-- their place: who serves one range does not read what waits in the others.

create index undelivered_by_range on undelivered (slot >> 8, place, slot);
