package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

// Report says two things of a log, which are not the same: whether what is there is what was written, and whether everything that was written is there.
type Report struct {
	Records     int64   `json:"records"`
	First       int64   `json:"first"` // 1, unless older segments were moved away
	Checkpoints int     `json:"checkpoints"`
	Covered     int64   `json:"covered"` // records up to the last checkpoint: behind it, a cut tail is not seen
	Torn        int     `json:"torn"`    // half lines that crashes left
	Integrity   []error `json:"-"`
	Complete    []error `json:"-"`
}

// Intact says whether what is there is what was written.
func (r *Report) Intact() bool { return len(r.Integrity) == 0 }

// Whole says whether everything is there.
func (r *Report) Whole() bool { return len(r.Complete) == 0 }

// Verify the log in a folder by its public key, and by a checkpoint that was kept elsewhere, where there is one: whoever holds the folder and its key can write a
// new log, but not one that such a checkpoint fits.
func Verify(dir, publicKey string, kept []byte) (*Report, error) {
	by, err := note.NewVerifier(publicKey)
	if err != nil {
		return nil, fmt.Errorf("the log's public key: %w", err)
	}
	checkpoints, faults, err := readCheckpoints(filepath.Join(dir, checkpointsFile), by)
	if err != nil {
		return nil, err
	}
	r := &Report{Integrity: faults, Checkpoints: len(checkpoints)}
	if kept != nil {
		p, err := readCheckpoint(kept, by)
		if err != nil {
			return nil, fmt.Errorf("the checkpoint that was kept: %w", err)
		}
		checkpoints = append(checkpoints, p)
	}
	v := &verifier{Report: r, heads: map[int64][]place{}}
	for _, p := range checkpoints {
		v.heads[p.seq] = append(v.heads[p.seq], p)
		r.Covered = max(r.Covered, p.seq)
	}
	if err := v.segments(dir); err != nil {
		return nil, err
	}
	v.close()
	return r, nil
}

type verifier struct {
	*Report
	heads map[int64][]place // checkpoints by size
	at    place
	begun bool
}

func (v *verifier) segments(dir string) error {
	names, err := segments(dir)
	if err != nil {
		return err
	}
	for i, name := range names {
		first, err := firstSeq(name)
		if err != nil {
			v.Integrity = append(v.Integrity, err)
			continue
		}
		half, err := follow(name, func(n int, text []byte) error {
			v.line(fmt.Sprintf("%s:%d", name, n), first+int64(n), text)
			return nil
		})
		if err != nil {
			v.Integrity = append(v.Integrity, err)
		}
		if len(half) > 0 && i < len(names)-1 {
			v.Integrity = append(v.Integrity, fmt.Errorf("%s ends in the middle of a line", name))
		} else if len(half) > 0 {
			v.Torn++
		}
	}
	return nil
}

// line of the log. After a fault the chain goes on from the line that is there, so that one change is told once.
func (v *verifier) line(at string, expected int64, text []byte) {
	var k link
	if err := json.Unmarshal(text, &k); err != nil {
		v.Integrity = append(v.Integrity, fmt.Errorf("%s: the line is no JSON", at))
		v.at.seq++
		return
	}
	if !v.begun { // the first that is there; where older segments were moved away, its word is taken for the head of them
		v.begun, v.First, v.at.seq = true, k.Seq, k.Seq-1
		if k.Seq != expected {
			v.Integrity = append(v.Integrity, fmt.Errorf("%s: the record %d stands where %d belongs", at, k.Seq, expected))
		}
		if k.Seq > 1 {
			v.at.head = headOf(k.Prev)
		}
	}
	if k.Seq > v.at.seq+1 {
		v.Complete = append(v.Complete, fmt.Errorf("%s: the records %d to %d are not there", at, v.at.seq+1, k.Seq-1))
	}
	next, _, err := v.at.next(text)
	if err != nil {
		v.Integrity = append(v.Integrity, fmt.Errorf("%s: %w", at, err))
		next = placeOf(k.Seq, text)
	}
	v.at = next
	v.Records++
	if k.Kind == Torn {
		v.Torn++
	}
	for _, p := range v.heads[k.Seq] {
		if p.head != next.head {
			v.Integrity = append(v.Integrity, fmt.Errorf("%s: the record %d is not the one that a checkpoint was made of", at, k.Seq))
		}
	}
	delete(v.heads, k.Seq)
}

func (v *verifier) close() {
	switch {
	case v.Covered > v.at.seq:
		v.Complete = append(v.Complete, fmt.Errorf("there are records up to %d, and a checkpoint of %d", v.at.seq, v.Covered))
	case v.Records > 0 && v.Checkpoints == 0:
		v.Complete = append(v.Complete, errors.New("there is no checkpoint: how many records there were is not known"))
	}
	if v.First > 1 {
		v.Complete = append(v.Complete, fmt.Errorf("the records 1 to %d were moved away", v.First-1))
	}
}
