// Package storetest puts a storage engine to the laws that the rest of the
// library relies on, and holds what tests of commands need besides: a store
// that fails on purpose, a clock that stands still, ids from a seed and a
// history that can be checked.
//
// An adapter's own test calls [Run] once; [Laws] lists what is checked, and
// what is not with the reason. Each law is a subtest named by its number and
// rule. A law that breaks prints what went wrong, the calls that led to it and
// the seed.
//
//	func TestLaws(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, kinds []platform.Kind) platform.DB {
//			db, err := mystore.Open(t.Context(), t.TempDir(), kinds)
//			if err != nil {
//				t.Fatal(err)
//			}
//			return db
//		}, storetest.Options{Reopen: reopen, Handle: handle})
//	}
//
// Tests of a command wrap the store in a [Faulty] one, with a [Clock] and
// [IDs], and look afterwards at a [History].
//
// The package needs nothing but the standard library and the module itself, so
// that an adapter of your own brings nothing else into its build.
package storetest
