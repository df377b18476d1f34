package record

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Options of a log. All may be left out.
type Options struct {
	Keep        []string          // JSON pointers into inputs, such as /context/parameters/namespace: written as well, whatever is there
	SegmentSize int64             // bytes after which another segment begins; 16 MiB
	Every       uint64            // records after which a checkpoint is signed; 1,000
	Interval    time.Duration     // after which one is signed when there is something new; 10 s
	Now         func() time.Time  // time.Now
	Published   func(note []byte) // hears of every checkpoint: whoever keeps them elsewhere can tell a log that was cut or rewritten
	openTail    func(name string, size int64) (*tail, error)
}

func (o *Options) complete() {
	if o.SegmentSize == 0 {
		o.SegmentSize = 16 << 20
	}
	if o.Every == 0 {
		o.Every = 1000
	}
	if o.Interval == 0 {
		o.Interval = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Published == nil {
		o.Published = func([]byte) {}
	}
	if o.openTail == nil {
		o.openTail = openTail
	}
}

// Log that is appended to. Any number may do so at the same time: they wait for one Sync together.
type Log struct {
	options Options
	keep    *keep
	dir     string
	origin  string
	key     note.Signer
	lock    *os.File

	queue   chan *waiting
	closing chan struct{}
	closed  chan struct{}
	once    sync.Once

	mu     sync.Mutex // of what others ask for
	failed error      // of the last write
	since  time.Time  // when the oldest came that waits; zero: nobody waits
	count  int        // that wait

	// What follows belongs to the one goroutine that writes.
	segment     *tail
	checkpoints *tail
	seq         uint64 // of the last record
	head        hash   // of its line
	signed      uint64 // size of the last checkpoint
	lines       []byte // of a batch
}

// waiting is a record that is not durable yet.
type waiting struct {
	body []byte
	done chan error // has room for one
}

// Limits of a batch.
const (
	maxBatch      = 1024
	maxBatchBytes = 4 << 20
)

// ErrClosed is the answer of a log that was closed.
var ErrClosed = errors.New("the decision log is closed")

// Append writes a record, and returns nil only when it is durable. An error says that nobody may rely on it: it is not there or, when ctx ended first, may
// yet be written.
func (l *Log) Append(ctx context.Context, r Record) error {
	body, err := l.body(r)
	if err != nil {
		return err
	}
	w := &waiting{body, make(chan error, 1)}
	l.waits(1)
	defer l.waits(-1)
	select {
	case l.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closed:
		return ErrClosed
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closed: // it was answered before, or never will be
		select {
		case err := <-w.done:
			return err
		default:
			return ErrClosed
		}
	}
}

func (l *Log) body(r Record) ([]byte, error) {
	if r.Kind == "" {
		return nil, errors.New("a record has no kind")
	}
	if r.Timestamp.IsZero() {
		r.Timestamp = l.options.Now()
	}
	r.Timestamp = r.Timestamp.UTC()
	if r.Input != nil {
		var erased []string
		r.Input, erased = l.keep.of(r.Input, "/input")
		r.Erased = append(erased, r.Erased...)
	}
	return bodyOf(&r)
}

// waits counts those who wait, and since when.
func (l *Log) waits(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.count += n; {
	case l.count == 0:
		l.since = time.Time{}
	case l.since.IsZero():
		l.since = l.options.Now()
	}
}

// Lag is how long somebody has been waiting without anything becoming durable; 0: nobody waits.
func (l *Log) Lag() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		return 0
	}
	return max(0, l.options.Now().Sub(l.since))
}

// Err says why nothing can be written; nil: the last write succeeded.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// Origin is the log's name.
func (l *Log) Origin() string { return l.origin }

// Close writes what waits, signs a last checkpoint, and ends the log.
func (l *Log) Close() error {
	l.once.Do(func() { close(l.closing) })
	<-l.closed
	return l.Err()
}

// run is the one goroutine that writes.
func (l *Log) run() {
	defer close(l.closed)
	tick := time.NewTimer(l.options.Interval)
	tick.Stop()
	ticking := false
	for {
		select {
		case w := <-l.queue:
			l.write(l.batch(w))
		case <-tick.C:
			ticking = false
			l.sign()
		case <-l.closing:
			l.end()
			return
		}
		if l.seq >= l.signed+l.options.Every {
			l.sign()
		}
		if !ticking && l.seq > l.signed {
			tick.Reset(l.options.Interval)
			ticking = true
		}
	}
}

// batch takes whoever waits already.
func (l *Log) batch(first *waiting) []*waiting {
	all, size := []*waiting{first}, len(first.body)
	for len(all) < maxBatch && size < maxBatchBytes {
		select {
		case w := <-l.queue:
			all, size = append(all, w), size+len(w.body)
		default:
			return all
		}
	}
	return all
}

// write a batch: all of it, or nothing.
func (l *Log) write(all []*waiting) {
	seq, head := l.seq, l.head
	l.lines = l.lines[:0]
	for _, w := range all {
		from := len(l.lines)
		seq++
		l.lines = appendLine(l.lines, seq, head, w.body)
		head = sha256.Sum256(l.lines[from : len(l.lines)-1])
	}
	err := l.append(l.lines)
	if err == nil {
		l.seq, l.head = seq, head
	} else {
		err = fmt.Errorf("the decision log cannot be written: %w", err)
	}
	l.wrote(err)
	for _, w := range all {
		w.done <- err
	}
}

func (l *Log) wrote(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed = err; err == nil && l.count > 0 {
		l.since = l.options.Now()
	}
}

func (l *Log) append(lines []byte) error {
	if l.segment != nil && l.segment.size >= l.options.SegmentSize {
		if err := l.segment.repair(); err != nil { // nothing torn may be left in a file that is not looked at again
			return err
		}
		l.segment.file.Close()
		l.segment = nil
	}
	if l.segment == nil {
		log := filepath.Join(l.dir, nameLog)
		t, err := l.options.openTail(filepath.Join(log, segmentName(l.seq+1)), 0)
		if err != nil {
			return err
		}
		t.dirty = true // a file of that name may be left of an attempt that failed
		l.segment = t
		if err := syncFolder(log); err != nil {
			t.file.Close()
			l.segment = nil
			return err
		}
	}
	return l.segment.append(lines)
}

// sign a checkpoint. When that fails it is tried again with the next: the records are durable without.
func (l *Log) sign() {
	if l.seq == l.signed {
		return
	}
	text, err := signCheckpoint(l.key, l.origin, l.seq, l.head)
	if err == nil {
		err = l.checkpoints.append(text)
	}
	if err != nil {
		l.wrote(fmt.Errorf("a checkpoint of the decision log cannot be written: %w", err))
		return
	}
	l.signed = l.seq
	l.options.Published(text)
}

// end writes what is queued, and closes the files.
func (l *Log) end() {
	for more := true; more; {
		select {
		case w := <-l.queue:
			l.write(l.batch(w))
		default:
			more = false
		}
	}
	l.sign()
	l.release()
}

func (l *Log) release() {
	for _, t := range []*tail{l.segment, l.checkpoints} {
		if t != nil {
			t.file.Close()
		}
	}
	l.lock.Close()
}
