//go:build !linux

package pgserver

import "syscall"

// unprivileged is how to run the server: as whoever runs the tests.
func unprivileged(string) (*syscall.SysProcAttr, error) { return &syscall.SysProcAttr{}, nil }
