package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/liangding/platform"
)

// Refusals of the server, and of a database that this program must not use. No
// text of the driver goes out with them, which might hold what was written.
var (
	ErrConnection = platform.Err(platform.ErrUnavailable, "postgres.connection", "no connection to the database; check that the server runs and that the DSN is right", "无法连接数据库，请检查服务器及连接串")
	ErrServer     = platform.Err(platform.ErrUnavailable, "postgres.server", "the database refused; its log tells why", "数据库拒绝执行，原因见其日志")
	ErrRights     = platform.Err(platform.ErrUnavailable, "postgres.rights", "the role lacks a right; the package's documentation lists those that it needs", "数据库角色缺少权限，所需权限见本包文档")
	ErrOld        = platform.Err(platform.ErrUnavailable, "postgres.old", "the server is older than PostgreSQL 14", "数据库服务器版本低于14")
	ErrUnsafe     = platform.Err(platform.ErrUnavailable, "postgres.unsafe", "the server may lose what it acknowledged; switch fsync and synchronous_commit on, or set Options.AllowUnsafe", "服务器可能丢失已确认的数据，请开启fsync与synchronous_commit")
	ErrNewer      = platform.Err(platform.ErrUnavailable, "postgres.newer", "the database belongs to a newer program", "数据库属于更新版本的程序")
	ErrMigration  = platform.Err(platform.ErrUnavailable, "postgres.migration", "the database's migrations are not those of this program", "数据库的迁移记录与程序不符")
	ErrClash      = platform.Err(platform.ErrUnavailable, "postgres.clash", "other writers were always faster; try again", "写入冲突过多，请稍后重试")
)

// SQLSTATEs that the package tells apart.
const (
	uniqueViolation = "23505"
	checkViolation  = "23514"
	notSerializable = "40001"
	deadlock        = "40P01"
	lockTimeout     = "55P03"
	noRight         = "42501"
)

// refused is an error of the server by which the transaction is certainly
// aborted; nil for any other, such as a connection that ended.
func refused(err error) *pgconn.PgError {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.SeverityUnlocalized != "" && pg.SeverityUnlocalized != "ERROR" || pg.SeverityUnlocalized == "" && pg.Severity != "ERROR" {
		return nil
	}
	return pg
}

// clashed tells whether another writer was faster, so that reading again will
// show what it did. A statement whose plan went stale is repeated likewise.
func clashed(err error) bool {
	pg := refused(err)
	if pg == nil {
		return false
	}
	switch pg.Code {
	case uniqueViolation, notSerializable, deadlock, "0A000", "26000":
		return true
	}
	return false
}

// unfit tells whether the server could not take a value: a fault of one set.
func unfit(err error) bool {
	pg := refused(err)
	return pg != nil && (pg.Code[:2] == "22" || pg.Code[:2] == "54")
}

// trouble is what a caller may read of a server's or a connection's error.
func trouble(doing string, err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	switch {
	case platform.Code(err) != "internal":
		return err
	case !errors.As(err, &pg):
	case pg.Code == checkViolation:
		return fmt.Errorf("%s: a newer program has changed the table: %w", doing, ErrNewer)
	case pg.Code == noRight:
		return fmt.Errorf("%s: %w", doing, ErrRights)
	case refused(err) != nil:
		return fmt.Errorf("%s: SQLSTATE %s: %w", doing, pg.Code, ErrServer)
	}
	return fmt.Errorf("%s: %w", doing, ErrConnection)
}
