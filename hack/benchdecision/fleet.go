package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"agentc/compiler/fleettest"
	"agentc/decision/fleet"
)

// reviewers give each of the three verdicts, by what the caller says and by how unusual the event was.
const reviewers = `apiVersion: agents.d/v1alpha1
kind: ReviewerPolicy
metadata: {name: reviewers}
spec:
  team: soc
  rules:
    - id: sure
      reason: The agent is sure of what it does, and the event is a common one.
      match: {tags: [writing], risks: [low]}
      when: {confidence: {atLeast: 0.5}, anomaly: {below: 90}}
      verdict: auto-execute
    - id: odd
      reason: The event is unusual.
      match: {tags: [writing], risks: [low]}
      when: {anomaly: {atLeast: 90}}
      verdict: escalate
    - id: doubt
      reason: The agent itself is not sure.
      match: {tags: [writing], risks: [low]}
      when: {confidence: {below: 0.2}}
      verdict: auto-reject
  escalation:
    default: people
    routes:
      - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers]}
    people:
      - {name: ana, email: ana@example.com, team: soc, groups: [reviewers]}
`

// compiled is the bundle of a fleet of n agents, in which each may ask up to four.
func compiled(agentc, dir string, n int) (string, error) {
	for _, part := range fleettest.Dense(n, min(4, max(1, n/10))) {
		if err := os.CopyFS(filepath.Join(dir, part.Name), part.FS); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "policies/reviewers.yaml"), []byte(reviewers), 0o600); err != nil {
		return "", err
	}
	if out, err := exec.Command(agentc, "compile", "-C", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("agentc compile: %w: %.1000s", err, out)
	}
	bundles, err := fs.Glob(os.DirFS(dir), "generated/*/bundle")
	if err != nil || len(bundles) == 0 {
		return "", fmt.Errorf("no bundle was compiled: %v", err)
	}
	return filepath.Join(dir, bundles[0]), nil
}

// distinct is how many questions are asked in turn.
const distinct = 512

// questions about a fleet: seven of eight between agents that have an edge, with what is known anywhere on its scale, or missing.
func questions(bundle string) ([]json.RawMessage, error) {
	text, err := os.ReadFile(filepath.Join(bundle, "agentc/data.json"))
	if err != nil {
		return nil, err
	}
	f, err := fleet.Read(text)
	if err != nil {
		return nil, err
	}
	agents := slices.Sorted(maps.Keys(f.Fleet.Agents))
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]json.RawMessage, distinct)
	for i := range all {
		callee := agents[r.IntN(len(agents))]
		callers := slices.Sorted(maps.Keys(f.Fleet.Agents[callee].Callers))
		caller := f.Fleet.Agents[agents[r.IntN(len(agents))]].ID
		if len(callers) > 0 && r.IntN(8) > 0 {
			caller = callers[r.IntN(len(callers))]
		}
		known := map[string]any{
			"trace_id": fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()), "confidence": float64(r.IntN(100)) / 100, "anomaly": map[string]any{"percentile": float64(r.IntN(1000)) / 10},
			"parameters": map[string]any{"namespace": "shop", "name": fmt.Sprintf("web-%d", r.IntN(100)), "reason": "The workload spoke to a host that nobody knows."},
		}
		if missing := []string{"confidence", "anomaly", "", "", ""}[r.IntN(5)]; missing != "" {
			delete(known, missing)
		}
		if all[i], err = json.Marshal(map[string]any{
			"subject": map[string]any{"type": "agent", "id": caller}, "action": map[string]any{"name": []string{"read", "write"}[r.IntN(2)]},
			"resource": map[string]any{"type": "agent", "id": callee}, "context": known,
		}); err != nil {
			return nil, err
		}
	}
	return all, nil
}
