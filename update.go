package platform

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// Writer is all that a command needs of the outside. Only Store is required.
type Writer struct {
	Store  Committer
	Now    func() time.Time            // if nil, time.Now in UTC, to the microsecond
	IDs    IDs                         // if nil, random
	Digest func(command []byte) []byte // keyed; if nil, HMAC-SHA-256 under a constant, for tests and demos only
	Tries  int                         // decisions on a record that others change too; 0 is 32
	Guard  Guard                       // if nil, only the domains' own rules hold
	Tenant string                      // whose data Store holds; actors of others find nothing
}

// Ready returns the writer with its defaults filled in. Services call it once.
func (w Writer) Ready() Writer {
	if w.Now == nil {
		w.Now = func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	}
	if w.IDs == nil {
		w.IDs = randomIDs
	}
	if w.Digest == nil {
		w.Digest = func(command []byte) []byte {
			mac := hmac.New(sha256.New, []byte("platform"))
			mac.Write(command)
			return mac.Sum(nil)
		}
	}
	if w.Tries <= 0 {
		w.Tries = 32
	}
	return w
}

// NewRoot makes the id of a new aggregate root: in the slot of the command's
// key, if it has one, so that key and record lie together.
func (w Writer) NewRoot(ctx context.Context, prefix string) ID {
	slot := Slot(w.IDs() % slots)
	if key, err := KeyOf(ctx); err == nil && key != (Key{}) {
		slot = key.Slot()
	}
	return NewID(prefix, w.Now(), slot, w.IDs())
}

// NewChild makes the id of a record in the slot of its root.
func (w Writer) NewChild(prefix string, root ID) ID {
	return NewID(prefix, w.Now(), root.Slot(), w.IDs())
}

// Actor is who acts in ctx. The system acts in every tenant; somebody else of
// another tenant finds nothing here: ErrNotFound, code tenant.not_found.
func (w Writer) Actor(ctx context.Context) (Actor, error) {
	a, err := ActorOf(ctx)
	if a.Kind == System && a.Tenant == "" {
		a.Tenant = w.Tenant
	}
	if err == nil && a.Tenant != w.Tenant {
		err = errTenant
	}
	return a, err
}

var (
	errTenant       = Err(ErrNotFound, "tenant.not_found", "not found", "找不到")
	errPrecondition = Err(ErrConflict, "precondition", "not at the expected version", "版本与预期不符")
	errRestless     = Err(ErrConflict, "restless", "what this depends on did not stand still; try again", "相关数据变动频繁，请重试")
	errNested       = Err(ErrInvalid, "update.nested", "a command inside the decision of another", "命令不可嵌套")
)

// Update carries out one command: it checks actor, guard, input and key, lets
// decide load and decide, and commits the changes that it returns, together
// with their event and the answer under the command's key.
//
// decide may run several times, whenever a record that it relied on was changed
// meanwhile, even to refuse: a refusal of what [Read], [ReadAll] and [Lookup]
// saw at two moments is decided anew, so that what goes out was true at one. It
// must do nothing but read and return. Ids of new records are made before Update.
// The answer must survive JSON: a repeat gets what was stored. Changes returned
// beside an error are committed too, if they are events and new records only (a
// refusal worth recording); the error goes out.
//
// N equal calls under one key have one effect and the same answer. Update fails
// with whatever decide refuses with, with FieldErrors for bad input, and with
// ErrConflict when the record never stood still, or a caller's transaction has to
// begin again (a code that ends in ".serialization").
func Update[C, A any](ctx context.Context, w Writer, command C, decide func(ctx context.Context) (A, []Change, error)) (A, error) {
	w = w.Ready()
	var none A
	u, err := w.admit(ctx, command)
	if err != nil {
		return none, err
	}
	for try := 1; ; try++ {
		pinned, err := u.permitted(ctx)
		if err != nil {
			return none, err
		}
		seen := &sight{}
		answer, changes, err := decide(context.WithValue(ctx, decideKey{}, seen))
		changes, err = u.expected(seen, changes, err)
		if err == nil {
			changes = append(changes, pinned...)
			var receipt Receipt
			if receipt, err = u.commit(ctx, changes, answer); err == nil {
				return answered(answer, receipt)
			}
			if !u.again(err) {
				return none, err
			}
		} else {
			var again bool
			if answer, again, err = turned(ctx, u, seen, answer, changes, err); !again {
				return answer, err
			}
		}
		if try >= w.Tries || strings.HasSuffix(Code(err), ".serialization") { // a caller's transaction, in which nothing moves on
			return none, err
		}
		if err := u.pause(ctx, try); err != nil {
			return none, err
		}
	}
}

// command is one command on its way.
type command struct {
	w       Writer
	name    string
	actor   Actor
	key     Key
	digest  []byte
	request string
	on      Ref   // the record that the command names
	version int64 // at which it must be; 0 is any
	named   int   // tries that met a name which is taken
}

// again tells whether a commit that failed may succeed after a new decision:
// records move on, but a name that is taken mostly stays so.
func (u *command) again(failure error) bool {
	if code := Code(failure); code == "taken" || code == "exists" {
		u.named++
	}
	return errors.Is(failure, ErrConflict) && u.named < 3
}

func (w Writer) admit(ctx context.Context, in any) (command, error) {
	u := command{w: w, name: nameOf(in)}
	var err error
	if Deciding(ctx) {
		return u, fmt.Errorf("%s: %w", u.name, errNested)
	}
	if u.actor, err = w.Actor(ctx); err != nil {
		return u, fmt.Errorf("%s: %w", u.name, err)
	}
	if u.key, err = KeyOf(ctx); err != nil {
		return u, err
	}
	u.request, _ = ctx.Value(requestKey{}).(string)
	if err := Validate(in); err != nil {
		return u, err
	}
	if s, ok := in.(interface{ Subject() Ref }); ok {
		u.on = s.Subject()
	}
	u.version, _ = ctx.Value(versionKey{}).(int64)
	if u.key == (Key{}) {
		return u, nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return u, fmt.Errorf("%s: encode command: %w", u.name, ErrInvalid)
	}
	u.digest = w.Digest(append([]byte(u.name+"\x00"+string(u.actor.OnBehalf)+"\x00"), body...))
	return u, nil
}

// permitted asks the guard. What it wants on record of a refusal is committed.
func (u command) permitted(ctx context.Context) ([]Change, error) {
	if u.w.Guard == nil {
		return nil, nil
	}
	pinned, err := u.w.Guard.Permit(ctx, Act{Actor: u.actor, Action: u.name, On: u.on})
	if err == nil {
		return pinned, nil
	}
	err = fmt.Errorf("%s: %w", u.name, err)
	if recordable(pinned) {
		u.key = Key{}
		_, failed := u.commit(ctx, pinned, nil)
		err = errors.Join(err, failed)
	}
	return nil, err
}

// expected checks that the record which the command names is as its caller saw
// it, and has the set hold it so. A refusal need not have looked at it.
func (u command) expected(seen *sight, changes []Change, refusal error) ([]Change, error) {
	if u.version == 0 {
		return changes, refusal
	}
	at, held := seen.version(u.on), refusal != nil
	for _, c := range changes {
		if c.Ref == u.on {
			at, held = c.Version, true
		}
	}
	if at != u.version && (at != 0 || refusal == nil) {
		return nil, fmt.Errorf("%s of %s at version %d, now %d: %w", u.name, u.on, u.version, at, errPrecondition)
	}
	if !held {
		changes = append(changes, Change{Op: Check, Ref: u.on, Version: at})
	}
	return changes, refusal
}

func (u command) commit(ctx context.Context, changes []Change, answer any) (Receipt, error) {
	set, err := u.set(changes, answer)
	if err != nil {
		return Receipt{}, err
	}
	return u.w.Store.Commit(ctx, set)
}

// nameOf is "order.cancel" for a command of type order.Cancel.
func nameOf(in any) string {
	pkg, name, _ := strings.Cut(reflect.TypeOf(in).String(), ".")
	runes := []rune(name)
	if len(runes) == 0 {
		return pkg
	}
	runes[0] = unicode.ToLower(runes[0])
	return strings.TrimPrefix(pkg, "*") + "." + string(runes)
}

// set completes what a decision returned.
func (u command) set(changes []Change, answer any) (Set, error) {
	changes, err := merged(changes)
	if err != nil {
		return Set{}, fmt.Errorf("%s: %w", u.name, err)
	}
	at, random := u.w.Now(), u.w.IDs()
	for i, c := range changes {
		e, ok := c.Value.(Event)
		if c.Op != Append || !ok {
			continue
		}
		id := NewID("evt", at, e.Subject.ID.Slot(), random&^(1<<14-1)+uint64(i)) // events of a set keep their order
		e, err := e.stamped(id, u.actor, at, u.request, versionAfter(changes, e.Subject))
		if err != nil {
			return Set{}, err
		}
		changes[i].Ref.ID, changes[i].Value = id, e
	}
	set := Set{Changes: changes}
	if u.key == (Key{}) {
		return set, nil
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return Set{}, fmt.Errorf("%s: encode answer: %w", u.name, err)
	}
	set.Key, set.Answer = u.key, Answer{Digest: u.digest, Body: body}
	return set, nil
}

func versionAfter(changes []Change, subject Ref) int64 {
	for _, c := range changes {
		if c.Ref != subject {
			continue
		}
		switch c.Op {
		case Create, Replace:
			return c.Version + 1
		case Check, Delete:
			return c.Version
		}
	}
	return 0
}

// merged unites what the domain and its ports demand of one record: equal
// checks are one, and a check beside a write at the same version is implied.
func merged(changes []Change) ([]Change, error) {
	at := make(map[Ref]int, len(changes))
	out := make([]Change, 0, len(changes))
	for _, c := range changes {
		if c.Op == Append || c.Op == Add {
			out = append(out, c)
			continue
		}
		i, seen := at[c.Ref]
		if !seen {
			at[c.Ref] = len(out)
			out = append(out, c)
			continue
		}
		first := out[i]
		switch {
		case c.Op != Check && first.Op != Check:
			return nil, fmt.Errorf("%s written twice: %w", c.Ref, ErrInvalid)
		case c.Version != first.Version:
			return nil, fmt.Errorf("%s read at two versions: %w", c.Ref, ErrConflict)
		case first.Op == Check:
			out[i] = c
		}
	}
	return out, nil
}

// turned ends a command whose decision refused, or tells to decide again
// because what the refusal rests on has changed meanwhile. A twin under the same
// key may have finished: its answer is then the truth.
func turned[A any](ctx context.Context, u command, seen *sight, answer A, changes []Change, refusal error) (_ A, again bool, _ error) {
	var none A
	if u.key != (Key{}) {
		stored, err := u.w.Store.Recall(ctx, u.key)
		switch {
		case err == nil && !bytes.Equal(stored.Digest, u.digest):
			return none, false, fmt.Errorf("%s: %w", u.name, errKeyReused)
		case err == nil:
			answer, err = answered(none, Receipt{Answer: &stored})
			return answer, false, err
		case !errors.Is(err, ErrNotFound):
			return none, false, err
		}
	}
	switch moved, err := seen.moved(ctx); {
	case err != nil:
		return none, false, errors.Join(err, refusal)
	case moved:
		return none, true, fmt.Errorf("%s: %w", u.name, errRestless)
	case !recordable(changes):
		return none, false, refusal
	}
	u.key = Key{} // a refusal is no answer: the same command may succeed later
	if _, err := u.commit(ctx, changes, nil); err != nil {
		return none, errors.Is(err, ErrConflict), errors.Join(err, refusal)
	}
	return answer, false, refusal
}

// recordable tells whether changes beside a refusal record it and do no more:
// an event, with new records at most. A refused command changes no record.
func recordable(changes []Change) bool {
	events := 0
	for _, c := range changes {
		switch c.Op {
		case Append:
			events++
		case Replace, Delete, Add:
			return false
		}
	}
	return events > 0
}

// answered hands out the answer, or the stored one when the key is a repeat,
// with the versions and balances that its commit gave.
func answered[A any](answer A, r Receipt) (A, error) {
	if r.Answer != nil {
		var stored A
		if err := json.Unmarshal(r.Answer.Body, &stored); err != nil {
			return stored, fmt.Errorf("decode stored answer: %w", errUndecodable)
		}
		answer, r = stored, r.Answer.Receipt
	}
	if receiver, ok := any(&answer).(interface{ Receive(Receipt) }); ok {
		receiver.Receive(r)
	}
	return answer, nil
}

// pause waits 2 to 250 ms, longer with each try and never twice the same, so
// that rivals do not meet again.
func (u command) pause(ctx context.Context, try int) error {
	most := min(2*time.Millisecond<<min(try, 7), 250*time.Millisecond)
	wait := time.NewTimer(time.Duration(u.w.IDs() % uint64(most)))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}
