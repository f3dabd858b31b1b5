package storetest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// stock fills a store with something of everything.
func (w *world) stock(ctx context.Context) error {
	for i := range 12 {
		d := w.duty("stocked")
		d.Badge, d.Locker = fmt.Sprint("badge ", i), fmt.Sprint("locker ", i)
		set := w.keyed(fmt.Sprint("key-", i), "stock", platform.Put(d), platform.Put(w.child(d, "")),
			platform.Delta(upwards, 1, d.Ref()), platform.Delta(stockCounter(i), 5, d.Ref()), platform.Delta(stockCounter(i), -2, d.Ref()))
		if _, err := w.db.Commit(ctx, set); err != nil {
			return fmt.Errorf("stock: %w", err)
		}
	}
	box, delivers := w.inner.(store.Outbox)
	if !delivers {
		return nil
	}
	events, err := box.Fresh(ctx, everywhere, 12)
	if err != nil {
		return err
	}
	handed := store.Settlement{Handed: []platform.ID{events[0].ID, events[1].ID}, Late: []store.Delivery{{Sink: "ill", Event: events[0], Since: dawn, Due: dawn}}}
	if err := box.Settle(ctx, dawn, nil, handed); err != nil {
		return err
	}
	if t, grows := w.inner.(interface{ Tree() store.Tree }); grows {
		return t.Tree().Grow(ctx, 0, []platform.ID{events[0].ID, events[1].ID, events[2].ID}, treeOfThree())
	}
	return nil
}

func stockCounter(i int) platform.Ref { return platform.Counter(fmt.Sprint("stock ", i), "piece") }

// restoredWhole checks law 37 for what comes back, from an older program too.
func restoredWhole(ctx context.Context, w *world) error {
	a, offers := w.archive("what is restored is what was backed up")
	if !offers {
		return nil
	}
	old := legacy1{Head: platform.Head{ID: w.id("lgc")}, Label: "服务"}
	if err := errors.Join(w.stock(ctx), w.given(ctx, platform.Put(old))); err != nil {
		return err
	}
	file, want, err := backedUp(ctx, a)
	if err != nil {
		return err
	}
	db, to := w.another()
	defer func(first platform.DB) { _ = first.Close() }(w.inner)
	w.use(db)
	if _, err := store.Restore(ctx, to, bytes.NewReader(file)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, got, err := backedUp(ctx, to)
	if err != nil {
		return err
	}
	if err := want.equal(got); err != nil {
		return err
	}
	read := legacy{Head: old.Head, Title: "服务", Length: 2}
	read.Version = 1
	return errors.Join(w.reads(ctx, read), w.restoredWorks(ctx, want))
}

// restoredWorks: names are held, keys known, indexes filled, and events offered.
func (w *world) restoredWorks(ctx context.Context, lines shelf) error {
	rival := w.duty("rival")
	rival.Badge = "badge 3"
	_, err := w.commit(ctx, platform.Put(rival))
	if err := refusal("a rival for a restored name", err, platform.ErrConflict, "taken"); err != nil {
		return err
	}
	again, err := w.db.Commit(ctx, w.keyed("key-3", "stock", platform.Put(w.duty("again"))))
	if err != nil || again.Answer == nil || !sameJSON(again.Answer.Body, encoded(map[string]string{"answer": "key-3"})) || len(again.Answer.Receipt.Counters) != 3 {
		return fmt.Errorf("a repeat by a restored key: %+v: %w", again, err)
	}
	page, err := w.db.Scan(ctx, platform.Query{Kind: dutyKind, By: []string{"team", "count"}, Equal: []any{"red"}, Limit: 500})
	if err != nil || len(page.Items) != 12 {
		return fmt.Errorf("%d of 12 restored records in an index: %w", len(page.Items), err)
	}
	if err := w.counted(ctx, stockCounter(3), 3, 2); err != nil {
		return err
	}
	var pending []platform.ID
	for _, l := range lines {
		if l.Pending != "" {
			pending = append(pending, l.Pending)
		}
	}
	box, delivers := w.inner.(store.Outbox)
	if !delivers {
		return nil
	}
	fresh, err := freshIDs(ctx, box, everywhere, 500)
	slices.Sort(fresh)
	slices.Sort(pending)
	if err != nil || !slices.Equal(fresh, pending) {
		return fmt.Errorf("fresh after a restore are %v, want %v: %w", fresh, pending, err)
	}
	return nil
}

// equal demands the same lines. Engines keep documents by their meaning, in the
// newest schema, and what is undelivered in an order of their own.
func (s shelf) equal(other shelf) error {
	ours, theirs := s.meaning(), other.meaning()
	for i := range min(len(ours), len(theirs)) {
		if ours[i] != theirs[i] {
			return fmt.Errorf("backed up %s, restored %s", ours[i], theirs[i])
		}
	}
	if len(ours) != len(theirs) {
		return fmt.Errorf("%d lines of %d restored", len(theirs), len(ours))
	}
	return nil
}

func (s shelf) meaning() []string {
	var all []string
	for _, l := range s {
		if l.Kind == legacyKind { // brought to the newest
			l.Schema, l.Doc = 0, nil
		}
		if l.Doc != nil {
			l.Doc = canonical(l.Doc)
		}
		all = append(all, string(encoded(l)))
	}
	slices.Sort(all)
	return all
}

// damageRefused checks law 37 for backups that are none.
func damageRefused(ctx context.Context, w *world) error {
	a, offers := w.archive("a damaged backup leaves nothing behind")
	if !offers {
		return nil
	}
	if err := w.stock(ctx); err != nil {
		return err
	}
	file, want, err := backedUp(ctx, a)
	if err != nil {
		return err
	}
	zip, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		return err
	}
	db, to := w.another()
	defer func() { _ = db.Close() }()
	for what, bad := range w.damaged(text) {
		_, err := store.Restore(ctx, to, gzipped(bad))
		if err := refusal(what, err, platform.ErrInvalid, ""); err != nil {
			return err
		}
		_, left, err := backedUp(ctx, to)
		if err != nil || len(left) > 0 {
			return fmt.Errorf("%s left %d lines: %w", what, len(left), err)
		}
	}
	stolen := slices.Clone(want)
	for _, l := range want {
		stolen.document(dutyKind, l.ID, func(d map[string]any) { d["badge"] = "badge 1" })
	}
	if err := refusal("twelve of one name", to.Load(ctx, stolen.Lines(ctx)), platform.ErrInvalid, ""); err != nil {
		return err
	}
	if _, err := store.Restore(ctx, to, gzipped(text)); err != nil {
		return fmt.Errorf("restore after all that: %w", err)
	}
	_, err = store.Restore(ctx, to, gzipped(text))
	if err := refusal("restore over what is there", err, platform.ErrState, "backup.not_empty"); err != nil {
		return err
	}
	_, got, err := backedUp(ctx, to)
	return errors.Join(err, want.equal(got))
}

// damaged are ways to spoil a backup.
func (w *world) damaged(text []byte) map[string][]byte {
	all, die := map[string][]byte{}, w.die(37)
	for range 8 {
		at, bit := die.IntN(len(text)), die.IntN(8)
		bad := bytes.Clone(text)
		bad[at] ^= 1 << bit
		all[fmt.Sprintf("bit %d of byte %d of %d flipped", bit, at, len(text))] = bad
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	end := len(lines) - 2 // of the manifest; behind it there is nothing
	all["cut in the middle"] = text[:len(text)/2]
	all["no manifest"] = bytes.Join(lines[:end], nil)
	all["a line taken out"] = slices.Concat(lines[0], bytes.Join(lines[2:], nil))
	all["a line twice"] = slices.Concat(lines[0], text)
	all["two lines exchanged"] = slices.Concat(lines[1], lines[0], bytes.Join(lines[2:], nil))
	all["of a newer program"] = []byte(strings.Replace(string(text), fmt.Sprintf(`{"end":{"format":%d`, store.Format), fmt.Sprintf(`{"end":{"format":%d`, store.Format+1), 1))
	return all
}

func gzipped(text []byte) io.Reader {
	var file bytes.Buffer
	out := gzip.NewWriter(&file)
	_, _ = out.Write(text) // a buffer takes everything
	_ = out.Close()
	return &file
}
