package record

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// segments of a closed log, as lines with their ends.
func linesIn(t *testing.T, dir string) (files []string, lines [][][]byte) {
	t.Helper()
	all, err := segmentsOf(filepath.Join(dir, nameLog))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		text, err := os.ReadFile(s.file)
		if err != nil {
			t.Fatal(err)
		}
		files, lines = append(files, s.file), append(lines, slices.Collect(bytes.Lines(text)))
	}
	return files, lines
}

func put(t *testing.T, name string, lines [][]byte) {
	t.Helper()
	if err := os.WriteFile(name, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rechain writes a whole log anew, with right seqs and hashes: what somebody can do who has the folder and not the key.
func rechain(t *testing.T, dir string, change func(e *Entry) (keep bool)) {
	t.Helper()
	origin, err := os.ReadFile(filepath.Join(dir, nameLog, nameOrigin))
	if err != nil {
		t.Fatal(err)
	}
	files, lines := linesIn(t, dir)
	head, seq := start(strings.TrimSpace(string(origin))), uint64(0)
	for i, name := range files {
		var all []byte
		for _, line := range lines[i] {
			var e Entry
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			if !change(&e) {
				continue
			}
			e.Record.Result = e.Result
			body, err := bodyOf(&e.Record)
			if err != nil {
				t.Fatal(err)
			}
			from := len(all)
			seq++
			all = appendLine(all, seq, head, body)
			head = sha256.Sum256(all[from : len(all)-1])
		}
		if err := os.WriteFile(name, all, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAttacks: what somebody did to a log, which verdict says so, and with which words.
func TestAttacks(t *testing.T) {
	const both, integrity, completeness = "both", "integrity", "completeness"
	for name, c := range map[string]struct {
		attack  func(t *testing.T, dir string, files []string, lines [][][]byte)
		bad     string
		want    string
		opening bool // the next start sees it, too
	}{
		"edit": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			lines[0][1] = bytes.Replace(lines[0][1], []byte("auto-execute"), []byte("auto-exEcute"), 1)
			put(t, files[0], lines[0])
		}, integrity, "00000000000000000001.jsonl:3: prev_hash is not the hash of the line before", false},
		"edit white space": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			lines[0][1] = bytes.Replace(lines[0][1], []byte(`,"kind"`), []byte(`, "kind"`), 1)
			put(t, files[0], lines[0])
		}, integrity, "prev_hash is not the hash of the line before", false},
		"edit the last line": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			last := lines[len(lines)-1]
			last[len(last)-1] = bytes.Replace(last[len(last)-1], []byte("auto-execute"), []byte("auto-exEcute"), 1)
			put(t, files[len(files)-1], last)
		}, integrity, "is not what", true},
		"delete": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			put(t, files[0], slices.Delete(lines[0], 2, 3))
		}, both, "seq 4 stands after seq 2: 1 are missing", false},
		"delete a segment": {func(t *testing.T, _ string, files []string, _ [][][]byte) {
			if err := os.Remove(files[1]); err != nil {
				t.Fatal(err)
			}
		}, both, "are missing", false},
		"delete the first segment": {func(t *testing.T, _ string, files []string, _ [][][]byte) {
			if err := os.Remove(files[0]); err != nil {
				t.Fatal(err)
			}
		}, completeness, "those before it are not here", false},
		"reorder": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			lines[0][1], lines[0][2] = lines[0][2], lines[0][1]
			put(t, files[0], lines[0])
		}, both, "lines were repeated or moved", false},
		"duplicate": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			put(t, files[0], slices.Insert(lines[0], 2, lines[0][1]))
		}, integrity, "seq 2 stands after seq 2", false},
		"insert": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			put(t, files[0], slices.Insert(lines[0], 2, bytes.Replace(lines[0][1], []byte("d0"), []byte("d9"), 1)))
		}, integrity, "lines were added", false},
		"insert no record": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			put(t, files[0], slices.Insert(lines[0], 2, []byte("{}\n")))
		}, integrity, "the line is no record", false},
		"insert a long line": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			put(t, files[0], slices.Insert(lines[0], 2, append(bytes.Repeat([]byte("x"), MaxLine+1), '\n')))
		}, both, "the line has more than", false},
		"swap segments": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			put(t, files[0], lines[1])
			put(t, files[1], lines[0])
		}, both, "the segment is named after seq 1", false},
		"cut the tail": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			last := lines[len(lines)-1]
			put(t, files[len(files)-1], last[:len(last)-1])
		}, completeness, "the end is missing", true},
		"cut half a line of the tail": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			last := lines[len(lines)-1]
			last[len(last)-1] = last[len(last)-1][:20]
			put(t, files[len(files)-1], last)
		}, completeness, "the end is missing", true},
		"cut all": {func(t *testing.T, _ string, files []string, _ [][][]byte) {
			for _, f := range files {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		}, completeness, "no record is there", true},
		"half a line amid": {func(t *testing.T, _ string, files []string, lines [][][]byte) {
			last := lines[0]
			last[len(last)-1] = last[len(last)-1][:20]
			put(t, files[0], last)
		}, both, "the line has no end", false},
		"rewrite all": {func(t *testing.T, dir string, _ []string, _ [][][]byte) {
			rechain(t, dir, func(e *Entry) bool {
				if e.DecisionID == "d1" {
					e.Verdict = "auto-reject"
				}
				return true
			})
		}, integrity, "is not what", true},
		"leave one out and rewrite all": {func(t *testing.T, dir string, _ []string, _ [][][]byte) {
			rechain(t, dir, func(e *Entry) bool { return e.DecisionID != "d1" })
		}, both, "the end is missing", true},
		"remove the checkpoints": {func(t *testing.T, dir string, _ []string, _ [][][]byte) {
			if err := os.Remove(filepath.Join(dir, nameLog, nameCheckpoints)); err != nil {
				t.Fatal(err)
			}
		}, integrity, "no good checkpoint", false},
		"edit a checkpoint": {func(t *testing.T, dir string, _ []string, _ [][][]byte) {
			name := filepath.Join(dir, nameLog, nameCheckpoints)
			text, _ := os.ReadFile(name)
			os.WriteFile(name, bytes.Replace(text, []byte("\n21\n"), []byte("\n11\n"), 1), 0o600)
		}, integrity, "the checkpoint does not hold", true},
		"checkpoints of another order": {func(t *testing.T, dir string, _ []string, _ [][][]byte) {
			name := filepath.Join(dir, nameLog, nameCheckpoints)
			text, _ := os.ReadFile(name)
			notes := notesOf(text)
			slices.Reverse(notes)
			os.WriteFile(name, bytes.Join(notes, nil), 0o600)
		}, integrity, "and the one before it of", false},
		"checkpoint of another log": {func(t *testing.T, dir string, _ []string, _ [][][]byte) {
			key, err := keyOf(dir)
			if err != nil {
				t.Fatal(err)
			}
			text, err := signCheckpoint(key, "another", 3, hash{})
			if err != nil {
				t.Fatal(err)
			}
			appendTo(t, filepath.Join(dir, nameLog, nameCheckpoints), text)
		}, integrity, "is of another log", true},
		"rename the log": {func(t *testing.T, dir string, _ []string, _ [][][]byte) {
			if err := os.WriteFile(filepath.Join(dir, nameLog, nameOrigin), []byte("another\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, integrity, "is of another log", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t, 20)
			files, lines := linesIn(t, dir)
			c.attack(t, dir, files, lines)
			r := verified(t, dir)
			if r.Integrity.Good != (c.bad == completeness) || r.Completeness.Good != (c.bad == integrity) {
				t.Errorf("%s is bad, want %+v", c.bad, r)
			}
			if text := findings(r); !strings.Contains(text, c.want) {
				t.Errorf("found %s, want %s", text, c.want)
			}
			if c.opening {
				mustSetAside(t, dir)
			}
		})
	}
}

func findings(r *Report) string {
	var text []string
	for _, f := range slices.Concat(r.Integrity.Findings, r.Completeness.Findings) {
		text = append(text, filepath.Base(f.At)+": "+f.What)
	}
	return strings.Join(text, "\n")
}

func appendTo(t *testing.T, name string, text []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// mustSetAside: nothing is appended to such a log, and a new one names it.
func mustSetAside(t *testing.T, dir string) {
	t.Helper()
	l, err := Open(dir, Options{})
	var broken *Broken
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "agentd audit set-aside --log "+dir) || !strings.HasPrefix(broken.At, dir) {
		t.Fatalf("%v, %v", l, err)
	}
	aside, err := SetAside(dir, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if err := opened(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	mustHold(t, dir, 1)
	var a About
	if err := json.Unmarshal(entries(t, dir)[0].Result, &a); err != nil || a.Follows == nil || a.Follows.Folder != filepath.Base(aside) || a.Follows.Size == 0 {
		t.Errorf("%+v %+v", a, a.Follows)
	}
	if r, err := Verify(aside, verified(t, dir).Key); err != nil || r.Integrity.Good && r.Completeness.Good {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestCutWithCheckpoints: who cuts the tail and the checkpoints alike is told by a checkpoint that was kept elsewhere, and by nothing else.
func TestCutWithCheckpoints(t *testing.T) {
	dir := written(t, 20)
	name := filepath.Join(dir, nameLog, nameCheckpoints)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	notes := notesOf(text)
	kept := External{"kept", notes[len(notes)-1]}
	if r := verified(t, dir, kept); !r.Integrity.Good || !r.Completeness.Good {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile(name, bytes.Join(notes[:3], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	files, lines := linesIn(t, dir)
	last := lines[len(lines)-1]
	put(t, files[len(files)-1], last[:len(last)-1])
	if r := verified(t, dir); !r.Integrity.Good || !r.Completeness.Good {
		t.Errorf("%+v", r)
	}
	r := verified(t, dir, kept)
	if !r.Integrity.Good || r.Completeness.Good || !strings.Contains(findings(r), "kept:1: the checkpoint is of 21 records, and the last that is here is 20") {
		t.Errorf("%+v", r)
	}
	key, _ := PublicKey(dir)
	if _, err := Verify(dir, key, External{"empty", nil}); err == nil {
		t.Error("a file without a checkpoint is taken for one")
	}
}

// TestOtherKey: who makes a log of their own, key and all, is told by the key that was kept.
func TestOtherKey(t *testing.T) {
	dir := written(t, 3)
	_, other, err := note.GenerateKey(rand.Reader, "agentd-other")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Verify(dir, other)
	if err != nil || r.Integrity.Good || !strings.Contains(findings(r), "it is not signed with the key") {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := Verify(dir, "none"); err == nil {
		t.Error("a key that is none is taken")
	}
	if _, err := Verify(t.TempDir(), other); err == nil {
		t.Error("an empty folder is a log")
	}
}

// TestTorn: half a line or half a checkpoint, as a crash leaves them, is cut off, wherever it was torn.
func TestTorn(t *testing.T) {
	for _, bytes := range []int{1, 7, 30, 90, 150} {
		dir := written(t, 20)
		files, lines := linesIn(t, dir)
		appendTo(t, files[len(files)-1], lines[0][1][:bytes])
		appendTo(t, filepath.Join(dir, nameLog, nameCheckpoints), []byte("agentd-1234/5678\n30\nabc"))
		if r := verified(t, dir); r.Torn != int64(bytes) || !r.Integrity.Good || !r.Completeness.Good {
			t.Errorf("%+v", r)
		}
		if err := opened(t, dir, Options{}).Close(); err != nil {
			t.Fatal(err)
		}
		mustHold(t, dir, 22)
		all := entries(t, dir)
		var a About
		if err := json.Unmarshal(all[21].Result, &a); err != nil || a.Event != "repaired" || a.Cut != int64(bytes) {
			t.Errorf("%+v, %v", a, err)
		}
	}
}

// TestTornSegment: the process ended when a segment had a name and no whole line.
func TestTornSegment(t *testing.T) {
	dir := written(t, 20)
	if err := os.WriteFile(filepath.Join(dir, nameLog, segmentName(22)), []byte(`{"seq":2`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := opened(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	mustHold(t, dir, 22)
}
