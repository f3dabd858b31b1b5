package sqlite

import (
	"database/sql"
	"encoding/json"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// apply writes what was decided, each row by a statement that was prepared
// once: in the process's own memory a call costs less than to build a longer
// statement.
func (p pen) apply(w store.Writes) error {
	if len(w.Rows)+len(w.Deleted)+len(w.Counters)+len(w.Events)+len(w.Answers) == 0 {
		return errIdle
	}
	for _, row := range w.Events {
		if err := p.append(row); err != nil {
			return err
		}
	}
	for _, a := range w.Answers {
		if err := p.answer(a.Key, a.Answer); err != nil {
			return err
		}
	}
	if err := p.claims(w); err != nil {
		return err
	}
	for _, row := range w.Rows {
		if err := p.put(row, p.tables[row.Ref.Kind].put); err != nil {
			return err
		}
	}
	for _, ref := range w.Deleted {
		id := ref.ID.UUID()
		if _, err := p.by.exec(p.tables[ref.Kind].remove, id[:]); err != nil {
			return err
		}
	}
	return p.tally(w)
}

// append writes an event, and puts it in line for delivery.
func (p pen) append(row *store.Row) error {
	if err := p.put(row, p.tables[store.Event].insert); err != nil {
		return err
	}
	return p.pend(row.Ref.ID)
}

// put writes a row by one of its table's statements.
func (p pen) put(row *store.Row, statement string) error {
	t := p.tables[row.Ref.Kind]
	id := row.Ref.ID.UUID()
	var claims any
	if len(row.Claims) > 0 {
		text, err := json.Marshal(row.Claims)
		if err != nil {
			return err
		}
		claims = string(text)
	}
	args := make([]any, 0, 6+len(row.Keys))
	args = append(args, id[:], row.Version, row.Schema, t.shape, string(row.Doc), claims)
	_, err := p.by.exec(statement, append(args, blobs(row.Keys)...)...)
	return err
}

// blobs are keys as arguments: null where an index leaves the row out.
func blobs(keys []string) []any {
	args := make([]any, len(keys))
	for i, k := range keys {
		if k != "" {
			args[i] = []byte(k)
		}
	}
	return args
}

func (p pen) claims(w store.Writes) error {
	for c := range w.Freed {
		if _, err := p.by.exec("delete from claim where scope = ? and key = ?", c.Scope, c.Key); err != nil {
			return err
		}
	}
	for c, owner := range w.Taken {
		if _, err := p.claim(c, owner, "on conflict do update set kind = excluded.kind, owner = excluded.owner"); err != nil {
			return err
		}
	}
	return nil
}

func (p pen) claim(c platform.Claim, owner platform.Ref, conflict string) (sql.Result, error) {
	id := owner.ID.UUID()
	return p.by.exec("insert into claim (scope, key, kind, owner) values (?, ?, ?, ?) "+conflict,
		c.Scope, c.Key, owner.Kind, id[:])
}

// tally writes the counters as they stand, and their movements.
func (p pen) tally(w store.Writes) error {
	for _, c := range w.Counters {
		if err := p.count(c, insertCounter+" on conflict (name) do update set value = excluded.value, seq = excluded.seq"); err != nil {
			return err
		}
	}
	for _, m := range w.Movements {
		if err := p.move(m); err != nil {
			return err
		}
	}
	return nil
}

const insertCounter = "insert into counter (name, value, seq) values (?, ?, ?)"

func (p pen) count(c platform.Count, statement string) error {
	_, err := p.by.exec(statement, string(c.Ref.ID), c.Value, c.Seq)
	return err
}

func (p pen) move(m platform.Movement) error {
	var event any
	if m.Event != "" {
		u := m.Event.UUID()
		event = u[:]
	}
	_, err := p.by.exec(`insert into movement (log, seq, delta, "after", cause, event, at) values (?, ?, ?, ?, ?, ?, ?)`,
		string(m.Counter.ID)+"#", m.Seq, m.Delta, m.After, m.Cause.String(), event, m.At.UnixMicro())
	return err
}

func (p pen) pend(event platform.ID) error {
	id := event.UUID()
	_, err := p.by.exec("insert into undelivered (slot, id) values (?, ?)", int64(event.Slot()), id[:])
	return err
}
