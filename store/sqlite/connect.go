package sqlite

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	driver "modernc.org/sqlite"
)

// pragmas of every connection; readers get query_only besides. Waits of a
// writer for another process are the writer's own affair. The log is emptied
// into the file at 64 MB: most pages are written again before then.
const pragmas = "?_pragma=busy_timeout(%d)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=fullfsync(1)" +
	"&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(16000)"

// source is the driver's name of a file. What has a meaning in it is escaped.
func source(path string, patience time.Duration) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	return "file:" + u.EscapedPath() + fmt.Sprintf(pragmas, patience.Milliseconds())
}

// pool are at most size connections to a source; 0 is as many as are asked for.
func pool(source string, size int) (*sql.DB, error) {
	c, err := driver.NewConnector(source)
	if err != nil {
		return nil, fmt.Errorf("open: %w", ErrPath)
	}
	p := sql.OpenDB(c)
	p.SetMaxOpenConns(size)
	p.SetMaxIdleConns(max(size, 1))
	return p, nil
}

// sited is the absolute path of a file where SQLite can keep its promises.
func sited(path string) (string, error) {
	if path == "" || strings.HasPrefix(path, "file:") || strings.Contains(path, ":memory:") {
		return "", fmt.Errorf("open %q: %w", path, ErrPath)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open: %w", ErrPath)
	}
	if folder, err := os.Stat(filepath.Dir(abs)); err != nil || !folder.IsDir() {
		return "", fmt.Errorf("open: no such folder: %w", ErrPath)
	}
	return abs, local(abs)
}

// unclean tells whether the last process to use the file did not close it, or
// whether one uses it now: from outside the two look the same. The file itself
// must not be opened here, since closing it again would drop the locks that
// this process holds on it elsewhere.
func unclean(path string) bool {
	log, err := os.Stat(path + "-wal")
	return err == nil && log.Size() > 0
}
