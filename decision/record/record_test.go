package record

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func now() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) }

// TestMain: a child of a test appends until it is killed, or until its disk is full.
func TestMain(m *testing.M) {
	dir := os.Getenv("RECORD_CHILD")
	if dir == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("RECORD_FULL") != "" {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10_000, Max: 1 << 40}); err != nil {
			panic(err)
		}
	}
	l, err := Open(dir, now)
	if err != nil {
		panic(err)
	}
	var done sync.WaitGroup
	var mu sync.Mutex
	for w := range 8 {
		done.Go(func() {
			for n := range 100_000 {
				id := fmt.Sprintf("%d-%d", w, n)
				err := l.Append(context.Background(), Record{Kind: Decision, Timestamp: now(), DecisionID: id, Verdict: "auto-execute"})
				mu.Lock()
				if err == nil {
					fmt.Println(id)
				} else if fmt.Println("failed", err); os.Getenv("RECORD_FULL") != "" {
					mu.Unlock()
					return
				}
				mu.Unlock()
			}
		})
	}
	done.Wait()
	syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 40, Max: 1 << 40})
	err = l.Append(context.Background(), Record{Kind: Decision, Timestamp: now(), DecisionID: "after", Verdict: "auto-execute"})
	fmt.Println("after", err, l.Err())
	fmt.Println("closed", l.Close())
}

func child(t *testing.T, dir string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "RECORD_CHILD="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func verified(t *testing.T, dir string, kept []byte) *Report {
	t.Helper()
	key, err := PublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Verify(dir, key, kept)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// written is a log of n records, closed.
func written(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	l, err := Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := l.Append(t.Context(), Record{Kind: Decision, Timestamp: now(), DecisionID: fmt.Sprint(i), Verdict: "auto-reject", Rules: []string{"no-edge"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), Record{Kind: Decision}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed log takes records: %v", err)
	}
	return dir
}

func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func only(dir string) string { return filepath.Join(dir, segmentName(1)) }

// TestKilled: whenever the process dies, what it said is durable is there, the chain holds, and the next process goes on with it.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for moment := 1; moment <= 8; moment++ {
		cmd, lines := child(t, dir)
		for n := 0; n < moment*37 && lines.Scan(); n++ {
			acknowledged[lines.Text()+fmt.Sprint("@", moment)] = true
		}
		cmd.Process.Kill()
		for lines.Scan() {
			acknowledged[lines.Text()+fmt.Sprint("@", moment)] = true
		}
		cmd.Wait()
	}
	l, err := Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, dir, nil); !r.Intact() || !r.Whole() || r.Records < int64(len(acknowledged)) {
		t.Errorf("%d acknowledged, %+v", len(acknowledged), r)
	}
	all := text(t, only(dir))
	for id := range acknowledged {
		id, _, _ = strings.Cut(id, "@")
		if !strings.Contains(all, `"decision_id":"`+id+`"`) {
			t.Fatalf("%s was acknowledged, and is not there", id)
		}
	}
}

// TestDiskFull: while nothing can be written every record fails, half a line is never left in the middle, and when there is room again the log goes on.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := child(t, dir, "RECORD_FULL=1")
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	cmd.Wait()
	acknowledged := slices.IndexFunc(said, func(s string) bool { return strings.HasPrefix(s, "failed") })
	if acknowledged < 20 || !strings.Contains(said[acknowledged], "file too large") || !slices.Contains(said, "after <nil> <nil>") || said[len(said)-1] != "closed <nil>" {
		t.Fatalf("%d, %q", acknowledged, said)
	}
	if r := verified(t, dir, nil); !r.Intact() || !r.Whole() || r.Records < int64(acknowledged)+1 || !strings.Contains(text(t, only(dir)), `"decision_id":"after"`) {
		t.Errorf("%+v", r)
	}
}

// TestUnwritable: a log that cannot be written from the start says so, and Lag grows until it can.
func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	at := now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	l, err := Open(dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", only(dir)); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), Record{Kind: Decision}); err == nil || l.Err() == nil {
		t.Errorf("%v, %v", err, l.Err())
	}
	mu.Lock()
	at = at.Add(time.Minute)
	mu.Unlock()
	if l.Lag() != time.Minute {
		t.Errorf("the lag is %v", l.Lag())
	}
	if err := os.Remove(only(dir)); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), Record{Kind: Decision}); err != nil || l.Err() != nil || l.Lag() != 0 || l.Size() != 1 {
		t.Errorf("%v, %v, %v, %d", err, l.Err(), l.Lag(), l.Size())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestAttacks: whatever is done to a log is seen, and it is told apart whether something is false or missing.
func TestAttacks(t *testing.T) {
	change := func(edit func(lines []string) []string) func(string) error {
		return func(dir string) error {
			data, err := os.ReadFile(only(dir))
			if err != nil {
				return err
			}
			lines := strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
			lines[len(lines)-1] += "\n"
			return os.WriteFile(only(dir), []byte(strings.Join(edit(lines), "")), 0o600)
		}
	}
	rewrite := func(dir string) error { // by somebody without the key: a new chain under the old checkpoints
		other := written(t, 9)
		data, err := os.ReadFile(only(other))
		if err != nil {
			return err
		}
		return os.WriteFile(only(dir), []byte(strings.ReplaceAll(string(data), "auto-reject", "auto-execute")), 0o600)
	}
	for name, c := range map[string]struct {
		do              func(dir string) error
		intact, whole   bool
		integrity, lack string
	}{
		"nothing":               {func(string) error { return nil }, true, true, "", ""},
		"a line is edited":      {change(func(l []string) []string { l[4] = strings.Replace(l[4], "no-edge", "no-edgy", 1); return l }), false, true, ":6: the record 6 does not go on where 5 ended", ""},
		"the last is edited":    {change(func(l []string) []string { l[8] = strings.Replace(l[8], "no-edge", "no-edgy", 1); return l }), false, true, ":9: the record 9 is not the one that a checkpoint was made of", ""},
		"a line is deleted":     {change(func(l []string) []string { return slices.Delete(l, 4, 5) }), false, false, ":5: the record 6 comes after 4", "the records 5 to 5 are not there"},
		"two change places":     {change(func(l []string) []string { l[4], l[5] = l[5], l[4]; return l }), false, false, "comes after", "are not there"},
		"a line is there twice": {change(func(l []string) []string { return slices.Insert(l, 4, l[4]) }), false, true, "the record 5 comes after 5", ""},
		"a line is made up": {change(func(l []string) []string {
			return slices.Insert(l, 4, `{"seq":5,"prev_hash":"","kind":"decision"}`+"\n")
		}), false, true, "does not go on", ""},
		"a line is no JSON":  {change(func(l []string) []string { l[4] = "x\n"; return l }), false, true, ":5: the line is no JSON", ""},
		"the tail is cut":    {change(func(l []string) []string { return l[:5] }), true, false, "", "there are records up to 5, and a checkpoint of 9"},
		"everything is gone": {func(dir string) error { return os.Remove(only(dir)) }, true, false, "", "there are records up to 0, and a checkpoint of 9"},
		"no checkpoints":     {func(dir string) error { return os.Remove(filepath.Join(dir, checkpointsFile)) }, true, false, "", "there is no checkpoint"},
		"a new chain":        {rewrite, false, true, "not the one that a checkpoint was made of", ""},
		"a forged checkpoint": {func(dir string) error {
			data, err := os.ReadFile(filepath.Join(dir, checkpointsFile))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, checkpointsFile), []byte(strings.Replace(string(data), `\n9\n`, `\n8\n`, 1)), 0o600)
		}, false, false, "checkpoints:1: a checkpoint is not signed by the log's key", "there is no checkpoint"},
		"half a line at the end": {func(dir string) error {
			f, err := os.OpenFile(only(dir), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString(`{"seq":10`)
			return err
		}, true, true, "", ""},
	} {
		dir := written(t, 9)
		if err := c.do(dir); err != nil {
			t.Fatal(err)
		}
		r := verified(t, dir, nil)
		if r.Intact() != c.intact || r.Whole() != c.whole || !strings.Contains(fmt.Sprint(r.Integrity), c.integrity) || !strings.Contains(fmt.Sprint(r.Complete), c.lack) {
			t.Errorf("%s: intact %t (%v), whole %t (%v)", name, r.Intact(), r.Integrity, r.Whole(), r.Complete)
		}
	}
}

// TestKept: a checkpoint that was kept elsewhere tells of a tail that was cut together with the checkpoints.
func TestKept(t *testing.T) {
	dir := written(t, 9)
	var kept string
	if _, err := fmt.Sscanf(text(t, filepath.Join(dir, checkpointsFile)), "%q", &kept); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, dir, []byte(kept)); !r.Intact() || !r.Whole() || r.Covered != 9 {
		t.Errorf("%+v", r)
	}
	for _, name := range []string{only(dir), filepath.Join(dir, checkpointsFile)} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if r := verified(t, dir, []byte(kept)); r.Whole() || r.Covered != 9 {
		t.Errorf("%+v", r)
	}
	key, err := PublicKey(written(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(dir, key, []byte(kept)); err == nil {
		t.Error("a checkpoint of another log is taken")
	}
}

// TestSegments: a log of several files is one chain; the first may be moved away, and the rest says so.
func TestSegments(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	big := Record{Kind: Decision, Input: strings.Repeat("x", maxLine/2)}
	var all sync.WaitGroup
	for range maxSegment/(maxLine/2) + 20 {
		all.Go(func() {
			if err := l.Append(t.Context(), big); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := l.Append(t.Context(), Record{Input: strings.Repeat("x", maxLine)}); err == nil {
		t.Error("a record of any size is taken")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := segments(dir)
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	if r := verified(t, dir, nil); !r.Intact() || !r.Whole() || r.Records != l.Size() {
		t.Errorf("%+v", r)
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, dir, nil); !r.Intact() || r.Whole() || !strings.Contains(fmt.Sprint(r.Complete), "were moved away") {
		t.Errorf("%+v", r)
	}
	again, err := Open(dir, now)
	if err != nil || again.Size() != l.Size() {
		t.Fatal(err)
	}
	if err := again.Append(t.Context(), Record{Kind: Decision}); err != nil {
		t.Error(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if r := verified(t, dir, nil); !r.Intact() {
		t.Errorf("%+v", r.Integrity)
	}
}

// TestNoCrash: what no crash leaves is not repaired in silence.
func TestNoCrash(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"an edited line": func(dir string) error {
			return os.WriteFile(only(dir), []byte(strings.Replace(text(t, only(dir)), "no-edge", "x", 1)), 0o600)
		},
		"no key":         func(dir string) error { return os.Remove(filepath.Join(dir, privateFile)) },
		"a strange key":  func(dir string) error { return os.WriteFile(filepath.Join(dir, privateFile), []byte("x"), 0o600) },
		"a strange name": func(dir string) error { return os.Rename(only(dir), filepath.Join(dir, "log.jsonl")) },
	} {
		dir := written(t, 3)
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		if l, err := Open(dir, now); err == nil {
			t.Errorf("%s is taken", name)
			l.Close()
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(`{"seq":1,"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","kind":"decision"}`+"\n", `"x"`)
	f.Add("", "")
	dir := f.TempDir()
	if _, err := openSigner(dir); err != nil {
		f.Fatal(err)
	}
	key, err := PublicKey(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, lines, checkpoints string) {
		for name, data := range map[string]string{segmentName(1): lines, checkpointsFile: checkpoints} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := Verify(dir, key, nil); err == nil && r.Checkpoints > 0 {
			t.Errorf("a checkpoint of nobody's is taken: %+v", r)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	r := benchRecord()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	l, err := Open(b.TempDir(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	r := benchRecord()
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := l.Append(b.Context(), r); err != nil && !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
		}
	})
}

func benchRecord() Record {
	return Record{
		Kind: Decision, Timestamp: now(), DecisionID: "0123456789abcdef0123456789abcdef", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", Path: "agentc/decision",
		Bundles: map[string]Revision{"prod": {"a2492ba5f0e12cdfba654dd9d02f07f9590a657a36b5213ffd9bcc9c1d4f2f96"}}, Sequence: 7, Verdict: "auto-execute", Rules: []string{"reviewers/incident-opens"},
		Caller: "spiffe://prod.soc.example/ns/soc-detect/sa/detect", Callee: "coordinator", Skill: "handle-incident", RequestedBy: "spiffe://prod.soc.example/ns/soc-coordinator/sa/coordinator",
		Input: map[string]any{"context": map[string]any{"confidence": 0.9}},
	}
}
