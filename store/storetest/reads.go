package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// getMany checks law 20.
func getMany(ctx context.Context, w *world) error {
	die := w.die(0)
	var refs []platform.Ref
	var set []platform.Change
	for i := range crowd {
		d := w.duty(fmt.Sprint("number ", i))
		c := w.child(d, fmt.Sprint("number ", i))
		counter := platform.Counter(fmt.Sprint("number ", i), "piece")
		set = append(set, platform.Put(d), platform.Put(c), platform.Delta(counter, 1, d.Ref()))
		refs = append(refs, d.Ref(), c.Ref(), counter)
	}
	full := w.set(set...)
	refs = append(refs, full.Changes[len(full.Changes)-1].Ref)
	if _, err := w.db.Commit(ctx, full); err != nil {
		return err
	}
	for range rounds {
		die.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
		records, err := w.db.Get(ctx, refs...)
		if err != nil {
			return err
		}
		if err := inOrder(records, refs); err != nil {
			return err
		}
		at := die.IntN(len(refs))
		first, second := w.duty("missing").Ref(), w.duty("missing too").Ref()
		asked := append(slices.Insert(slices.Clone(refs), at, first), second)
		records, err = w.db.Get(ctx, asked...)
		if err := refusal("get of many with one missing", err, platform.ErrNotFound, dutyKind+".not_found"); err != nil {
			return err
		}
		if !strings.Contains(err.Error(), string(first.ID)) {
			return fmt.Errorf("the refusal %q does not name %s, the first missing", err, first)
		}
		if err := inOrder(records, refs); err != nil {
			return fmt.Errorf("beside a missing one: %w", err)
		}
	}
	twice := []platform.Ref{refs[0], refs[1], refs[0]}
	records, err := w.db.Get(ctx, twice...)
	if err := errors.Join(err, inOrder(records, twice)); err != nil {
		return fmt.Errorf("one asked for twice: %w", err)
	}
	return w.oddGets(ctx)
}

func (w *world) oddGets(ctx context.Context) error {
	if records, err := w.db.Get(ctx); err != nil || len(records) > 0 {
		return fmt.Errorf("get of nothing: %d records: %w", len(records), err)
	}
	for name, ref := range map[string]platform.Ref{
		"unregistered kind": {Kind: "test.stranger", ID: w.id("doc")},
		"malformed id":      {Kind: dutyKind, ID: "dty_1"},
		"foreign prefix":    {Kind: dutyKind, ID: w.id("doc")},
	} {
		_, err := w.db.Get(ctx, ref)
		if err := refusal("get by "+name, err, platform.ErrInvalid, ""); err != nil {
			return err
		}
	}
	return nil
}

func inOrder(records []platform.Record, refs []platform.Ref) error {
	if len(records) != len(refs) {
		return fmt.Errorf("%d records for %d refs", len(records), len(refs))
	}
	for i, r := range records {
		if r.Ref != refs[i] || r.Version < 1 || len(r.Doc) == 0 {
			return fmt.Errorf("record %d is %s at version %d with %d bytes, asked for %s", i, r.Ref, r.Version, len(r.Doc), refs[i])
		}
	}
	return nil
}

// bodies are documents that a careless round through an engine changes.
var bodies = map[string]string{
	"largest integers":  `{"max":9223372036854775807,"min":-9223372036854775808,"odd":9007199254740993}`,
	"past int64":        `{"n":123456789012345678901234567890}`,
	"exact decimals":    `{"a":0.1,"b":1.10,"c":100000000000000000000.000000001}`,
	"plain unicode":     `{"zh":"服务","emoji":"👩‍👩‍👧","combining":"é vs é","rtl":"שלום","replacement":"�"}`,
	"quoting":           `{"a":"\"\\\/\b\f\n\r\t","line":"\u2028","html":"<&>","key \" quoted":1}`,
	"empty things":      `{"null":null,"text":"","list":[],"object":{},"false":false,"zero":0}`,
	"order of a list":   `[3,1,2,[],{},null,"",[[[1]]]]`,
	"as deep as it may": strings.Repeat("[", 63) + strings.Repeat("]", 63),
	"a bare text":       `"text"`,
}

// meaningKept checks law 36 for what documents say.
func meaningKept(ctx context.Context, w *world) error {
	for name, body := range bodies {
		d := document{Head: platform.Head{ID: w.id("doc")}, Body: json.RawMessage(body), Large: math.MinInt64, Number: math.MaxInt32}
		if err := w.given(ctx, platform.Put(d)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		d.Version = 1
		if err := w.stored(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		back, err := platform.Read[document](ctx, w.db, documentKind, d.ID)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !sameJSON(back.Body, []byte(body)) || back.Large != d.Large || back.Number != d.Number {
			return fmt.Errorf("%s: came back as %s", name, back.Body)
		}
	}
	return w.absentAndEmpty(ctx)
}

// absentAndEmpty: a member that is not there stays apart from one that is null
// or empty.
func (w *world) absentAndEmpty(ctx context.Context) error {
	bare := document{Head: platform.Head{ID: w.id("doc")}}
	null := document{Head: platform.Head{ID: w.id("doc")}, Body: json.RawMessage("null")}
	if err := w.given(ctx, platform.Put(bare), platform.Put(null)); err != nil {
		return err
	}
	records, err := w.db.Get(ctx, bare.Ref(), null.Ref())
	if err != nil {
		return err
	}
	for i, want := range []bool{false, true} {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(records[i].Doc, &members); err != nil {
			return err
		}
		if _, there := members["body"]; there != want {
			return fmt.Errorf("member body of %s: there %t, want %t", records[i].Doc, there, want)
		}
	}
	return nil
}

// nothingShared checks law 36 for memory: whatever a caller does to what it
// handed in or got out, the store does not notice.
func nothingShared(ctx context.Context, w *world) error {
	d := document{Head: platform.Head{ID: w.id("doc")}, Text: "before", Body: json.RawMessage(`{"a":[1,2,3]}`)}
	counter := platform.Counter("purse", "piece")
	want := d
	want.Body, want.Version = slices.Clone(d.Body), 1
	set := w.keyed("k1", "request", platform.Change{Op: platform.Create, Ref: d.Ref(), Value: &d}, platform.Delta(counter, 1, d.Ref()))
	answer := platform.Answer{Digest: slices.Clone(set.Answer.Digest), Body: slices.Clone(set.Answer.Body)}
	receipt, err := w.inner.Commit(ctx, set)
	if err != nil {
		return err
	}
	answer.Receipt = platform.Receipt{Versions: slices.Clone(receipt.Versions), Counters: slices.Clone(receipt.Counters)}

	d.Text = "after"
	scribble(d.Body, set.Answer.Digest, set.Answer.Body)
	receipt.Versions[0].Version, receipt.Counters[0].Value = 99, 99
	for range 2 { // the second time after scribbling on what the first one gave out
		if err := errors.Join(w.stored(ctx, want), w.counted(ctx, counter, 1, 1), w.recalled(ctx, set.Key, answer)); err != nil {
			return err
		}
		if err := w.scribbleOnAll(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

func scribble(texts ...[]byte) {
	for _, text := range texts {
		for i := range text {
			text[i] = '#'
		}
	}
}

// scribbleOnAll overwrites whatever the store hands out about the set.
func (w *world) scribbleOnAll(ctx context.Context, set platform.Set) error {
	var refs []platform.Ref
	for _, c := range set.Changes {
		refs = append(refs, c.Ref)
	}
	records, err := w.inner.Get(ctx, refs...)
	if err != nil {
		return err
	}
	page, err := w.inner.Scan(ctx, platform.Query{Kind: documentKind})
	if err != nil {
		return err
	}
	for _, r := range slices.Concat(records, page.Items) {
		scribble(r.Doc)
	}
	answer, err := w.inner.Recall(ctx, set.Key)
	if err != nil {
		return err
	}
	repeat := w.set(platform.Put(w.duty("never written")))
	repeat.Key, repeat.Answer.Digest = set.Key, slices.Clone(answer.Digest)
	receipt, err := w.inner.Commit(ctx, repeat)
	if err != nil || receipt.Answer == nil {
		return fmt.Errorf("repeat of the set: %w", err)
	}
	for _, a := range []platform.Answer{answer, *receipt.Answer} {
		scribble(a.Digest, a.Body)
		a.Receipt.Versions[0].Version, a.Receipt.Counters[0].Value = 98, 98
	}
	return nil
}

// recalled demands what a key holds.
func (w *world) recalled(ctx context.Context, key platform.Key, want platform.Answer) error {
	got, err := w.inner.Recall(ctx, key)
	if err != nil {
		return err
	}
	if !bytes.Equal(got.Digest, want.Digest) || !bytes.Equal(got.Body, want.Body) ||
		!slices.Equal(got.Receipt.Versions, want.Receipt.Versions) || !slices.Equal(got.Receipt.Counters, want.Receipt.Counters) {
		return fmt.Errorf("the key holds %s for %s with %+v, want %s for %s with %+v", got.Body, got.Digest, got.Receipt, want.Body, want.Digest, want.Receipt)
	}
	return nil
}
