package record

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Names in a folder.
const (
	nameLock        = "lock"
	nameKey         = "key"
	namePublic      = "key.pub"
	nameLog         = "log"
	nameOrigin      = "origin"
	nameCheckpoints = "checkpoints"
	asidePrefix     = "aside-"
)

// keyOf a folder; it is made when there is none.
func keyOf(dir string) (note.Signer, error) {
	file := filepath.Join(dir, nameKey)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(dir)
	} else if err != nil {
		return nil, fmt.Errorf("the key of the decision log: %w", err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s is no key: %w", file, err)
	}
	return signer, nil
}

// makeKey writes the public half first: a private key that is there is complete.
func makeKey(dir string) (note.Signer, error) {
	private, public, err := note.GenerateKey(rand.Reader, "agentd-"+newID())
	if err != nil {
		return nil, err
	}
	if err := writeWhole(filepath.Join(dir, namePublic), public+"\n", 0o644); err != nil {
		return nil, err
	}
	if err := writeWhole(filepath.Join(dir, nameKey), private+"\n", 0o600); err != nil {
		return nil, err
	}
	return note.NewSigner(private)
}

func newID() string {
	var b [8]byte
	rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// PublicKey of a folder: <name>+<key id>+<base64>, as signed notes have it.
func PublicKey(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, namePublic))
	return strings.TrimSpace(string(text)), err
}

// writeWhole writes a file so that it is there completely or not at all.
func writeWhole(file, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// syncFolder makes names durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// segmentName sorts as its number does.
func segmentName(first uint64) string { return fmt.Sprintf("%020d.jsonl", first) }

var segmentNames = regexp.MustCompile(`^[0-9]{20}\.jsonl$`)

// segment is a file of lines.
type segment struct {
	file  string
	first uint64 // seq, as the name has it
}

// segmentsOf a log, in order.
func segmentsOf(log string) (all []segment, err error) {
	entries, err := os.ReadDir(log) // sorted
	for _, e := range entries {
		if segmentNames.MatchString(e.Name()) {
			first, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), ".jsonl"), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s is no name of a segment: %w", filepath.Join(log, e.Name()), err)
			}
			all = append(all, segment{filepath.Join(log, e.Name()), first})
		}
	}
	return all, err
}

// originOf a log; it is made when there is none.
func originOf(dir string, key note.Signer) (origin string, err error) {
	log := filepath.Join(dir, nameLog)
	text, err := os.ReadFile(filepath.Join(log, nameOrigin))
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if _, there := os.Stat(log); there == nil || !errors.Is(err, fs.ErrNotExist) {
		return "", &Broken{Dir: dir, At: filepath.Join(log, nameOrigin), Why: "the log's name cannot be read: " + err.Error()}
	}
	origin = key.Name() + "/" + newID()
	made := log + ".new"
	if err := os.MkdirAll(made, 0o700); err != nil {
		return "", err
	}
	if err := writeWhole(filepath.Join(made, nameOrigin), origin+"\n", 0o600); err != nil {
		return "", err
	}
	if err := os.Rename(made, log); err != nil {
		return "", err
	}
	return origin, syncFolder(dir)
}

// logOf finds the log: a folder may be one itself, such as one that was set aside.
func logOf(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, nameOrigin)); err == nil {
		return dir
	}
	return filepath.Join(dir, nameLog)
}

// asides are the logs that were set aside, the oldest first.
func asides(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, asidePrefix+"*"))
	slices.Sort(found)
	return found, err
}
