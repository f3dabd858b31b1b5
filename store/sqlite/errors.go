package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Refusals of this engine.
var (
	ErrPath      = platform.Err(platform.ErrInvalid, "sqlite.path", "a store needs the path of a file", "存储需要文件路径")
	ErrNetwork   = platform.Err(platform.ErrUnavailable, "sqlite.network", "the file is on a network file system, which loses locks; use a local disk", "文件位于网络文件系统，请使用本地磁盘")
	ErrNewer     = platform.Err(platform.ErrUnavailable, "sqlite.newer", "the file was written by a newer program; run that one", "文件由更新版本的程序写入，请运行该版本")
	ErrMigration = platform.Err(platform.ErrUnavailable, "sqlite.migration", "the file was made by another migration than this program's; run the released program", "文件的迁移与本程序不符，请运行正式发布的程序")
	ErrDamaged   = platform.Err(platform.ErrUnavailable, "sqlite.damaged", "the file is damaged; restore a backup", "文件已损坏，请从备份恢复")
	ErrFull      = platform.Err(platform.ErrUnavailable, "sqlite.full", "the disk is full; make room", "磁盘已满，请腾出空间")
	ErrLocked    = platform.Err(platform.ErrUnavailable, "sqlite.locked", "another process is writing to the file; try again", "另一进程正在写入文件，请稍后重试")
	ErrEngine    = platform.Err(platform.ErrUnavailable, "sqlite.engine", "the file cannot be read or written; look at disk and permissions", "文件无法读写，请检查磁盘与权限")
)

// ErrSerialization is a conflict of the caller's own transaction, which must be
// rolled back and may be begun again.
var ErrSerialization = platform.Err(platform.ErrConflict, "sqlite.serialization", "the transaction must begin again", "事务须重新开始")

// trouble is the engine's error without its text, in which there may be data.
// What is a refusal of the platform's already stays as it is.
func trouble(doing string, err error) error {
	var of *driver.Error
	switch {
	case err == nil:
		return nil
	case platform.Code(err) != "internal":
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone), err.Error() == "sql: database is closed": // which has no name
		return fmt.Errorf("%s: %w", doing, store.ErrClosed)
	case !errors.As(err, &of):
		return fmt.Errorf("%s: %w", doing, ErrEngine)
	}
	kind := ErrEngine
	switch of.Code() & 0xff {
	case code.SQLITE_BUSY, code.SQLITE_LOCKED:
		kind = ErrLocked
	case code.SQLITE_FULL:
		kind = ErrFull
	case code.SQLITE_CORRUPT, code.SQLITE_NOTADB:
		kind = ErrDamaged
	}
	return fmt.Errorf("%s: result %d: %w", doing, of.Code(), kind)
}

// busy tells whether another connection held the lock.
func busy(err error) bool {
	var of *driver.Error
	return errors.As(err, &of) && of.Code()&0xff == code.SQLITE_BUSY
}

// repeated is a line that was there before, where the engine tells of a row.
func repeated(err error) error {
	var of *driver.Error
	if errors.As(err, &of) && of.Code()&0xff == code.SQLITE_CONSTRAINT {
		return store.ErrDamaged
	}
	return err
}
