package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"agentc/decision/record"
)

const swaps = 20

// TestSwapUnderLoad: whoever asks while one bundle takes the place of another gets an answer, of one of them alone and never of an older one than before. What is no
// bundle, or an older one, changes nothing. Memory does not grow with the bundles that were.
func TestSwapUnderLoad(t *testing.T) {
	s := newSurroundings(t, func(data map[string]any) { alone(data, "") })
	p := s.process(t.TempDir(), "--bundle-every", "50ms")
	ctx, stop := context.WithCancel(t.Context())
	var asked atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for before := int64(1); ctx.Err() == nil; asked.Add(1) {
				a := p.execute()
				c := a.Context
				if a.code != http.StatusOK || !a.Decision || c.Sequence < before || c.Revision != fmt.Sprintf("r%d", c.Sequence) ||
					len(c.Reasons) != 1 || c.Reasons[0].Reason != fmt.Sprintf("By bundle %d.", c.Sequence) {
					t.Errorf("after one by bundle %d: %d %s", before, a.code, a.text)
					return
				}
				before = c.Sequence
			}
		})
	}
	var early, slowest int64
	for n := int64(2); n <= swaps+1; n++ {
		s.swap(n, s.sealed(n))
		took := s.eventually(20*time.Second, "the new bundle", func() (bool, string) { a := p.execute(); return a.Context.Sequence == n, string(a.text) })
		slowest = max(slowest, took.Milliseconds())
		if n == swaps/4 {
			early = p.memory()
		}
	}
	late := p.memory()
	for i, wrong := range []struct {
		archive []byte
		why     string
	}{{[]byte("no bundle"), "is not packed"}, {s.sealed(3), "there is no way back"}} {
		s.swap(swaps+2+int64(i), wrong.archive)
		s.eventually(20*time.Second, "status", func() (bool, string) { said := p.status(); return strings.Contains(said, wrong.why), said })
		if a := p.execute(); a.Context.Sequence != swaps+1 || !a.Decision {
			t.Errorf("after a wrong bundle: %s", a.text)
		}
	}
	stop()
	clients.Wait()
	t.Logf("%d answers while %d bundles were swapped; the slowest was in force after %d ms; memory after %d swaps %d MiB, after all %d MiB",
		asked.Load(), swaps, slowest, swaps/4, early>>20, late>>20)
	if asked.Load() < 200 {
		t.Errorf("only %d questions were asked", asked.Load())
	}
	if late > early+early/3 {
		t.Errorf("memory has grown from %d to %d", early, late)
	}
	p.end()
	refused := 0
	if _, err := record.Read(p.data, func(e record.Entry) error {
		if e.Kind == record.KindBundle && strings.Contains(string(e.Result), record.Refused) {
			refused++
		}
		return nil
	}); err != nil || refused != 2 {
		t.Errorf("two bundles were refused, again and again; there are %d records, %v", refused, err)
	}
}

// status as whoever looks after agentd sees it.
func (p *process) status() string {
	_, text := fetch(p.T, http.DefaultClient, http.MethodGet, "http://"+p.admin+"/status", "")
	return text
}

// memory of the process, in bytes; 0 where the system does not say it.
func (p *process) memory() (bytes int64) {
	if runtime.GOOS != "linux" {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	p.must(err)
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	if _, err := fmt.Sscanf(after, "%d kB", &bytes); err != nil {
		p.Fatal(err)
	}
	return bytes << 10
}
