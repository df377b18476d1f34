package record

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Report of a log: whether what is there is what was written, and whether all of it is there.
type Report struct {
	Origin       string  `json:"origin"`
	Key          string  `json:"key"` // public half
	Segments     int     `json:"segments"`
	Records      uint64  `json:"records"`
	First        uint64  `json:"first"` // seq
	Last         uint64  `json:"last"`
	Head         string  `json:"head"` // hash of the last line
	Checkpoints  int     `json:"checkpoints"`
	Signed       uint64  `json:"signed"`         // size of the longest good checkpoint: what comes later is chained, and signed by nobody yet
	Torn         int64   `json:"torn,omitempty"` // bytes of half a line at the end: of a crash, or of a record that is being written
	Integrity    Verdict `json:"integrity"`
	Completeness Verdict `json:"completeness"`
}

// Verdict with what speaks against it, if it is not good.
type Verdict struct {
	Good     bool      `json:"good"`
	Findings []Finding `json:"findings,omitempty"`
}

// Finding is one fault.
type Finding struct {
	At   string `json:"at,omitempty"` // file:line
	What string `json:"what"`
}

// maxFindings of a verdict. A log that was shuffled has as many as lines.
const maxFindings = 100

func (v *Verdict) found(at, format string, args ...any) {
	v.Good = false
	if len(v.Findings) < maxFindings {
		v.Findings = append(v.Findings, Finding{at, fmt.Sprintf(format, args...)})
	}
}

// External are checkpoints that somebody kept elsewhere.
type External struct {
	Name string // of the file
	Text []byte // signed notes, one after another
}

// Verify the log in a folder with a public key, which does not come from that folder: whoever can rewrite a log can replace a key beside it. An error says
// that nothing could be verified.
func Verify(dir, publicKey string, external ...External) (*Report, error) {
	key, err := note.NewVerifier(strings.TrimSpace(publicKey))
	if err != nil {
		return nil, fmt.Errorf("the public key is none: %w", err)
	}
	v := &verifying{log: logOf(dir), key: key, checkpoints: map[uint64][]signed{}}
	v.Key, v.Integrity.Good, v.Completeness.Good = strings.TrimSpace(publicKey), true, true
	origin, err := os.ReadFile(filepath.Join(v.log, nameOrigin))
	if err != nil {
		return nil, fmt.Errorf("%s has no decision log: %w", dir, err)
	}
	v.Origin = strings.TrimSpace(string(origin))
	if err := v.readCheckpoints(external); err != nil { // before the lines: those of a log that is appended to are not fewer afterwards
		return nil, err
	}
	segments, err := segmentsOf(v.log)
	if err != nil {
		return nil, err
	}
	v.Segments = len(segments)
	v.head = start(v.Origin)
	for i, s := range segments {
		if err := v.segment(s, i == len(segments)-1); err != nil {
			return nil, err
		}
	}
	v.end()
	return &v.Report, nil
}

// signed is a checkpoint, and where it stands.
type signed struct {
	Checkpoint
	at string
}

// verifying follows one log.
type verifying struct {
	Report
	log         string
	key         note.Verifier
	checkpoints map[uint64][]signed // by size, as far as they are good
	head        hash
}

func (v *verifying) readCheckpoints(external []External) error {
	name := filepath.Join(v.log, nameCheckpoints)
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var before uint64
	for _, c := range v.notes(name, text) {
		if c.Size < before {
			v.Integrity.found(c.at, "the checkpoint is of %d records, and the one before it of %d", c.Size, before)
		}
		before = c.Size
	}
	for _, e := range external {
		if len(notesOf(e.Text)) == 0 {
			return fmt.Errorf("%s holds no checkpoint", e.Name)
		}
		v.notes(e.Name, e.Text)
	}
	return nil
}

func (v *verifying) notes(name string, text []byte) (good []signed) {
	for i, n := range notesOf(text) {
		at := fmt.Sprintf("%s:%d", name, i*noteLines+1)
		c, err := openCheckpoint(n, v.key)
		switch {
		case err != nil:
			v.Integrity.found(at, "the checkpoint does not hold: %v", err)
			continue
		case c.Origin != v.Origin:
			v.Integrity.found(at, "the checkpoint is of another log: %s", c.Origin)
			continue
		}
		v.Checkpoints++
		good = append(good, signed{c, at})
		v.checkpoints[c.Size] = append(v.checkpoints[c.Size], signed{c, at})
	}
	return good
}

func (v *verifying) segment(s segment, last bool) error {
	f, err := os.Open(s.file)
	if err != nil {
		return err
	}
	defer f.Close()
	r := newLineReader(f)
	for {
		line, err := r.next()
		at := fmt.Sprintf("%s:%d", s.file, r.line)
		switch {
		case errors.Is(err, io.EOF):
			if r.torn > 0 && last {
				v.Torn = r.torn
			} else if r.torn > 0 {
				v.Integrity.found(fmt.Sprintf("%s:%d", s.file, r.line+1), "the line has no end, and another segment follows")
			}
			return nil
		case errors.Is(err, errLong):
			v.Integrity.found(at, "%v", err)
			return nil
		case err != nil:
			return err
		}
		v.line(line, at, r.line == 1 && v.Records == 0)
		if r.line == 1 && v.Last != s.first {
			v.Integrity.found(at, "the segment is named after seq %d, and begins with %d", s.first, v.Last)
		}
	}
}

func (v *verifying) line(line []byte, at string, first bool) {
	seq, prev, err := linkOf(line)
	if err == nil {
		var e Entry
		err = json.Unmarshal(line, &e)
	}
	if err != nil {
		v.Integrity.found(at, "%v", err)
		v.head = sha256.Sum256(line) // the next line tells whether it was a line before
		return
	}
	v.order(seq, at, first)
	if prev != v.head && (!first || seq == 1) {
		v.Integrity.found(at, "prev_hash is not the hash of the line before: that line was changed, or lines were added, removed or moved here")
	}
	v.Records, v.Last, v.head = v.Records+1, seq, sha256.Sum256(line)
	for _, c := range v.checkpoints[seq] {
		if v.head.String() == c.Hash {
			v.Signed = max(v.Signed, seq)
		} else {
			v.Integrity.found(at, "the line is not what %s was signed for: it or one before it was changed", c.at)
		}
	}
	delete(v.checkpoints, seq)
}

// order says what is missing, or stands where it does not belong.
func (v *verifying) order(seq uint64, at string, first bool) {
	want := v.Last + 1
	switch {
	case first:
		v.First = seq
		if seq > 1 {
			v.Completeness.found(at, "the log begins with seq %d: those before it are not here", seq)
		}
	case seq > want:
		v.Completeness.found(at, "seq %d stands after seq %d: %d are missing", seq, v.Last, seq-want)
	case seq < want:
		v.Integrity.found(at, "seq %d stands after seq %d: lines were repeated or moved", seq, v.Last)
	}
}

// end says what the checkpoints promise beyond the lines.
func (v *verifying) end() {
	v.Head = v.head.String()
	var left []signed
	for _, some := range v.checkpoints {
		left = append(left, some...)
	}
	slices.SortFunc(left, func(a, b signed) int { return cmp.Or(cmp.Compare(a.Size, b.Size), cmp.Compare(a.at, b.at)) })
	for _, c := range left {
		if c.Size > v.Last {
			v.Completeness.found(c.at, "the checkpoint is of %d records, and the last that is here is %d: the end is missing", c.Size, v.Last)
		} else {
			v.Completeness.found(c.at, "the checkpoint is of record %d, which is not here", c.Size)
		}
	}
	if v.Checkpoints == 0 {
		v.Integrity.found(filepath.Join(v.log, nameCheckpoints), "no good checkpoint is there: a chain alone shows accidents, not what somebody rewrote")
	}
	if v.Records == 0 {
		v.Completeness.found(v.log, "no record is there, and a log begins with one")
	}
}
