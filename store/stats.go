package store

import "time"

// Stats are what an engine counted since it was opened, and how it stands now.
// Counts of different moments may stand beside each other.
type Stats struct {
	Waiting  int           // sets that wait for a flush
	Flushes  int64         // transactions in which sets were decided
	Sets     int64         // in them
	Refused  int64         // of these, by the decision: stale, taken, below a floor
	Busy     int64         // sets that were turned away because too many waited
	Unknown  int64         // sets whose fate the engine could not tell
	Retries  int64         // flushes begun again, since another writer was faster or the connection was lost with nothing written
	Lost     int64         // commits whose answer was lost, and settled by their witness
	Flushing time.Duration // in flushes, all together

	Connections Connections
}

// Connections are those of an engine that has some.
type Connections struct{ Open, Busy, Most int }

// Backlog is what an outbox has still to hand over. Each number ends at
// [Counted], so that asking costs the same however much there is.
type Backlog struct {
	Fresh  int       // events that no sink was offered yet
	Oldest time.Time // when the first of those counted happened, by its id; zero if there is none
	Late   int       // deliveries that one sink has still to get
	Parked int       // deliveries that were given up, and wait for an operator
}

// Counted is the most that a [Backlog] counts.
const Counted = 10_000
