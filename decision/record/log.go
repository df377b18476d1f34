package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Limits of a log.
const (
	maxLine    = 1 << 20
	maxSegment = 64 << 20 // bytes; then a new one begins
	maxBatch   = 1024     // records that share one fsync
	maxBytes   = 4 << 20  // of them

	checkpointEvery = 10 * time.Second
)

// Log is written by one process. Any number may append at the same time; they share what the disk costs.
type Log struct {
	dir    string
	signer *signer
	now    func() time.Time

	queue   chan *waiting
	stop    chan struct{}
	stopped chan struct{}

	mu     sync.Mutex
	err    error     // of the last write; nil: it is durable
	oldest time.Time // of what is not yet durable; zero: nothing
	place  place

	// What follows belongs to the writer.
	segment *segment
	signed  int64 // records that the last checkpoint covers
}

// place in the chain.
type place struct {
	seq  int64 // of the last record; 0: there is none
	head [sha256.Size]byte
}

type waiting struct {
	body  []byte
	since time.Time
	done  chan error
}

// Open the log in a folder, which is made where it is not there. What a crash left is repaired; what cannot have been a crash is an error.
func Open(dir string, now func() time.Time) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := openSigner(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, signer: s, now: now, queue: make(chan *waiting, maxBatch), stop: make(chan struct{}), stopped: make(chan struct{})}
	if err := l.recover(); err != nil {
		return nil, fmt.Errorf("the log: %w; move %s away to begin a new one", err, dir)
	}
	go l.write()
	return l, nil
}

// recover finds the end of the chain, and cuts off half a line.
func (l *Log) recover() error {
	if l.segment != nil {
		l.segment.file.Close()
		l.segment = nil
	}
	p, cut, err := lastPlace(l.dir)
	if err != nil {
		return err
	}
	l.setPlace(p)
	if cut == nil {
		return nil
	}
	body, err := encode(Record{Kind: Torn, Timestamp: l.now().UTC(), Result: *cut})
	if err != nil {
		return err
	}
	return l.put([]*waiting{{body: body}})
}

func (l *Log) setPlace(p place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.place = p
}

// Append a record. It is durable when there is no error; when there is one, it may be or not.
func (l *Log) Append(ctx context.Context, r Record) error {
	body, err := encode(r)
	if err != nil {
		return err
	}
	if len(body) > maxLine {
		return fmt.Errorf("the record has %d bytes; at most %d are written", len(body), maxLine)
	}
	w := &waiting{body, l.now(), make(chan error, 1)}
	select {
	case <-l.stop:
		return os.ErrClosed
	default:
	}
	select {
	case l.queue <- w:
	case <-l.stopped:
		return os.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-w.done:
		return err
	case <-l.stopped:
		select {
		case err := <-w.done:
			return err
		default:
			return os.ErrClosed
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Err is what the last write ended in: while it is one, nothing is durable.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Lag is how long the oldest record that is not durable has waited.
func (l *Log) Lag() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.oldest.IsZero() {
		return 0
	}
	return l.now().Sub(l.oldest)
}

// Size is how many records there are.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.place.seq
}

// Close writes what waits, and a checkpoint.
func (l *Log) Close() error {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	<-l.stopped
	return l.Err()
}

// write in batches: whoever comes while the disk is busy shares the next turn.
func (l *Log) write() {
	defer close(l.stopped)
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case w := <-l.queue:
			l.commit(l.batch(w))
		case <-tick.C:
			l.settle(l.checkpoint())
		case <-l.stop:
			for len(l.queue) > 0 {
				l.commit(l.batch(<-l.queue))
			}
			err := l.checkpoint()
			if l.segment != nil {
				err = errors.Join(err, l.segment.file.Close())
			}
			l.settle(err)
			return
		}
	}
}

func (l *Log) batch(first *waiting) []*waiting {
	batch := []*waiting{first}
	for size := len(first.body); len(batch) < maxBatch && size < maxBytes; {
		select {
		case w := <-l.queue:
			batch, size = append(batch, w), size+len(w.body)
		default:
			return batch
		}
	}
	return batch
}

// commit a batch, and tell everybody in it.
func (l *Log) commit(batch []*waiting) {
	l.mu.Lock()
	failed := l.err != nil
	if l.oldest.IsZero() {
		l.oldest = batch[0].since
	}
	l.mu.Unlock()
	var err error
	if failed { // what the last failure left is looked at first
		err = l.recover()
	}
	if err == nil {
		err = l.put(batch)
	}
	l.settle(err)
	for _, w := range batch {
		w.done <- err
	}
}

func (l *Log) settle(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err = err; err == nil {
		l.oldest = time.Time{}
	}
}

// put lines at the end of the chain, on the disk.
func (l *Log) put(batch []*waiting) error {
	p := l.place
	var lines []byte
	for _, w := range batch {
		start := len(lines)
		p.seq++
		lines = append(lines, `{"seq":`...)
		lines = strconv.AppendInt(lines, p.seq, 10)
		lines = append(lines, `,"prev_hash":"`...)
		lines = hex.AppendEncode(lines, p.head[:])
		lines = append(lines, `",`...)
		lines = append(lines, w.body[1:]...)
		p.head = sha256.Sum256(lines[start:])
		lines = append(lines, '\n')
	}
	if err := l.room(); err != nil {
		return err
	}
	if err := l.segment.append(lines); err != nil {
		return fmt.Errorf("%s: %w", l.segment.file.Name(), err)
	}
	l.setPlace(p)
	return nil
}

// room makes sure that there is a segment that is not full. A full one ends with a checkpoint.
func (l *Log) room() (err error) {
	if l.segment != nil && l.segment.size >= maxSegment {
		if err := l.checkpoint(); err != nil {
			return err
		}
		if err := l.segment.file.Close(); err != nil {
			return err
		}
		l.segment = nil
	}
	if l.segment == nil {
		l.segment, err = openSegment(l.dir, l.place.seq+1)
	}
	return err
}

// checkpoint what was written since the last.
func (l *Log) checkpoint() error {
	if l.place.seq == l.signed {
		return nil
	}
	if err := l.signer.sign(filepath.Join(l.dir, checkpointsFile), l.place); err != nil {
		return fmt.Errorf("the log's checkpoint: %w", err)
	}
	l.signed = l.place.seq
	return nil
}
