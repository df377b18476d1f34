package fleettest

import (
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"

	"agentc/schema"
)

// Dense makes a fleet of n agents in ten rows, in which each agent may ask `edges` agents of the next row; those of the last row, in the place of
// that, are asked by the platform's client. It is what a judge has most to do with.
func Dense(n, edges int) []schema.Dir {
	width := max(1, n/chain)
	files := fstest.MapFS{}
	var heads strings.Builder
	for i := range n {
		name := fmt.Sprintf("agents.d/agent-%05d.yaml", i)
		files[name] = &fstest.MapFile{Data: []byte(denseAgent(i, n, width, edges)), Mode: 0o644}
		if i < width {
			fmt.Fprintf(&heads, "        - {to: agent-%05d, skills: [read, write]}\n", i)
		}
	}
	platform := strings.Replace(Template("agents.d/platform.yaml"), "        - {to: greeter, skills: [welcome]}\n", heads.String(), 1)
	files["agents.d/platform.yaml"] = &fstest.MapFile{Data: []byte(platform), Mode: 0o644}
	files["policies/reviewers.yaml"] = &fstest.MapFile{Data: []byte(Template("policies/reviewers.yaml")), Mode: 0o644}
	spec, _ := fs.Sub(files, "agents.d")
	policies, _ := fs.Sub(files, "policies")
	return []schema.Dir{{Name: "agents.d", FS: spec}, {Name: "policies", FS: policies}}
}

func denseAgent(i, n, width, edges int) string {
	row := i / width
	text := agentText(i, row == 0, max(10, 60-5*row))
	text += "  accepts:\n"
	if row == 0 {
		text += "    - {from: portal, skills: [read, write]}\n"
	}
	for j := range edges {
		if row > 0 {
			text += fmt.Sprintf("    - {from: agent-%05d, skills: [read, write]}\n", (row-1)*width+((i-j)%width+width)%width)
		}
	}
	if next := (row + 1) * width; next+width <= n {
		text += "  requests:\n"
		for j := range edges {
			text += fmt.Sprintf("    - {to: agent-%05d, skills: [read, write]}\n", next+(i+j)%width)
		}
	}
	return text
}

// agentText is an agent that says nothing yet of whom it asks or is asked by.
func agentText(i int, entry bool, request int) string {
	return fmt.Sprintf(`apiVersion: agents.d/v1alpha1
kind: Agent
metadata: {name: agent-%05d}
spec:
  team: ai
  description: One of many agents in rows.
  entry: %t
  image: registry.example.com/agents/agent:1.0.0@sha256:%s
  card:
    version: 1.0.0
    skills:
      - {id: read, name: Read, description: Reads what it is given., tags: [writing], risk: low}
      - {id: write, name: Write, description: Writes what it is asked for., tags: [writing], risk: low}
  workload:
    replicas: {min: 2, max: 4}
    timeouts: {request: %ds, shutdown: 2m}
`, i, entry, strings.Repeat("0a", 32), request)
}
