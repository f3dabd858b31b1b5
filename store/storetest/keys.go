package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/liangding/platform"
)

var errRefused = platform.Err(platform.ErrState, "test.refused", "not now", "暂不可行")

// enrol is a command under a key.
type enrol struct {
	Badge string `json:"badge"`
}

// enrolment is its answer, with the versions and balances that it brought.
type enrolment struct {
	Duty    platform.ID `json:"duty"`
	Receipt struct {
		Versions []platform.Version
		Counters []platform.Count
	} `json:"-"`
}

// Receive implements the optional interface that Update looks for.
func (e *enrolment) Receive(r platform.Receipt) {
	e.Receipt.Versions, e.Receipt.Counters = r.Versions, r.Counters
}

// enrol creates a duty and counts it, under the key in ctx. decided runs first
// in every decision.
func (w *world) enrol(ctx context.Context, in enrol, decided func() error) (enrolment, error) {
	d := duty{Head: platform.Head{ID: w.writer().NewRoot(ctx, "dty")}, Badge: in.Badge}
	return platform.Update(ctx, w.writer(), in, func(context.Context) (enrolment, []platform.Change, error) {
		if err := decided(); err != nil {
			return enrolment{}, nil, err
		}
		return enrolment{Duty: d.ID}, []platform.Change{
			platform.Put(d), platform.Delta(enrolled, 1, d.Ref()), platform.Happened("test.enrolled", d.Ref(), nil),
		}, nil
	})
}

var enrolled = platform.Counter("enrolled", "piece")

func always() error { return nil }

// oneEffect checks law 26 for commands.
func oneEffect(ctx context.Context, w *world) error {
	ctx = platform.WithKey(platform.As(ctx, actor), "k1")
	_, err := w.enrol(ctx, enrol{"gold"}, func() error { return errRefused })
	if err := refusal("a command that is refused", err, platform.ErrState, "test.refused"); err != nil {
		return err
	}
	key, err := platform.KeyOf(ctx)
	if err != nil {
		return err
	}
	if _, err := w.db.Recall(ctx, key); !errors.Is(err, platform.ErrNotFound) {
		return fmt.Errorf("a refusal left its key behind: %w", err)
	}
	replies := together(crowd, func(int) (enrolment, error) { return w.enrol(ctx, enrol{"gold"}, always) })
	if err := unanimous(replies); err != nil {
		return err
	}
	first := replies[0].value
	for i, r := range replies {
		if !reflect.DeepEqual(r.value, first) {
			return fmt.Errorf("caller %d was answered %+v, caller 0 %+v", i, r.value, first)
		}
	}
	_, err = w.enrol(ctx, enrol{"silver"}, always)
	if err := refusal("another command under the key", err, platform.ErrInvalid, "key.reused"); err != nil {
		return err
	}
	events, err := w.events(ctx, platform.Ref{Kind: dutyKind, ID: first.Duty})
	if err != nil || len(events) != 1 {
		return fmt.Errorf("%d events for one effect: %w", len(events), err)
	}
	d := duty{Head: platform.Head{ID: first.Duty, Version: 1}, Badge: "gold"}
	return errors.Join(w.stored(ctx, d), w.counted(ctx, enrolled, 1, 1))
}

// oneAnswer checks law 26 for sets: what is stored under a key, and that a
// repeat writes nothing even where its set could pass again.
func oneAnswer(ctx context.Context, w *world) error {
	d, counter := w.duty("keyed"), platform.Counter("purse", "piece")
	add := func(request string) platform.Set {
		return w.keyed("k1", request, platform.Delta(counter, 1, d.Ref()), platform.Put(w.duty("fresh")))
	}
	first := add("request")
	_, err := w.db.Recall(ctx, first.Key)
	if err := refusal("recall of a key never used", err, platform.ErrNotFound, ""); err != nil {
		return err
	}
	replies := together(crowd, func(int) (platform.Receipt, error) { return w.db.Commit(ctx, add("request")) })
	if err := unanimous(replies); err != nil {
		return err
	}
	answer, err := w.db.Recall(ctx, first.Key)
	if err != nil {
		return err
	}
	firsts := 0
	for i, r := range replies {
		told := platform.Receipt{Versions: r.value.Versions, Counters: r.value.Counters}
		if r.value.Answer == nil {
			firsts++
		} else {
			told = r.value.Answer.Receipt
		}
		if told.Answer != nil || !reflect.DeepEqual(told, answer.Receipt) {
			return fmt.Errorf("caller %d was told %+v, the key holds %+v", i, told, answer.Receipt)
		}
		if r.value.Answer != nil && !bytes.Equal(r.value.Answer.Body, first.Answer.Body) {
			return fmt.Errorf("caller %d was answered %s, want %s", i, r.value.Answer.Body, first.Answer.Body)
		}
	}
	if firsts != 1 {
		return fmt.Errorf("%d callers were the first under one key", firsts)
	}
	if !bytes.Equal(answer.Body, first.Answer.Body) || !bytes.Equal(answer.Digest, first.Answer.Digest) {
		return fmt.Errorf("the key holds %s for %s, want %s for %s", answer.Body, answer.Digest, first.Answer.Body, first.Answer.Digest)
	}
	_, err = w.db.Commit(ctx, add("another request"))
	if err := refusal("another request under the key", err, platform.ErrInvalid, "key.reused"); err != nil {
		return err
	}
	other := add("request")
	other.Key.Scope += "/other"
	if _, err := w.db.Commit(ctx, other); err != nil {
		return fmt.Errorf("the same name in another scope: %w", err)
	}
	return w.counted(ctx, counter, 2, 2)
}

// twin checks law 27: the second of two equal commands has decided to refuse,
// since it saw what the first one did, and still gives the first one's answer.
func twin(ctx context.Context, w *world) error {
	ctx = platform.WithKey(platform.As(ctx, actor), "k1")
	var early enrolment
	late, err := w.enrol(ctx, enrol{"gold"}, func() error {
		var err error
		if early, err = w.enrol(ctx, enrol{"gold"}, always); err != nil {
			return err
		}
		return errRefused // enrolled already, as a decision that loads now sees
	})
	if err != nil {
		return fmt.Errorf("the late twin: %w", err)
	}
	if !reflect.DeepEqual(early, late) {
		return fmt.Errorf("the early twin was answered %+v, the late one %+v", early, late)
	}
	_, err = w.enrol(ctx, enrol{"silver"}, func() error { return errRefused })
	if err := refusal("another command that refuses", err, platform.ErrInvalid, "key.reused"); err != nil {
		return err
	}
	return w.counted(ctx, enrolled, 1, 1)
}
