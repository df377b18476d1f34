package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDiskFull: what cannot be recorded is not executed, nobody is asked, and agentd says that it is not ready. Once there is room again it goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("a small disk cannot be mounted here: ", err)
	}
	defer syscall.Unmount(data, 0)
	s := newSurroundings(t, func(data map[string]any) { alone(data, "") })
	p, l := s.process(data), s.ledger()
	for range 10 {
		l.heard(p.execute())
	}
	ballast, err := os.Create(filepath.Join(data, "ballast"))
	s.must(err)
	for size := 1 << 16; size > 0; {
		if n, err := ballast.Write(make([]byte, size)); err != nil {
			size = n / 2
			if n == 0 {
				break
			}
		}
	}
	s.must(ballast.Close())
	s.eventually(15*time.Second, "rejection", func() (bool, string) {
		a := p.execute()
		l.heard(a)
		return a.has("unrecorded") && !a.Decision, string(a.text)
	})
	if a := p.evict("while", ""); a.code != 200 || a.Decision {
		t.Errorf("while the disk is full: %d %s", a.code, a.text)
	}
	if said := p.status(); !strings.Contains(said, `"unready"`) {
		t.Error(said)
	}
	s.must(os.Remove(ballast.Name()))
	s.eventually(15*time.Second, "execution", func() (bool, string) { a := p.execute(); l.heard(a); return a.Decision, string(a.text) })
	if a := p.evict("after", ""); a.Context.Verdict != "escalate" {
		t.Errorf("people are asked again: %s", a.text)
	}
	p.end()
	l.recorded(data)
}
