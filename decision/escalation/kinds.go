package escalation

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver
)

// kind of database. All that the two differ in is here; the statements are the same.
type kind struct {
	open       func(dsn string) (write, read *sql.DB, err error)
	lockSchema string // keeps a second replica from migrating at the same time
}

var (
	sqlite   = kind{openSQLite, ""} // a transaction that writes is alone from its beginning
	postgres = kind{openPostgres, `SELECT pg_advisory_xact_lock(4270061985)`}
)

// kindOf a DSN: postgres://…, or the path of a file.
func kindOf(dsn string) kind {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return postgres
	}
	return sqlite
}

// openSQLite opens a file for one writer and some readers, who do not wait for each other. What is committed is on the disk.
func openSQLite(dsn string) (write, read *sql.DB, err error) {
	path, err := filepath.Abs(strings.TrimPrefix(dsn, "sqlite:"))
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite's own would be readable by others
	if err != nil {
		return nil, nil, err
	}
	if err := f.Close(); err != nil {
		return nil, nil, err
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath()
	pragmas := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
	pragmas.Set("_txlock", "immediate")
	if write, err = sql.Open("sqlite", name+"?"+pragmas.Encode()); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	pragmas.Del("_txlock")
	pragmas.Add("_pragma", "query_only(1)")
	if read, err = sql.Open("sqlite", name+"?"+pragmas.Encode()); err != nil {
		write.Close()
		return nil, nil, err
	}
	read.SetMaxOpenConns(4)
	return write, read, nil
}

// openPostgres opens two pools: steps that wait for their turn do not keep readers waiting.
func openPostgres(dsn string) (write, read *sql.DB, err error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	p := config.RuntimeParams
	if p["synchronous_commit"] != "remote_apply" {
		p["synchronous_commit"] = "on" // what was consumed is so after a crash too
	}
	p["idle_in_transaction_session_timeout"] = "15s" // a replica whose machine is gone does not keep the others waiting
	p["default_transaction_isolation"] = "read committed"
	return pool(config), pool(config), nil
}

func pool(config *pgx.ConnConfig) *sql.DB {
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	db.SetConnMaxIdleTime(time.Minute)
	return db
}
