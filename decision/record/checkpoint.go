package record

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A checkpoint is a signed note of the form that transparency logs use (c2sp.org/tlog-checkpoint, c2sp.org/signed-note): origin, size and hash, signed by Ed25519. The
// hash is the one of the last line, the head of the chain, and not the root of a tree. They stand in one file, each as a JSON text on a line.
const (
	checkpointsFile = "checkpoints"
	privateFile     = "checkpoint.key"
	publicFile      = "checkpoint.pub"
)

// signer of checkpoints. Its key is made at the first start, and never leaves the folder.
type signer struct {
	note.Signer
}

func openSigner(dir string) (*signer, error) {
	text, err := os.ReadFile(filepath.Join(dir, privateFile))
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newSigner(dir)
	}
	if err != nil {
		return nil, err
	}
	s, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, privateFile), err)
	}
	return &signer{s}, nil
}

// newSigner names the log by chance, so that the checkpoints of two logs are told apart.
func newSigner(dir string) ([]byte, error) {
	if names, err := segments(dir); err != nil || len(names) > 0 {
		return nil, errors.Join(err, fmt.Errorf("%s holds records, and no %s that signs them", dir, privateFile))
	}
	var id [8]byte
	rand.Read(id[:]) // it never fails
	private, public, err := note.GenerateKey(rand.Reader, "agentd.log/"+hex.EncodeToString(id[:]))
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{publicFile: public, privateFile: private} {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return nil, err
		}
		_, err = file.WriteString(text + "\n")
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			return nil, err
		}
	}
	return []byte(private), syncDir(dir)
}

// sign a place, and put it behind the other checkpoints of a file.
func (s *signer) sign(name string, p place) error {
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", s.Name(), p.seq, base64.StdEncoding.EncodeToString(p.head[:]))}, s)
	if err != nil {
		return err
	}
	line, err := json.Marshal(string(signed))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	// A crash may have left half a line: what follows begins on a new one, and Verify passes over the half.
	var last [1]byte
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		if _, err := file.ReadAt(last[:], info.Size()-1); err == nil && last[0] != '\n' {
			line = append([]byte("\n"), line...)
		}
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}

// PublicKey of the log in a folder: what Verify knows its checkpoints by.
func PublicKey(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, publicFile))
	return strings.TrimSpace(string(text)), err
}

// readCheckpoint of a signed note.
func readCheckpoint(text []byte, by note.Verifier) (p place, err error) {
	n, err := note.Open(text, note.VerifierList(by))
	if err != nil {
		return p, errors.New("a checkpoint is not signed by the log's key")
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != by.Name() || lines[3] != "" {
		return p, errors.New("a checkpoint is of another log, or has another form")
	}
	hash, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(hash) != len(p.head) {
		return p, errors.New("a checkpoint has no hash")
	}
	if p.seq, err = strconv.ParseInt(lines[1], 10, 64); err != nil || p.seq < 1 {
		return p, errors.New("a checkpoint has no size")
	}
	copy(p.head[:], hash)
	return p, nil
}

// readCheckpoints of a folder's file. Half a line at the end is what a crash leaves.
func readCheckpoints(name string, by note.Verifier) (places []place, faults []error, err error) {
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	lines := bytes.Split(data, []byte("\n"))
	for n, line := range lines {
		var text string
		if len(line) == 0 || json.Unmarshal(line, &text) != nil && !bytes.HasSuffix(line, []byte(`"`)) {
			continue
		}
		p, err := readCheckpoint([]byte(text), by)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", name, n+1, err))
			continue
		}
		places = append(places, p)
	}
	return places, faults, nil
}
