// Package pgserver gives tests and benchmarks a PostgreSQL server of their own,
// made from the installed binaries in a temporary directory and gone when they
// end.
//
//	var server pgserver.Server
//
//	func TestMain(m *testing.M) { os.Exit(server.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		db, err := postgres.Open(t.Context(), server.Database(t), kinds, &postgres.Options{AllowUnsafe: true})
//		…
//	}
//
// PLATFORM_POSTGRES_DSN names another server to be used instead, on which the
// tests make and drop databases. Without binaries the tests skip, unless
// PLATFORM_REQUIRE_POSTGRES is 1: then they fail.
//
// A program begins with [Server.Start] and [Server.Create] instead, and with the
// settings of the server that it is to measure. The package does not import
// testing, so that none of its flags reach the program.
package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL server for one binary. For tests it starts with the
// first database that is asked for. Use it from as many goroutines as you like.
type Server struct {
	// Settings are added to those of the server, and win over them: "fsync=on".
	// Without any it flushes nothing to disk, which survives the end of its process
	// but not that of the machine.
	Settings []string

	once    sync.Once
	err     error
	root    string // of all its files
	process *exec.Cmd
	log     bytes.Buffer
	dsn     string // of a database to make others from
	count   atomic.Int64
	mu      sync.Mutex
	pooler  pooler
}

// ErrNone says that there is nothing to start.
var ErrNone = errors.New("no PostgreSQL: neither initdb and postgres are installed, nor is PLATFORM_POSTGRES_DSN set")

// Test is what a server needs of a *testing.T or *testing.B.
type Test interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
	Log(args ...any)
	Cleanup(end func())
}

// Main runs the tests of m, a *testing.M, and ends the server afterwards; it
// returns the code to exit with.
func (s *Server) Main(m interface{ Run() int }) int {
	defer s.Stop()
	return m.Run()
}

// Database is the DSN of a new, empty database, which is dropped when the test
// is done. The test is skipped when there is no server to be had.
func (s *Server) Database(t Test) string {
	t.Helper()
	s.once.Do(func() { s.err = s.begin() })
	switch {
	case errors.Is(s.err, ErrNone) && os.Getenv("PLATFORM_REQUIRE_POSTGRES") != "1":
		t.Skip(s.err)
	case s.err != nil:
		t.Fatal(s.err)
	}
	dsn, drop, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Log(err)
		}
	})
	return dsn
}

// Start starts a private server, whatever PLATFORM_POSTGRES_DSN names, once. It
// fails with [ErrNone] where PostgreSQL is not installed.
func (s *Server) Start() error {
	s.once.Do(func() {
		if s.err = s.install(); s.err == nil {
			s.err = s.template()
		}
	})
	return s.err
}

// Create is the DSN of a new, empty database of a server that was started, and
// how to drop it.
func (s *Server) Create() (dsn string, drop func() error, err error) {
	name := fmt.Sprintf("platform_%d_%d", os.Getpid(), s.count.Add(1))
	err = s.admin("create database " + name + " template platform_empty")
	return within(s.dsn, name), func() error { return s.admin("drop database if exists " + name + " with (force)") }, err
}

// Private tells whether the server is this binary's own, so that a test may kill
// it.
func (s *Server) Private() bool { return s.process != nil }

// PID is the process of a private server that started all its others.
func (s *Server) PID() int { return s.process.Process.Pid }

// Kill is [Server.Crash] of a private server, which then starts again on the same
// data.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.crash(); err != nil {
		return err
	}
	return s.start()
}

// Stop ends the server, if it is private, and removes its files.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	s.pooler.stop()
	_ = s.end(syscall.SIGINT) // its files go anyway
	s.process = nil
	_ = os.RemoveAll(s.root)
}

// within is the DSN for another database of the same server.
func within(dsn, database string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return dsn + " dbname=" + database
	}
	u.Path = "/" + database
	return u.String()
}

func (s *Server) admin(statement string) error {
	s.mu.Lock() // of two that copy one template at once, one would fail
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

func (s *Server) begin() error {
	if s.dsn = os.Getenv("PLATFORM_POSTGRES_DSN"); s.dsn == "" {
		if err := s.install(); err != nil {
			return err
		}
	}
	return s.template()
}

// template makes the database that all others are copies of.
func (s *Server) template() error {
	err := s.admin("create database platform_empty template template0 encoding 'UTF8'")
	if err != nil && !strings.Contains(err.Error(), "42P04") {
		return err
	}
	return nil
}

// install makes the server's files and starts it.
func (s *Server) install() error {
	initdb, err := Binary("initdb")
	if err != nil {
		return err
	}
	if s.root, err = os.MkdirTemp("", "pg"); err != nil { // short: the path of a socket has 107 bytes at most
		return err
	}
	as, err := unprivileged(s.root)
	if err != nil {
		return err
	}
	data := filepath.Join(s.root, "data")
	files := exec.Command(initdb, "--pgdata", data, "--username", "platform", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
	files.SysProcAttr, files.Dir = as, s.root
	if out, err := files.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.dsn = socket(s.root)
	return s.start()
}

func (s *Server) start() error {
	postgres, err := Binary("postgres")
	if err != nil {
		return err
	}
	as, err := unprivileged(s.root)
	if err != nil {
		return err
	}
	args := []string{"-D", filepath.Join(s.root, "data"), "-k", s.root, "-c", "listen_addresses=", "-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "autovacuum_naptime=10s"}
	settings := s.Settings
	if len(settings) == 0 {
		settings = []string{"fsync=off", "full_page_writes=off"}
	}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	s.log.Reset()
	s.process = exec.Command(postgres, args...)
	s.process.SysProcAttr, s.process.Dir, s.process.Stderr, s.process.Stdout = as, s.root, &s.log, &s.log
	if err := s.process.Start(); err != nil {
		return err
	}
	return s.ready()
}

// ready waits until the server answers.
func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := answers(ctx, s.dsn); err != nil {
		_ = s.end(syscall.SIGQUIT)
		return fmt.Errorf("the server does not answer: %w\n%s", err, &s.log)
	}
	return nil
}

// answers waits until a server does.
func answers(ctx context.Context, dsn string) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := pgx.Connect(ctx, dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
}

// end stops the process that this binary started, and waits for it.
func (s *Server) end(how syscall.Signal) error {
	if err := s.process.Process.Signal(how); err != nil {
		return err
	}
	_ = s.process.Wait() // its code tells of the signal
	return nil
}

// Binary finds a program of the server, the newest of those installed, or fails
// with [ErrNone].
func Binary(name string) (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is sound
	slices.SortFunc(found, func(a, b string) int { return release(a) - release(b) })
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", ErrNone
}

func release(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}
