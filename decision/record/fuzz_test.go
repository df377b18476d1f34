package record

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// FuzzLine: what is taken for a line is written the same again.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"seq":1,"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","kind":"log"}`))
	f.Add([]byte(`{"seq":18446744073709551615,"prev_hash":"`))
	f.Add([]byte(`{"seq":01,"prev_hash":"00","x":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		seq, prev, err := linkOf(line)
		if err != nil {
			return
		}
		at := bytes.Index(line, []byte(hashKey)) + len(hashKey) + 2*len(prev) + len(hashEnd)
		again := appendLine(nil, seq, prev, append([]byte("{"), line[at:]...))
		if !bytes.Equal(bytes.ToLower(again), bytes.ToLower(line)) {
			t.Errorf("%q is %q", line, again)
		}
	})
}

// FuzzLines: a reader of whatever gives whole lines, and says how much is behind them.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\nc"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := newLineReader(bytes.NewReader(text))
		var again []byte
		for {
			line, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return
			}
			again = append(append(again, line...), '\n')
		}
		if !bytes.Equal(again, text[:r.end]) || r.end+r.torn != int64(len(text)) || bytes.IndexByte(text[r.end:], '\n') >= 0 {
			t.Errorf("%q: %d and %d of %q", again, r.end, r.torn, text)
		}
	})
}

// FuzzVerify: a whole log of whatever ends in a report, and only what the key signed is good.
func FuzzVerify(f *testing.F) {
	_, public, err := note.GenerateKey(rand.Reader, "agentd-other")
	if err != nil {
		f.Fatal(err)
	}
	dir := written(f, 3)
	for _, name := range []string{segmentName(1), nameCheckpoints} {
		text, err := os.ReadFile(filepath.Join(dir, nameLog, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, lines, checkpoints []byte) {
		dir := t.TempDir()
		for name, text := range map[string][]byte{nameOrigin: []byte("o\n"), segmentName(1): lines, nameCheckpoints: checkpoints} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := Verify(dir, public); err != nil || r.Integrity.Good || r.Signed != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := Read(dir, func(Entry) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
