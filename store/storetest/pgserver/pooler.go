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
	"sync"
	"syscall"
	"time"
)

// pooler is a pgbouncer before a private server, which gives each transaction
// another of a few connections.
type pooler struct {
	once    sync.Once
	err     error
	process *exec.Cmd
	log     bytes.Buffer
}

var errNoPooler = errors.New("no pgbouncer: it is not installed, nor named by PLATFORM_PGBOUNCER, or the server is not private")

const poolerPort = "6432"

// Pooled is the DSN of the same database by way of a transaction pooler: the
// pgbouncer that PLATFORM_PGBOUNCER names, or that is installed. The test is
// skipped when there is none, or the server is not private.
func (s *Server) Pooled(t Test, dsn string) string {
	t.Helper()
	s.pooler.once.Do(func() { s.pooler.err = s.pool() })
	switch {
	case errors.Is(s.pooler.err, errNoPooler):
		t.Skip(s.pooler.err)
	case s.pooler.err != nil:
		t.Fatal(s.pooler.err)
	}
	return s.pooled(dsn)
}

func (s *Server) pooled(dsn string) string {
	u, err := url.Parse(dsn) // ours
	if err != nil {
		return dsn
	}
	u.RawQuery = url.Values{"host": {s.root}, "port": {poolerPort}}.Encode()
	return u.String()
}

// bouncer finds the pooler's program.
func bouncer() (string, error) {
	for _, name := range []string{os.Getenv("PLATFORM_PGBOUNCER"), "pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoPooler
}

// pool starts the pooler.
func (s *Server) pool() error {
	program, err := bouncer()
	if err != nil || !s.Private() {
		return errNoPooler
	}
	as, err := unprivileged(s.root)
	if err != nil {
		return err
	}
	settings := filepath.Join(s.root, "pooler.ini")
	text := fmt.Sprintf(`[databases]
* = host=%s user=platform
[pgbouncer]
unix_socket_dir = %[1]s
listen_port = %s
auth_type = any
pool_mode = transaction
server_round_robin = 1
default_pool_size = 12
max_client_conn = 1000
server_idle_timeout = 2
`, s.root, poolerPort)
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		return err
	}
	p := exec.Command(program, settings)
	p.SysProcAttr, p.Dir, p.Stdout, p.Stderr = as, s.root, &s.pooler.log, &s.pooler.log
	if err := p.Start(); err != nil {
		return err
	}
	s.pooler.process = p
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := answers(ctx, s.pooled(s.dsn)); err != nil {
		s.pooler.stop()
		return fmt.Errorf("the pooler does not answer: %w\n%s", err, &s.pooler.log)
	}
	return nil
}

// stop ends the pooler, if there is one.
func (p *pooler) stop() {
	if p.process != nil {
		_ = p.process.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = p.process.Wait()
		p.process = nil
	}
}
