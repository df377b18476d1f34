// Package postgrestest starts a PostgreSQL for tests, on a socket in a temporary folder.
package postgrestest

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of NewDatabase
)

// Cluster is one server and its databases.
type Cluster struct {
	bin, dir  string
	as        *syscall.SysProcAttr
	databases atomic.Int64

	process *exec.Cmd
	stdin   io.WriteCloser
}

// New makes one, and starts it.
func New() (*Cluster, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "agentd-pg")
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir}
	if os.Getuid() == 0 { // as whom PostgreSQL does not run
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, err
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		c.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "agentd", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = c.as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %v\n%s", err, out)
	}
	return c, c.Start()
}

func postgresBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // where Debian has it, out of the PATH
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	return filepath.Dir(path), err
}

// Start the server under a shell that ends it when this process does, however that ends.
func (c *Cluster) Start() error {
	c.process = exec.Command("/bin/sh", "-c", `"$@" & read -r signal; kill -"${signal:-QUIT}" $!; wait $!`, "sh",
		filepath.Join(c.bin, "postgres"), "-D", filepath.Join(c.dir, "data"), "-k", c.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")
	c.process.SysProcAttr, c.process.Dir = c.as, c.dir
	var err error
	if c.stdin, err = c.process.StdinPipe(); err != nil {
		return err
	}
	if err := c.process.Start(); err != nil {
		return err
	}
	ready := exec.Command(filepath.Join(c.bin, "pg_isready"), "-h", c.dir, "-t", "1", "-q")
	for range 600 {
		if exec.Command(ready.Path, ready.Args[1:]...).Run() == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("it does not begin to listen")
}

// Stop the server: QUIT as in a crash, INT with care.
func (c *Cluster) Stop(signal string) {
	fmt.Fprintln(c.stdin, signal)
	c.process.Wait()
}

// Remove it, and what it wrote.
func (c *Cluster) Remove() {
	c.Stop("QUIT")
	os.RemoveAll(c.dir)
}

func (c *Cluster) dsn(database string) string {
	return "postgres://agentd@/" + database + "?host=" + url.QueryEscape(c.dir)
}

// NewDatabase makes an empty one, and says how to reach it.
func (c *Cluster) NewDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", c.databases.Add(1))
	db, err := sql.Open("pgx", c.dsn("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	return c.dsn(name)
}
