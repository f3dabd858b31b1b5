package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// transfer is the command that all arms carry out: money goes from one account
// to another and a fee to a third. What it leaves behind is the same in each arm:
// an event and its place in the outbox, three balances with a movement each, and the
// answer under the command's key. As an order does, it may leave a record too.
type transfer struct {
	platform.Head
	From   platform.Ref `json:"from" class:"internal"`
	To     platform.Ref `json:"to" class:"internal"`
	Fee    platform.Ref `json:"fee" class:"internal"` // the account that takes it
	Amount int64        `json:"amount" class:"internal"`
	Charge int64        `json:"charge" class:"internal"` // the fee, on top of the amount
	At     time.Time    `json:"at" class:"internal"`

	key     platform.Key
	answer  platform.Answer
	event   platform.Event
	entries [3]entry
}

// entry is what a transfer does to one account.
type entry struct {
	account int
	delta   int64
}

// Ref names the transfer.
func (t transfer) Ref() platform.Ref { return platform.Ref{Kind: "transfer", ID: t.ID} }

func kinds() []platform.Kind {
	return []platform.Kind{platform.Shape[transfer]{Name: "transfer", Prefix: "trf"}.Kind()}
}

// accounts are those of the run. The last one takes all fees in the arms with a
// hot counter.
const (
	accounts = 10_000
	opening  = 1_000_000_000 // balance of each account that was opened
	credit   = 1_000_000_000 // what an account may owe
)

// account names an account.
func account(n int) platform.Ref { return names[n] }

var names = func() (all [accounts]platform.Ref) {
	for n := range all {
		all[n] = platform.Counter(fmt.Sprintf("balance:%05d", n), "CNY")
	}
	return all
}()

// teller makes the transfers of one caller.
type teller struct {
	chance *rand.Rand
	actor  platform.Actor
	hot    bool
}

// newTeller is the teller of one caller of a run; each has chance of its own.
func newTeller(run, caller uint64, hot bool) *teller {
	t := &teller{chance: rand.New(rand.NewPCG(run, caller)), hot: hot}
	t.actor = platform.Actor{ID: platform.NewID("cus", time.Now(), platform.Slot(caller), t.chance.Uint64()), Kind: platform.Customer}
	return t
}

// transfer is the next one, with all that a caller of the library would hand over:
// ids, event, key, digest and answer.
func (c *teller) transfer() transfer {
	now := time.Now().UTC().Truncate(time.Microsecond)
	t := transfer{Amount: 1 + c.chance.Int64N(1000), Charge: 1 + c.chance.Int64N(10), At: now}
	from, to, fee := c.chance.IntN(accounts-1), c.chance.IntN(accounts-1), accounts-1
	for to == from {
		to = c.chance.IntN(accounts - 1)
	}
	for !c.hot && (fee == accounts-1 || fee == from || fee == to) {
		fee = c.chance.IntN(accounts - 1)
	}
	t.From, t.To, t.Fee = account(from), account(to), account(fee)
	t.entries = [3]entry{{from, -t.Amount - t.Charge}, {to, t.Amount}, {fee, t.Charge}}

	t.key = platform.Key{Scope: "key/" + string(c.actor.ID), Name: strconv.FormatUint(c.chance.Uint64(), 36)}
	t.ID = platform.NewID("trf", now, t.key.Slot(), c.chance.Uint64())
	t.event = platform.Event{
		ID: platform.NewID("evt", now, t.ID.Slot(), c.chance.Uint64()), Type: "transfer.made", Subject: t.Ref(), Version: 1,
		Actor: c.actor, At: now, Data: json.RawMessage(fmt.Sprintf(`{"amount":%d,"fee":%d}`, t.Amount, t.Charge)),
	}
	digest := sha256.Sum256([]byte(t.ID))
	t.answer = platform.Answer{Digest: digest[:], Body: fmt.Appendf(nil, `{"id":%q,"amount":%d,"fee":%d}`, t.ID, t.Amount, t.Charge)}
	return t
}

// set is transfers as one set, under the key of the first.
func set(transfers ...transfer) platform.Set {
	s := platform.Set{Key: transfers[0].key, Answer: transfers[0].answer, Changes: make([]platform.Change, 0, 5*len(transfers))}
	for _, t := range transfers {
		for _, e := range t.entries {
			s.Changes = append(s.Changes, platform.Delta(account(e.account), e.delta, t.Ref()).Above(-credit))
		}
		s.Changes = append(s.Changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: store.Event, ID: t.event.ID}, Value: t.event})
	}
	return s
}

// openings are sets that open all accounts, in parts of a thousand.
func openings() []platform.Set {
	var all []platform.Set
	c := newTeller(0, 0, true)
	for first := 0; first < accounts; first += 1000 {
		t := c.transfer()
		var s platform.Set
		for n := first; n < first+1000; n++ {
			s.Changes = append(s.Changes, platform.Delta(account(n), opening, t.Ref()))
		}
		t.event.Type = "accounts.opened"
		s.Changes = append(s.Changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: store.Event, ID: t.event.ID}, Value: t.event})
		all = append(all, s)
	}
	return all
}
