package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// written is a folder with a log of so many decisions in small segments, closed.
func written(t testing.TB, decisions int) string {
	t.Helper()
	dir := t.TempDir()
	l := opened(t, dir, Options{SegmentSize: 1500, Every: 4})
	for i := range decisions {
		if err := l.Append(t.Context(), Record{Kind: KindDecision, DecisionID: fmt.Sprint("d", i), Verdict: "auto-execute"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func opened(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func verified(t testing.TB, dir string, external ...External) *Report {
	t.Helper()
	key, err := PublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Verify(dir, key, external...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func entries(t testing.TB, dir string) (all []Entry) {
	t.Helper()
	if passed, err := Read(dir, func(e Entry) error { all = append(all, e); return nil }); err != nil || passed > 0 {
		t.Fatal(passed, err)
	}
	return all
}

// mustHold is a log without a fault.
func mustHold(t testing.TB, dir string, records uint64) {
	t.Helper()
	if r := verified(t, dir); !r.Integrity.Good || !r.Completeness.Good || r.Records != records || r.Last != records || r.Torn != 0 {
		t.Errorf("%+v, want %d records without a fault", r, records)
	}
}

func TestAppend(t *testing.T) {
	dir := written(t, 20)
	mustHold(t, dir, 21)
	l := opened(t, dir, Options{SegmentSize: 1500, Every: 4})
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("two have one log: %v", err)
	}
	if err := l.Append(t.Context(), Record{Kind: KindBundle, Result: Activation{State: Activated, Sequence: 7}}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if err := l.Append(t.Context(), Record{Kind: KindBundle}); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed log says %v", err)
	}
	mustHold(t, dir, 22)
	all := entries(t, dir)
	var a Activation
	if err := json.Unmarshal(all[21].Result, &a); err != nil || a.Sequence != 7 || all[21].Kind != KindBundle || all[20].DecisionID != "d19" {
		t.Errorf("%v, %+v", err, all[21])
	}
	if r := verified(t, dir); r.Segments < 3 || r.Signed != 22 {
		t.Errorf("%+v", r)
	}
	if i, err := os.Stat(filepath.Join(dir, nameKey)); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", i.Mode(), err)
	}
}

// TestRefused: a record that is none does not disturb others.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir, Options{})
	for want, r := range map[string]Record{
		"no kind":              {},
		"a line has at most":   {Kind: KindDecision, Path: strings.Repeat("x", MaxLine)},
		"a record is no JSON:": {Kind: KindDecision, Result: func() {}},
	} {
		if err := l.Append(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := l.Append(t.Context(), Record{Kind: KindDecision, Path: strings.Repeat("x", MaxLine-300)}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(l.Err(), l.Close()); err != nil {
		t.Error(err)
	}
	mustHold(t, dir, 2)
	if _, err := Open(t.TempDir(), Options{Keep: []string{"context"}}); err == nil {
		t.Error("a pointer that is none is taken")
	}
}

// TestConcurrent: a thousand at once, each is there once.
func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir, Options{SegmentSize: 20_000, Every: 100})
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			if err := l.Append(t.Context(), Record{Kind: KindDecision, DecisionID: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if lag := l.Lag(); lag != 0 {
		t.Errorf("nobody waits, and the lag is %v", lag)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustHold(t, dir, 1001)
	ids := map[string]bool{}
	for _, e := range entries(t, dir) {
		ids[e.DecisionID] = true
	}
	if len(ids) != 1001 {
		t.Errorf("%d are there", len(ids))
	}
}

// TestCheckpoints: after so many records, after a time, at the end, and not when there is nothing new.
func TestCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var sizes []string
		l := opened(t, dir, Options{Every: 3, Interval: time.Minute, Published: func(n []byte) { sizes = append(sizes, strings.Split(string(n), "\n")[1]) }})
		add := func() {
			if err := l.Append(t.Context(), Record{Kind: KindDecision}); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		add()
		time.Sleep(time.Hour) // one checkpoint
		add()
		add()
		add()
		add()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if want := []string{"1", "2", "5", "6"}; !slices.Equal(sizes, want) {
			t.Errorf("checkpoints of %v, want %v", sizes, want)
		}
		mustHold(t, dir, 6)
	})
}

// failing is a file whose disk fails: it takes some bytes, or its Sync does not succeed.
type failing struct {
	file
	disk *disk
}

type disk struct {
	mu                    sync.Mutex
	full, noSync, noShort bool
	hang                  chan struct{} // Sync says that it is there, and waits for the end
}

var (
	errSync  = errors.New("the disk does not sync")
	errShort = errors.New("the disk does not truncate")
)

func (f *failing) WriteAt(text []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.full {
		n, _ := f.file.WriteAt(text[:len(text)/2], at)
		return n, syscall.ENOSPC
	}
	return f.file.WriteAt(text, at)
}

func (f *failing) Sync() error {
	f.disk.mu.Lock()
	hang, fails := f.disk.hang, f.disk.noSync
	f.disk.mu.Unlock()
	if hang != nil {
		hang <- struct{}{}
		<-hang
	}
	if fails {
		return errSync
	}
	return f.file.Sync()
}

func (f *failing) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.noShort {
		return errShort
	}
	return f.file.Truncate(size)
}

func (d *disk) open(name string, size int64) (*tail, error) {
	t, err := openTail(name, size)
	if err == nil {
		t.file = &failing{t.file, d}
	}
	return t, err
}

func (d *disk) set(change func(*disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// TestDiskFails: while it does, nothing is acknowledged, and everybody can see it; afterwards the log goes on without a fault.
func TestDiskFails(t *testing.T) {
	for name, fault := range map[string]func(*disk){
		"full":            func(d *disk) { d.full = true },
		"no sync":         func(d *disk) { d.noSync = true },
		"full, no repair": func(d *disk) { d.full, d.noShort = true, true },
		"all":             func(d *disk) { d.full, d.noShort, d.noSync = true, true, true },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var d disk
			l := opened(t, dir, Options{openTail: d.open, Every: 2, SegmentSize: 400})
			add := func() error { return l.Append(t.Context(), Record{Kind: KindDecision, DecisionID: "x"}) }
			good := uint64(1)
			for range 3 {
				for range 3 {
					if err := add(); err != nil {
						t.Error(err)
					}
					good++
				}
				d.set(fault)
				for range 3 {
					if err := add(); err == nil || l.Err() == nil {
						t.Errorf("%v, %v", err, l.Err())
					}
				}
				d.set(func(d *disk) { d.full, d.noShort, d.noSync = false, false, false })
			}
			if err := add(); err != nil || l.Err() != nil {
				t.Error(err, l.Err())
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			mustHold(t, dir, good+1)
		})
	}
}

// TestFailedAndCrashed: what a failing disk left, with no repair before the process ended, is repaired by the next.
func TestFailedAndCrashed(t *testing.T) {
	dir := t.TempDir()
	var d disk
	l := opened(t, dir, Options{openTail: d.open})
	d.set(func(d *disk) { d.full, d.noShort = true, true })
	if err := l.Append(t.Context(), Record{Kind: KindDecision}); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, errShort) {
		t.Error(err)
	}
	if err := l.Close(); err == nil {
		t.Error("the last write failed, and Close does not say so")
	}
	if r := verified(t, dir); r.Torn == 0 || !r.Integrity.Good || !r.Completeness.Good {
		t.Errorf("%+v", r)
	}
	if err := opened(t, dir, Options{}).Close(); err != nil {
		t.Error(err)
	}
	mustHold(t, dir, 2)
	var a About
	if err := json.Unmarshal(entries(t, dir)[1].Result, &a); err != nil || a.Event != "repaired" || a.Cut == 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestSlowDisk: whoever waits sees how long, and may give up.
func TestSlowDisk(t *testing.T) {
	now := time.Unix(1000, 0)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	d := disk{}
	l := opened(t, t.TempDir(), Options{openTail: d.open, Now: clock})
	hang := make(chan struct{})
	d.set(func(d *disk) { d.hang = hang })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Append(ctx, Record{Kind: KindDecision}) }()
	<-hang
	mu.Lock()
	now = now.Add(3 * time.Second)
	mu.Unlock()
	if lag := l.Lag(); lag != 3*time.Second {
		t.Errorf("the lag is %v", lag)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if lag := l.Lag(); lag != 0 {
		t.Errorf("nobody waits, and the lag is %v", lag)
	}
	d.set(func(d *disk) { d.hang = nil })
	close(hang)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestFullDisk is the same with a real one, of 128 KiB.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := mountSmall(dir); err != nil {
		t.Skip("a small disk cannot be mounted here: ", err)
	}
	defer unmount(dir)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	l := opened(t, dir, Options{Every: 10})
	add := func() error {
		return l.Append(t.Context(), Record{Kind: KindDecision, Path: strings.Repeat("x", 1000)})
	}
	good := uint64(1)
	var err error
	for ; err == nil && good < 1000; good++ {
		err = add()
	}
	good-- // the one that failed
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(l.Err(), syscall.ENOSPC) {
		t.Fatal(err, l.Err())
	}
	if err := add(); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(add(), l.Err(), l.Close()); err != nil {
		t.Error(err)
	}
	mustHold(t, dir, good+1)
}

var _ io.Closer = (*Log)(nil)
