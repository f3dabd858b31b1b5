-- Answers by age, for the sweep. Rows come in the order of time, so that the
-- tree grows at its end only. A BRIN index would be smaller, but goes blind once
-- new rows take the places of old ones.

create index answer_at on {schema}.answer (at);
