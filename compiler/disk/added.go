package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"agentc/compiler/lock"
)

// maxAdded bounds what is read; whoever reads it has bounds of their own, which are lower.
const maxAdded = 128 << 20

// Added are the files that publishing adds to a folder, as they stand there; nil: there is none.
type Added struct{ Seals, Statement []byte }

// ReadAdded reads them without judging them.
func ReadAdded(dir string) (*Added, error) {
	a := &Added{}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if a.Seals, err = readAdded(root, lock.SealName); err != nil {
		return nil, err
	}
	a.Statement, err = readAdded(root, lock.StatementName)
	return a, err
}

// readAdded reads one of them. A link or a pipe of that name is somebody's: nothing of it is read.
func readAdded(root *os.Root, name string) ([]byte, error) {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxAdded))
}
