//go:build !linux

package pgserver

import (
	"os"
	"syscall"
)

// unprivileged is how to run the server: as whoever runs the tests.
func unprivileged(string) (*syscall.SysProcAttr, error) { return &syscall.SysProcAttr{}, nil }

// kill ends a server, which takes all that it started with it.
func kill(first *os.Process) error { return first.Signal(syscall.SIGQUIT) }
