package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/sqlite"
)

type lamp struct {
	platform.Head
	On bool `json:"on" class:"public"`
}

func (l lamp) Ref() platform.Ref { return platform.Ref{Kind: "lamp", ID: l.ID} }

type Switch struct{}

// What a process wrote is there for the next one.
func Example() {
	folder, err := os.MkdirTemp("", "lamps")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "lamps.db")
	kinds := []platform.Kind{platform.Shape[lamp]{Name: "lamp", Prefix: "lmp"}.Kind()}
	ctx := platform.As(context.Background(), platform.SystemActor("example"))

	db, err := sqlite.Open(ctx, path, kinds, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	w := platform.Writer{Store: db}.Ready()
	l := lamp{Head: platform.Head{ID: w.NewRoot(ctx, "lmp")}, On: true}
	_, err = platform.Update(ctx, w, Switch{}, func(context.Context) (lamp, []platform.Change, error) {
		return l, []platform.Change{platform.Put(l), platform.Happened("lamp.switched", l.Ref(), nil)}, nil
	})
	fmt.Println(err, db.Close())

	db, err = sqlite.Open(ctx, path, kinds, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	again, err := platform.Read[lamp](ctx, db, "lamp", l.ID)
	fmt.Println(again.On, again.Version, err)
	// Output:
	// <nil> <nil>
	// true 1 <nil>
}

// A command and a row of the caller's own are written together, or not at all.
func ExampleDB_In() {
	folder, err := os.MkdirTemp("", "lamps")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx := platform.As(context.Background(), platform.SystemActor("example"))
	db, err := sqlite.Open(ctx, filepath.Join(folder, "lamps.db"), []platform.Kind{platform.Shape[lamp]{Name: "lamp", Prefix: "lmp"}.Kind()}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()

	tx, err := db.Begin(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback() // when it is not committed
	w := platform.Writer{Store: db.In(tx)}.Ready()
	l := lamp{Head: platform.Head{ID: w.NewRoot(ctx, "lmp")}, On: true}
	_, err = platform.Update(ctx, w, Switch{}, func(context.Context) (lamp, []platform.Change, error) {
		return l, []platform.Change{platform.Put(l), platform.Happened("lamp.switched", l.Ref(), nil)}, nil
	})
	fmt.Println(err)
	_, err = tx.ExecContext(ctx, "create table room (name text, lamp text); insert into room values ('hall', ?)", l.ID)
	fmt.Println(err, tx.Commit())

	again, err := platform.Read[lamp](ctx, db, "lamp", l.ID)
	fmt.Println(again.On, err)
	// Output:
	// <nil>
	// <nil> <nil>
	// true <nil>
}
