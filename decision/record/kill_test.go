package record

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// childFolder names the folder that a child of the test appends to until it is killed.
const childFolder = "RECORD_TEST_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		appendForEver(dir)
	}
	os.Exit(m.Run())
}

// appendForEver says what was acknowledged, line by line.
func appendForEver(dir string) {
	l, err := Open(dir, Options{SegmentSize: 2000, Every: 3, Interval: time.Millisecond})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, i)
				if err := l.Append(context.Background(), Record{Kind: KindDecision, DecisionID: id}); err != nil {
					fmt.Println("failed:", err)
				}
				os.Stdout.WriteString(id + "\n")
			}
		}()
	}
	select {}
}

// TestKilled: at twenty moments, in one folder. Every record that was acknowledged is there.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for moment := range 20 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childFolder+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for n := 0; ; n++ {
			if n == moment*7 {
				child.Process.Kill()
			}
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break // what it had said when it was killed is read as well
			}
			if err != nil || strings.HasPrefix(line, "failed") {
				t.Fatal(line, err)
			}
			acknowledged[strings.TrimSpace(line)] = true
		}
		child.Wait()
		if r := verified0(t, dir); r != nil && (!r.Integrity.Good || !r.Completeness.Good) {
			t.Fatalf("moment %d: %+v", moment, r)
		}
	}
	if err := opened(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	all := entries(t, dir)
	mustHold(t, dir, uint64(len(all)))
	there := map[string]bool{}
	for _, e := range all {
		there[e.DecisionID] = true
	}
	for id := range acknowledged {
		if !there[id] {
			t.Errorf("%s was acknowledged, and is not there", id)
		}
	}
	if len(acknowledged) < 100 {
		t.Errorf("only %d were acknowledged", len(acknowledged))
	}
}

// verified0 gives nil where the child was killed before there was a checkpoint.
func verified0(t *testing.T, dir string) *Report {
	t.Helper()
	key, err := PublicKey(dir)
	if err != nil {
		return nil
	}
	r, err := Verify(dir, key)
	if err != nil || r.Checkpoints == 0 {
		return nil
	}
	return r
}
