package record

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

// Broken is a log that does not verify, so that nothing may be appended to it.
type Broken struct {
	Dir string // folder of the replica
	At  string // file:line
	Why string
}

func (b *Broken) Error() string {
	return fmt.Sprintf("%s: the decision log is not as it was written: %s. Nothing is appended to it. To go on: agentd audit set-aside --log %s "+
		"keeps it under another name, and the next start begins a new log that names it", b.At, b.Why, b.Dir)
}

// Open a folder's log, or begin one. Half a line at the end, left by a crash, is cut off, and a record says so: it was acknowledged to nobody. The last two
// segments and the last checkpoint are verified; Verify looks at everything.
func Open(dir string, options Options) (_ *Log, err error) {
	options.complete()
	l := &Log{options: options, dir: dir, queue: make(chan *waiting, maxBatch), closing: make(chan struct{}), closed: make(chan struct{})}
	if l.keep, err = newKeep(options.Keep); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if l.lock, err = lock(dir); err != nil {
		return nil, err
	}
	cut, err := l.open()
	if err != nil {
		l.release()
		return nil, err
	}
	if err := l.introduce(cut); err != nil {
		l.release()
		return nil, err
	}
	go l.run()
	return l, nil
}

func (l *Log) open() (cut int64, err error) {
	if l.key, err = keyOf(l.dir); err != nil {
		return 0, err
	}
	if l.origin, err = originOf(l.dir, l.key); err != nil {
		return 0, err
	}
	l.head = start(l.origin)
	last, err := l.openCheckpoints()
	if err != nil {
		return 0, err
	}
	return l.openSegments(last)
}

// openCheckpoints finds the last one, and cuts off half a one.
func (l *Log) openCheckpoints() (last *Checkpoint, err error) {
	name := filepath.Join(l.dir, nameLog, nameCheckpoints)
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	notes := notesOf(text)
	whole := len(bytes.Join(notes, nil))
	if l.checkpoints, err = l.options.openTail(name, int64(whole)); err != nil {
		return nil, err
	}
	l.checkpoints.dirty = whole < len(text)
	if len(notes) == 0 {
		return nil, l.checkpoints.repair()
	}
	key, err := verifierOf(l.dir)
	if err != nil {
		return nil, err
	}
	c, err := openCheckpoint(notes[len(notes)-1], key)
	if err == nil && c.Origin != l.origin {
		err = fmt.Errorf("it is of the log %s", c.Origin)
	}
	if err != nil {
		return nil, &Broken{l.dir, fmt.Sprintf("%s:%d", name, (len(notes)-1)*noteLines+1), "the last checkpoint does not hold: " + err.Error()}
	}
	return &c, l.checkpoints.repair()
}

func verifierOf(dir string) (note.Verifier, error) {
	text, err := PublicKey(dir)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(text)
}

// openSegments finds the end of the chain, and says how many bytes of half a line were cut off.
func (l *Log) openSegments(last *Checkpoint) (cut int64, err error) {
	segments, err := segmentsOf(filepath.Join(l.dir, nameLog))
	if err != nil {
		return 0, err
	}
	var whole int64
	for i := max(0, len(segments)-2); i < len(segments); i++ {
		if whole, cut, err = l.follow(segments[i], i == max(0, len(segments)-2), last); err != nil {
			return 0, err
		}
		if cut > 0 && i < len(segments)-1 {
			return 0, &Broken{l.dir, segments[i].file, "its last line has no end, and another segment follows"}
		}
	}
	if last != nil && last.Size > l.seq {
		return 0, &Broken{l.dir, filepath.Join(l.dir, nameLog, nameCheckpoints), fmt.Sprintf("a checkpoint was signed of %d records, and there are %d", last.Size, l.seq)}
	}
	if last != nil {
		l.signed = last.Size
	}
	if len(segments) == 0 {
		return 0, nil
	}
	if l.segment, err = l.options.openTail(segments[len(segments)-1].file, whole); err != nil {
		return 0, err
	}
	l.segment.dirty = cut > 0
	return cut, l.segment.repair()
}

// follow the chain through a segment. The first that is looked at is believed where it begins, if it is not the log's first.
func (l *Log) follow(s segment, first bool, last *Checkpoint) (whole, torn int64, err error) {
	f, err := os.Open(s.file)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	r := newLineReader(f)
	broken := func(why string) error { return &Broken{l.dir, fmt.Sprintf("%s:%d", s.file, r.line), why} }
	if first && s.first > 1 {
		l.seq = s.first - 1
	}
	if s.first != l.seq+1 {
		return 0, 0, broken(fmt.Sprintf("it begins with seq %d after seq %d", s.first, l.seq))
	}
	for {
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			return r.end, r.torn, nil
		} else if errors.Is(err, errLong) {
			return 0, 0, broken(err.Error())
		} else if err != nil {
			return 0, 0, err
		}
		seq, prev, err := linkOf(line)
		begins := first && s.first > 1 && r.line == 1
		switch {
		case err != nil:
			return 0, 0, broken(err.Error())
		case seq != l.seq+1:
			return 0, 0, broken(fmt.Sprintf("seq %d stands after seq %d", seq, l.seq))
		case prev != l.head && !begins:
			return 0, 0, broken("prev_hash is not the hash of the line before")
		}
		l.seq, l.head = seq, sha256.Sum256(line)
		if last != nil && seq == last.Size && l.head.String() != last.Hash {
			return 0, 0, broken("the line's hash is not the one that the last checkpoint was signed for")
		}
	}
}

// introduce writes what there is to say of the log itself, and signs what nobody has signed: a log that is open has a checkpoint.
func (l *Log) introduce(cut int64) (err error) {
	about := About{Origin: l.origin, Event: "repaired", Cut: cut}
	if l.seq == 0 {
		about.Event = "begun"
		if about.Follows, err = follows(l.dir); err != nil {
			return err
		}
	}
	if l.seq == 0 || cut > 0 {
		body, err := l.body(Record{Kind: KindLog, Result: about})
		if err != nil {
			return err
		}
		l.write([]*waiting{{body, make(chan error, 1)}})
		if err := l.Err(); err != nil {
			return err
		}
	}
	l.sign()
	return l.Err()
}
