package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"agentc/decision/escalation"
)

// ledger is what whoever asked, voted and executed was told. What agentd keeps must never say less, and nothing may have happened twice.
type ledger struct {
	*surroundings
	mu       sync.Mutex
	approved map[string]string // pod by escalation: an approval was acknowledged
	executed map[string]int    // by escalation: answers that allowed it
	unheard  map[string]bool   // somebody who brought the approval got no answer
	allowed  []string          // decisions
}

func (s *surroundings) ledger() *ledger {
	return &ledger{surroundings: s, approved: map[string]string{}, executed: map[string]int{}, unheard: map[string]bool{}}
}

// life of an escalation: a question, an approval, and everybody who brings the approval at the same time. Whoever does not answer is left out; it says
// whether somebody did to the end.
func (l *ledger) life(all []*process, n int, pod string) bool {
	var a answer
	for i := range all {
		if a = all[(n+i)%len(all)].evict(pod, ""); a.code != 0 {
			break
		}
	}
	e := a.Context.Escalation
	if a.code == 0 {
		return false
	}
	if a.code != http.StatusOK || e.ID == "" || a.Decision {
		l.Errorf("%s: %d %s", pod, a.code, a.text)
		return false
	}
	if !l.vote(all, n+1, pod, e.ID, e.Digest) {
		return false
	}
	var wait sync.WaitGroup
	for _, p := range all {
		wait.Go(func() { l.execute(p, pod, e.ID) })
	}
	wait.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.executed[e.ID] == 0 && !l.unheard[e.ID] {
		l.Errorf("%s was approved, everybody answered, and nobody may execute it", pod)
	}
	return !l.unheard[e.ID]
}

// vote until somebody answers. An answer that was lost may have been a vote: the next one then finds the escalation at its end, or the vote given.
func (l *ledger) vote(all []*process, n int, pod, id, digest string) bool {
	lost := false
	for i := range all {
		code, state := all[(n+i)%len(all)].approve("amara.obi", id, digest)
		switch {
		case code == 0:
			lost = true
			continue
		case code == http.StatusOK && state == string(escalation.Approved), lost && code == http.StatusConflict:
			l.mu.Lock()
			l.approved[id] = pod
			l.mu.Unlock()
			return true
		}
		l.Errorf("the vote on %s: %d %s", pod, code, state)
		return false
	}
	return false
}

func (l *ledger) execute(p *process, pod, id string) answer {
	a := p.evict(pod, id)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case a.code == 0:
		l.unheard[id] = true
	case a.code != http.StatusOK:
		l.Errorf("%s: %d %s", pod, a.code, a.text)
	case a.Decision:
		l.executed[id]++
		l.allowed = append(l.allowed, a.Context.DecisionID)
	}
	return a
}

func (l *ledger) heard(a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.Decision {
		l.allowed = append(l.allowed, a.Context.DecisionID)
	}
}

// settle compares with the store: each approval was used once, or can be, once.
func (l *ledger) settle(p *process, dsn string) (left int) {
	l.Helper()
	s, err := escalation.Open(context.Background(), dsn, escalation.Options{})
	l.must(err)
	defer s.Close()
	for id, pod := range l.approved {
		e, err := s.Get(context.Background(), id)
		l.must(err)
		switch executed := l.executed[id]; {
		case executed > 1:
			l.Errorf("%s was allowed %d times by one approval", pod, executed)
		case e.State == escalation.Consumed && (executed == 1 || l.unheard[id]):
		case e.State == escalation.Approved && executed == 0:
			left++
			if a := l.execute(p, pod, id); !a.Decision {
				l.Errorf("%s was approved and not used, and is not allowed: %s", pod, a.text)
			}
			if a := l.execute(p, pod, id); a.Decision {
				l.Errorf("%s is allowed twice", pod)
			}
		default:
			l.Errorf("%s was allowed %d times, and its escalation is %s", pod, executed, e.State)
		}
		trail, err := s.Trail(context.Background(), id)
		l.must(err)
		n := 0
		for _, step := range trail {
			if step.State == escalation.Consumed {
				n++
			}
		}
		if n != 1 {
			l.Errorf("%s was consumed %d times", pod, n)
		}
	}
	return left
}

// recorded: each answer that allowed something is in one of the logs, each of which holds; and so is whatever an approval was used for.
func (l *ledger) recorded(folders ...string) {
	l.Helper()
	allowed, used := map[string]bool{}, map[string]int{}
	for _, f := range folders {
		a, u := l.logged(f)
		for id := range a {
			allowed[id] = true
		}
		for id, n := range u {
			used[id] += n
		}
	}
	for _, id := range l.allowed {
		if !allowed[id] {
			l.Errorf("the decision %s allowed something, and is in no log", id)
		}
	}
	for id, pod := range l.approved {
		if used[id] == 0 {
			l.Errorf("the approval for %s was used, and no log says so", pod)
		}
	}
	if len(l.allowed) < 10 {
		l.Error(fmt.Sprint("only these were allowed: ", l.allowed))
	}
}
