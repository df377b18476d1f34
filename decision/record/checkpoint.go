package record

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint says how many records a log had, and what the last line's hash was: in the form of https://c2sp.org/tlog-checkpoint, signed as a
// https://c2sp.org/signed-note. The hash is the head of a chain, not the root of a Merkle tree: it proves all lines together, and none alone.
type Checkpoint struct {
	Origin string `json:"origin"` // of the log
	Size   uint64 `json:"size"`
	Hash   string `json:"hash"` // hexadecimal

	line int // in its file
}

func signCheckpoint(key note.Signer, origin string, size uint64, head hash) ([]byte, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(head[:]))
	return note.Sign(&note.Note{Text: text}, key)
}

// noteLines of a checkpoint: origin, size, hash, none, signature.
const noteLines = 5

// notesOf a file: each in its place. What stands behind the last whole one is torn, and not given.
func notesOf(file []byte) (notes [][]byte) {
	for lines := 0; ; {
		end := bytes.IndexByte(file[lines:], '\n')
		for range noteLines - 1 {
			if end < 0 {
				return notes
			}
			next := bytes.IndexByte(file[lines+end+1:], '\n')
			if next < 0 {
				return notes
			}
			end += next + 1
		}
		notes = append(notes, file[lines:lines+end+1])
		if lines += end + 1; lines >= len(file) {
			return notes
		}
	}
}

// openCheckpoint reads a note that somebody signed whom we know.
func openCheckpoint(text []byte, key note.Verifier) (c Checkpoint, err error) {
	n, err := note.Open(text, note.VerifierList(key))
	var unknown *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unknown):
		return c, fmt.Errorf("it is not signed with the key %s+%08x", key.Name(), key.KeyHash())
	case err != nil:
		return c, fmt.Errorf("it is no signed note: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != noteLines-1 {
		return c, errors.New("it has other lines than origin, size and hash")
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseUint(lines[1], 10, 64); err != nil || strconv.FormatUint(c.Size, 10) != lines[1] {
		return c, errors.New("its size is no number")
	}
	var h hash
	sum, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || copy(h[:], sum) != len(sum) || len(sum) != len(h) {
		return c, errors.New("its hash is none")
	}
	c.Hash = h.String()
	return c, nil
}
