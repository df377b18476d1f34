// Package fleettest makes fleets of any size, for tests and benchmarks.
package fleettest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing/fstest"

	"agentc/schema"
)

// chain is how many agents ask one another in a row: each waits longer than the next may take.
const chain = 10

// Fleet makes a fleet of n agents out of the platform and the policies that `agentc init` writes: chains in which each agent
// may ask the next for two skills, and the platform's client the first. The first `edited` agents say another version of themselves: a change that reaches their own file, and no
// other agent's.
func Fleet(n, edited int) []schema.Dir {
	files := fstest.MapFS{}
	add := func(path, text string) { files[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	var heads strings.Builder
	for i := range n {
		name := fmt.Sprintf("agent-%05d", i)
		add("agents.d/"+name+".yaml", agent(i, n, i < edited))
		if i%chain == 0 {
			fmt.Fprintf(&heads, "        - {to: %s, skills: [read, write]}\n", name)
		}
	}
	add("agents.d/platform.yaml", strings.Replace(Template("agents.d/platform.yaml"), "        - {to: greeter, skills: [welcome]}\n", heads.String(), 1))
	add("policies/reviewers.yaml", Template("policies/reviewers.yaml"))
	spec, _ := fs.Sub(files, "agents.d")
	policies, _ := fs.Sub(files, "policies")
	return []schema.Dir{{Name: "agents.d", FS: spec}, {Name: "policies", FS: policies}}
}

// Template reads a file that `agentc init` writes.
func Template(path string) string {
	_, here, _, _ := runtime.Caller(0)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../cmd/agentc/template", path))
	if err != nil {
		panic(err)
	}
	return string(data)
}

func agent(i, n int, edited bool) string {
	version := "1.0.0"
	if edited {
		version = "1.0.1"
	}
	place := i % chain
	last := place == chain-1 || i == n-1
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: agents.d/v1alpha1
kind: Agent
metadata: {name: agent-%05d}
spec:
  team: ai
  description: One of many agents in a chain of ten.
  entry: %t
  image: registry.example.com/agents/agent:1.0.0@sha256:%s
  card:
    version: %s
    skills:
      - {id: read, name: Read, description: Reads what it is given., tags: [writing], risk: low}
      - {id: write, name: Write, description: Writes what it is asked for., tags: [writing], risk: low}
  workload:
    replicas: {min: 2, max: 4}
    timeouts: {request: %ds, shutdown: 2m}
`, i, place == 0, strings.Repeat("0a", 32), version, 60-5*place)
	caller := "portal"
	if place > 0 {
		caller = fmt.Sprintf("agent-%05d", i-1)
	}
	fmt.Fprintf(&b, "  accepts:\n    - {from: %s, skills: [read, write]}\n", caller)
	if !last {
		fmt.Fprintf(&b, "  requests:\n    - {to: agent-%05d, skills: [read, write]}\n", i+1)
	}
	return b.String()
}
