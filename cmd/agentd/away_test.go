package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDatabaseAway: without its database agentd executes nothing after some seconds, since somebody might be in quarantine, and asks nobody. It comes back by itself.
func TestDatabaseAway(t *testing.T) {
	t.Parallel() // it mostly waits
	database := postgres(t)
	s := newSurroundings(t, func(data map[string]any) { alone(data, "") })
	s.must(os.WriteFile(filepath.Join(s.credentials, "escalations"), []byte(database.NewDatabase(t)), 0o600))
	p := s.process(t.TempDir(), "--database", "escalations")
	approved := p.evict("before", "")
	if code, state := p.approve("amara.obi", approved.Context.Escalation.ID, approved.Context.Escalation.Digest); state != "approved" || !p.execute().Decision {
		t.Fatal(code, state)
	}
	database.Stop("QUIT")
	if a := p.evict("while", ""); a.code != 200 || a.Context.Verdict != "auto-reject" || !a.has("escalation-failed") {
		t.Errorf("nobody can be asked: %d %s", a.code, a.text)
	}
	if a := p.evict("before", approved.Context.Escalation.ID); a.code != 200 || a.Decision || !a.has("escalation-failed") {
		t.Errorf("nobody knows whether it was approved: %d %s", a.code, a.text)
	}
	took := s.eventually(15*time.Second, "rejection", func() (bool, string) {
		a := p.execute()
		return a.has("quarantine-unknown") && !a.Decision, string(a.text)
	})
	t.Logf("nothing is executed any more %s after the database went", took.Round(100*time.Millisecond))
	s.must(database.Start())
	took = s.eventually(15*time.Second, "execution", func() (bool, string) { a := p.execute(); return a.Decision, string(a.text) })
	t.Logf("it is again %s after it came back", took.Round(100*time.Millisecond))
	if a := p.evict("after", ""); a.Context.Verdict != "escalate" || a.Context.Escalation.State != "pending" {
		t.Errorf("people are asked again: %s", a.text)
	}
	if a := p.evict("before", approved.Context.Escalation.ID); !a.Decision {
		t.Errorf("the approval is lost: %s", a.text)
	}
	p.end()
}
