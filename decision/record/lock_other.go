//go:build !unix

package record

import (
	"os"
	"path/filepath"
)

// lock does not keep others out here: agentd runs on Linux.
func lock(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, nameLock), os.O_RDWR|os.O_CREATE, 0o600)
}
