package memory_test

import (
	"bytes"
	"testing"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

// TestLaws puts the adapter to the laws of storage. A restart is what this
// adapter has of one: what was saved is loaded into a new store. There is no
// second handle on one process's memory.
func TestLaws(t *testing.T) {
	t.Parallel()
	open := func(_ *testing.T, kinds []platform.Kind) platform.DB { return memory.New(kinds, nil) }
	reopen := func(t *testing.T, db platform.DB, kinds []platform.Kind) (platform.DB, error) {
		t.Helper()
		var saved bytes.Buffer
		if err := db.(*memory.DB).Save(&saved); err != nil {
			t.Fatal(err)
		}
		return memory.Load(&saved, kinds, nil)
	}
	storetest.Run(t, open, storetest.Options{Reopen: reopen})
}
