package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// SetAside keeps a log that does not verify under another name, which it returns. Whoever opens the folder next begins a new log, whose first record names
// this one. The key stays.
func SetAside(dir string, now time.Time) (string, error) {
	held, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer held.Close()
	aside := filepath.Join(dir, asidePrefix+now.UTC().Format("20060102T150405.000000000Z"))
	if _, err := os.Lstat(aside); !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is there already", aside)
	}
	if err := os.Rename(filepath.Join(dir, nameLog), aside); err != nil {
		return "", fmt.Errorf("there is no log to set aside: %w", err)
	}
	return aside, syncFolder(dir)
}

// follows is the log that was set aside last, with the last of its checkpoints that is signed; nil: there is none.
func follows(dir string) (*Follows, error) {
	all, err := asides(dir)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	key, err := verifierOf(dir)
	if err != nil {
		return nil, err
	}
	aside := all[len(all)-1]
	f := &Follows{Folder: filepath.Base(aside)}
	origin, _ := os.ReadFile(filepath.Join(aside, nameOrigin)) // it is broken: what can be said of it is said
	f.Origin = strings.TrimSpace(string(origin))
	text, _ := os.ReadFile(filepath.Join(aside, nameCheckpoints))
	for _, n := range notesOf(text) {
		if c, err := openCheckpoint(n, key); err == nil {
			f.Size, f.Hash = c.Size, c.Hash
		}
	}
	return f, nil
}
