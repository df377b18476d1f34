package escalation

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestTold: whoever keeps the decision log hears of each step and each quarantine once it is done, and of nothing that was refused.
func TestTold(t *testing.T) {
	var told []string
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "escalations.db"), Options{
		Stepped: func(e Escalation, from State, s Step) {
			told = append(told, fmt.Sprintf("%s %s→%s by %s", e.Skill, from, s.State, s.By))
		},
		Held: func(q Quarantine, lifted bool) {
			told = append(told, fmt.Sprintf("%s %v by %s", q.Agent, lifted, q.By))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := request(1)
	r.Quorum = 1
	e, err := s.Request(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Request(t.Context(), r); err != nil { // it is the one that there is
		t.Fatal(err)
	}
	if _, err := s.Consume(t.Context(), e.ID, e.Digest, e.Caller); err == nil {
		t.Error("what nobody approved is used")
	}
	if _, err := s.Cancel(t.Context(), e.ID, "ada", "no"); err != nil {
		t.Fatal(err)
	}
	if err := s.Quarantine(t.Context(), Quarantine{Agent: "pay", By: "ada", Reason: "odd", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Lift(t.Context(), "pay", "bob", "fixed"); err != nil {
		t.Fatal(err)
	}
	if err := s.Lift(t.Context(), "pay", "bob", "fixed"); err == nil {
		t.Error("a quarantine is lifted twice")
	}
	want := []string{
		r.Skill + " →pending by " + r.Caller, r.Skill + " pending→cancelled by ada", "pay false by ada", "pay true by bob",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
