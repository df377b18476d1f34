//go:build unix

package record

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock a folder for this process: two that append would break the chain.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, nameLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another process has the decision log in %s: %w", dir, err)
	}
	return f, nil
}
