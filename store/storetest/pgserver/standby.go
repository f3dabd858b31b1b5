package pgserver

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
)

// Standby starts a server that follows this private one under the name standby.
// Whether commits wait for it is up to the settings of the one that it follows.
func (s *Server) Standby() (*Server, error) {
	program, err := Binary("pg_basebackup")
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	follower := &Server{Settings: s.Settings, root: root, dsn: socket(root)}
	as, err := unprivileged(root)
	if err != nil {
		return nil, err
	}
	files := exec.Command(program, "--dbname", fmt.Sprintf("host=%s user=platform application_name=standby", s.root),
		"--pgdata", filepath.Join(root, "data"), "--write-recovery-conf", "--checkpoint", "fast", "--no-sync")
	files.SysProcAttr, files.Dir = as, root
	if out, err := files.CombinedOutput(); err != nil {
		_ = os.RemoveAll(root)
		return nil, fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return follower, follower.start()
}

// Promote has a standby take over.
func (s *Server) Promote() error { return s.admin("select pg_promote(true, 60)") }

// Crash ends the processes of the server, each by SIGKILL where the system tells
// which they are, and leaves it so.
func (s *Server) Crash() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crash()
}

func (s *Server) crash() error {
	if err := kill(s.process.Process); err != nil {
		return err
	}
	_ = s.process.Wait() // its code tells of the signal
	return nil
}

// Any is the DSN of a database on whichever of two private servers takes writes.
func (s *Server) Any(other *Server, dsn string) string {
	u, err := url.Parse(dsn) // ours
	if err != nil {
		return dsn
	}
	u.RawQuery = url.Values{"host": {s.root + "," + other.root}, "target_session_attrs": {"read-write"}}.Encode()
	return u.String()
}

// socket is the DSN of a server in a directory.
func socket(root string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("platform"), Path: "/postgres", RawQuery: url.Values{"host": {root}}.Encode()}).String()
}
