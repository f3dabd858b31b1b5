// Package store holds what every adapter shares, so that an adapter only reads
// state and writes rows: [Kinds] checks and encodes a set, [Decide] says what
// each set does, [Bounds] turns a query into a range of keys, and a cursor comes
// from and goes back into it. Programs that use the library need none of it;
// they open an adapter, such as store/memory, and hand it to the domains.
package store
