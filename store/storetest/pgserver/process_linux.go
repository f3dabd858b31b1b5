package pgserver

import (
	"bytes"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// unprivileged is how to run the server, which refuses root: as another user,
// who is given the directory.
func unprivileged(root string) (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return as, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return as, os.Chown(root, int(uid), int(gid))
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

// kill ends a server's first process and all that it started, each in a session
// of its own, at once and without a word. It is stopped before they are counted,
// lest it start another.
func kill(first *os.Process) error {
	if err := first.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	await(first.Pid, "T")
	started := children(first.Pid)
	for _, pid := range append(started, first.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	for _, pid := range started { // who starts the server again must find none of them
		await(pid, "Z")
	}
	return nil
}

// await waits until a process is in a state, or has ended.
func await(pid int, wanted string) {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for now := state(pid); now != wanted && now != ""; now = state(pid) {
		<-again.C
	}
}

// stat are what the system tells of a process: its state and who started it
// first.
func stat(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil // it has ended
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // behind its name
}

// state is a letter (T is stopped, Z ended and not yet asked after), or nothing
// when the process has ended.
func state(pid int) string {
	if s := stat(pid); len(s) > 0 {
		return s[0]
	}
	return ""
}

func children(parent int) (all []int) {
	found, _ := filepath.Glob("/proc/[0-9]*") // the pattern is sound
	for _, path := range found {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		if s := stat(pid); len(s) > 1 && s[1] == strconv.Itoa(parent) {
			all = append(all, pid)
		}
	}
	return all
}
