package fleet

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// What a bundle may say by a null, an empty name or a negative number nobody has thought through: there would be an agent that anybody without an id is, a person without a
// team, a credential read from another folder. It is refused here, so that nobody behind has to ask.

// check what the types alone do not.
func (f *Fleet) check() error {
	return errors.Join(
		each("agents", f.Fleet.Agents, (*Agent).check), unlike(f.Fleet.Agents), each("rules", f.Rules, there), f.Escalation.check(),
		each("endpoints", f.Runtime.Endpoints, (*Endpoint).check), files(f.Runtime.Endpoints), each("intakes", f.Runtime.Intakes, there),
	)
}

// there is all that is wanted of it.
func there[T any](*T) error { return nil }

// each of them is there, and has a name.
func each[T any](what string, all map[string]*T, check func(*T) error) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name == "" || all[name] == nil {
			return fmt.Errorf("%s: %q is null, or has no name", what, name)
		}
		if err := check(all[name]); err != nil {
			return fmt.Errorf("%s: %s: %w", what, name, err)
		}
	}
	return nil
}

func (a *Agent) check() error {
	if a.ID == "" {
		return errors.New("it has no id")
	}
	return errors.Join(
		span("requestMs", a.RequestMs), span("shutdownMs", a.ShutdownMs), each("endpoints", a.Endpoints, (*Endpoint).check), each("callers", a.Callers, there),
		each("skills", a.Skills, func(s *Skill) error {
			return each("callers", s.Callers, there)
		}),
	)
}

// unlike agents have unlike ids: whoever shares one would stand for the other.
func unlike(agents map[string]*Agent) error {
	by := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(agents)) {
		if a := agents[name]; a != nil {
			if other, there := by[a.ID]; there {
				return fmt.Errorf("agents: %s and %s have the same id", other, name)
			}
			by[a.ID] = name
		}
	}
	return nil
}

// named is how endpoints are called: their credentials lie in files of that name.
var named = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func files(endpoints map[string]*Endpoint) error {
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		if !named.MatchString(name) {
			return fmt.Errorf("endpoints: %q is no name of a file", name)
		}
	}
	return nil
}

func (e *Endpoint) check() error {
	if e.Port < 0 || e.Port > 65535 {
		return fmt.Errorf("the port %d", e.Port)
	}
	return span("timeoutMs", e.TimeoutMs)
}

func (e *Escalation) check() error {
	return errors.Join(
		span("lifetimeMs", e.LifetimeMs), each("people", e.People, there),
		each("routes", e.Routes, func(r *Route) error {
			if r.Quorum < 0 {
				return fmt.Errorf("a quorum of %d", r.Quorum)
			}
			return nil
		}),
	)
}

// longest time that anything takes. What is above it, or below zero, would be no time any more as Go counts.
const longest = 366 * 24 * time.Hour

func span(what string, ms int64) error {
	if ms < 0 || ms > longest.Milliseconds() {
		return fmt.Errorf("%s is %d", what, ms)
	}
	return nil
}
