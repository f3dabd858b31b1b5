//go:build !linux

package sqlite

// local allows every path: this system is not asked where a file lies.
func local(string) error { return nil }
