package check_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestRules holds what the golden cases leave out: where a rule must keep silent, and the corners where it is easily wrong.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name string
		edit string
		want string // IDs of the problems, in order
	}{
		// Both halves of an edge, with and without `*`.
		{"all asked for, one accepted", greets(`["*"]`, `[greet]`), ""},
		{"one asked for, all accepted", greets(`[greet]`, `["*"]`), ""},
		{"all asked for, all accepted", greets(`["*"]`, `["*"]`), ""},
		{"a misspelt skill is reported once", greets(`[greet]`, `[gret]`), "unknown-skill"},
		{"all asked for, nothing accepted", `
agents.d/greeter.yaml
-     - {to: hello, skills: [greet]} # an edge exists only since hello accepts it
+     - {to: hello, skills: ["*"]}
agents.d/hello.yaml
-   accepts:
-     - {from: greeter, skills: [greet]}
`, "edge-not-accepted"},
		{"all accepted, nothing asked for", `
agents.d/greeter.yaml
-   requests:
-     - {to: hello, skills: [greet]} # an edge exists only since hello accepts it
agents.d/hello.yaml
-     - {from: greeter, skills: [greet]}
+     - {from: greeter, skills: ["*"]}
`, "skill-unreachable edge-not-requested"},
		{"one caller's permissions in two entries", `
agents.d/hello.yaml
      - {from: greeter, skills: [greet]}
+     - {from: greeter, skills: [greet]}
`, ""},

		// Where the bundle is fetched.
		{"an unsealed bundle from an endpoint", bundle(`{trust: git, endpoint: store, path: /b.tar.gz}`), "bundle-endpoint"},
		{"an endpoint without a path", bundle(`{endpoint: store}`), "bundle-keys bundle-endpoint"},
		{"a path without an endpoint", bundle(`{trust: git, path: /b.tar.gz}`), "endpoint-unused bundle-endpoint"},
		{"an endpoint that is no service", bundle(`{endpoint: chat, path: /b.tar.gz}`), "endpoint-unused bundle-keys endpoint-type"},
		{"an endpoint that is not there", bundle(`{endpoint: stor, path: /b.tar.gz}`), "bundle-keys unknown-endpoint"},
		{"a sealed bundle from an endpoint", bundle(`{endpoint: store, path: /b.tar.gz}`), "bundle-keys"},

		{"a sealed bundle from a host without TLS", strings.Replace(bundle(`{endpoint: store, path: /b.tar.gz}`), "port: 443}", "port: 80, tls: false}", 1), "bundle-keys bundle-endpoint"},

		// Where events come from, and how the agent gets them.
		{"an intake of nothing", takes(`{name: more, to: hello, skill: greet}`), "intake-source"},
		{"an intake of a topic and a client", takes(`{name: more, endpoint: kafka, topic: more, client: {namespace: falco, serviceAccount: sidekick}, to: hello, skill: greet}`), "intake-source"},
		{"an endpoint without a topic", takes(`{name: more, endpoint: kafka, to: hello, skill: greet}`), "intake-source"},
		{"a topic without an endpoint", takes(`{name: more, topic: more, to: hello, skill: greet}`), "intake-source"},
		{"an intake that a client posts", takes(`{name: more, client: {namespace: falco, serviceAccount: sidekick}, to: hello, skill: greet}`), ""},
		{"two intakes of one client", takes(`{name: a, client: {namespace: falco, serviceAccount: sidekick}, to: hello, skill: greet}`,
			`{name: b, client: {namespace: falco, serviceAccount: sidekick}, to: hello, skill: greet}`), "name-collision"},
		{"a client in an agent's namespace", takes(`{name: more, client: {namespace: demo-hello, serviceAccount: sidekick}, to: hello, skill: greet}`), "name-reserved"},
		{"handed on by a topic", takes(`{name: more, endpoint: kafka, topic: more, to: hello, skill: greet, forward: {endpoint: kafka, topic: unusual}}`) + reads, ""},
		{"handed on by a topic that the agent does not read", takes(`{name: more, endpoint: kafka, topic: more, to: hello, skill: greet, forward: {endpoint: kafka, topic: unusual}}`), "intake-source"},
		{"handed on into another intake", takes(`{name: more, endpoint: kafka, topic: more, to: hello, skill: greet, forward: {endpoint: kafka, topic: falco}}`) + reads, "intake-source"},
		{"handed on to a chat", takes(`{name: more, endpoint: kafka, topic: more, to: hello, skill: greet, forward: {endpoint: chat, topic: unusual}}`) + "+   endpoints: [{name: chat}]\n", "timeout-chain endpoint-type"},
		{"handed on to nowhere", takes(`{name: more, endpoint: kafka, topic: more, to: hello, skill: greet, forward: {endpoint: kafak, topic: unusual}}`), "unknown-endpoint"},

		// Rules that never matter.
		{"of two equal rules one is enough", addRules(`
- {id: a, reason: r, match: {skills: [hello/greet]}, verdict: escalate}
- {id: b, reason: r, match: {skills: [hello/greet]}, verdict: escalate}
`), "rule-never-matters"},
		{"two rejections that together cover an escalation", addRules(`
- {id: asks, reason: r, match: {skills: [hello/greet]}, verdict: escalate}
- {id: low, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {below: 50}}, verdict: auto-reject}
- {id: rest, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {atLeast: 50}}, verdict: auto-reject}
`), "rule-never-matters"},
		{"with a gap between them", addRules(`
- {id: asks, reason: r, match: {skills: [hello/greet]}, verdict: escalate}
- {id: low, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {below: 50}}, verdict: auto-reject}
- {id: rest, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {atLeast: 50.5}}, verdict: auto-reject}
`), ""},
		{"an unknown anomaly is only escalated, so two halves do not cover a rejection of everything", addRules(`
- {id: low, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {below: 50}}, verdict: auto-reject}
- {id: rest, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {atLeast: 50}}, verdict: auto-reject}
- {id: whole, reason: r, match: {skills: [hello/greet]}, verdict: auto-reject}
`), "rule-never-matters rule-never-matters"}, // the halves
		{"an unknown anomaly never executes, so two halves do not cover an execution of everything", `
policies/reviewers.yaml
-       match: {tags: [writing], risks: [low]}
+       match: {skills: [greeter/welcome]}
` + addRules(`
- {id: low, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {below: 50}}, verdict: auto-execute}
- {id: rest, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {atLeast: 50}}, verdict: auto-execute}
- {id: whole, reason: r, match: {skills: [hello/greet]}, verdict: auto-execute}
`), "rule-never-matters rule-never-matters"}, // the halves
		{"an execution wherever the anomaly is known", `
policies/reviewers.yaml
-       match: {tags: [writing], risks: [low]}
+       match: {tags: [writing], risks: [low]}
+       when: {anomaly: {below: 50}}

    rules:
+     - {id: rest, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {atLeast: 50}}, verdict: auto-execute}
+     - {id: zero, reason: r, match: {skills: [hello/greet]}, when: {anomaly: {atLeast: 0}}, verdict: auto-execute}
`, "rule-never-matters"}, // zero: the two others together are as wide
		{"an execution that a rejection covers for one caller only", addRules(`
- {id: stop, reason: r, match: {callers: [greeter]}, verdict: auto-reject}
`), ""},
		{"a second escalation with a higher quorum", addRules(`
- {id: asks, reason: r, match: {skills: [hello/greet]}, verdict: escalate}
- {id: seniors, reason: r, match: {risks: [low], callers: [greeter]}, verdict: escalate, route: seniors}
`) + seniors(2), "rule-never-matters"}, // the first: the second always asks more people
		{"a second escalation that asks the same", addRules(`
- {id: asks, reason: r, match: {skills: [hello/greet]}, verdict: escalate}
- {id: seniors, reason: r, match: {risks: [low], callers: [greeter]}, verdict: escalate, route: people}
`), "rule-never-matters"},
		{"an escalation that asks more people when the agent doubts", addRules(`
- {id: asks, reason: r, match: {skills: [hello/greet]}, verdict: escalate}
- {id: seniors, reason: r, match: {skills: [hello/greet]}, when: {confidence: {below: 0.5}}, verdict: escalate, route: seniors}
`) + seniors(2), ""},
		{"a rule that one environment needs", secondEnvironment(t) + `
policies/reviewers.yaml
    team: soc
+   environments: [dev]
` + policy("strict", `
  environments: [prod]
  rules:
    - {id: run, reason: r, match: {skills: [hello/greet]}, verdict: auto-execute}
    - {id: stop, reason: r, match: {skills: [hello/greet]}, verdict: auto-reject}
  escalation:
    default: leads
    routes:
      - {name: leads, endpoint: chat, channel: leads, approvers: [leads]}
    people:
      - {name: bo, email: bo@example.com, team: soc, groups: [leads]}
`), "rule-never-matters"}, // strict/run; writing-is-harmless matters in dev
		{"no calls, no complaints about what they would be judged by", noAgents, ""},

		// Thresholds.
		{"an override that the class of all its events cuts down", thresholds(`
classes: [{id: wide, source: falco, percentile: 90}, {id: narrow, source: falco, namespace: ci, percentile: 90, bounds: {min: 80, max: 95}}]
overrides: [{id: o, source: falco, namespace: ci, priority: Notice, percentile: 99, owner: a@example.com, reason: r, expires: 2027-03-31}]
`), "threshold-bounds"},
		{"an override that a narrower class lets be", thresholds(`
classes: [{id: wide, source: falco, percentile: 90, bounds: {min: 80, max: 95}}, {id: narrow, source: falco, namespace: ci, percentile: 90}]
overrides: [{id: o, source: falco, namespace: ci, priority: Notice, percentile: 99, owner: a@example.com, reason: r, expires: 2027-03-31}]
`), ""},
		{"an override that holds for some events of a class alone", thresholds(`
classes: [{id: wide, source: falco, percentile: 90, bounds: {min: 80, max: 95}}, {id: narrow, priority: Error, namespace: ci, percentile: 90}]
overrides: [{id: o, source: falco, percentile: 99, owner: a@example.com, reason: r, expires: 2027-03-31}]
`), ""},
		{"a class of an agent that gets events", thresholds(`
classes: [{id: of-hello, agent: hello, percentile: 90}, {id: more, agent: hello, source: falco, namespace: 3scale, percentile: 91}]
`), ""},
		{"a class of an agent that gets none", thresholds(`
classes: [{id: of-greeter, agent: greeter, percentile: 90}]
`), "anomaly-class"},
		{"two Features of a name", falcoFeatures("one", "soc") + falcoFeatures("two", "soc"), "name-collision"},
		{"Features of those who own agents", falcoFeatures("one", "ai"), "team-owns"},
		{"a forest for calls before an agent that gets events", intake + `
agents.d/hello.yaml
    team: ai
+   forest: calls.json
policies/reviewers.yaml
+   anomaly:
+     forests: [{agent: hello, digest: "sha256:f2648c5e0c59a4e7829dd7ab8f585a2c3ece7c22fcbf975bde5ccc910cf1ec9e"}]
+     percentile: 95
+     bounds: {min: 80, max: 99}
    escalation:
` + callsForest(t), "forest-unfed"},

		// What an agent says of itself.
		{"an anomaly that is merely known", `
policies/reviewers.yaml
-       match: {tags: [writing], risks: [low]}
+       match: {tags: [writing], risks: [low]}
+       when: {confidence: {atLeast: 0.9}, anomaly: {atLeast: 0}}
`, "self-claimed"},
		{"an anomaly that is bounded", `
policies/reviewers.yaml
-       match: {tags: [writing], risks: [low]}
+       match: {tags: [writing], risks: [low]}
+       when: {confidence: {atLeast: 0.9}, anomaly: {below: 50}}
`, ""},
		{"everything", `
policies/reviewers.yaml
-       match: {tags: [writing], risks: [low]}
+       match: {}
`, "self-claimed"},

		// Routes by environment.
		{"a route of another environment", secondEnvironment(t) + `
policies/reviewers.yaml
    team: soc
+   environments: [dev]
` + policy("strict", `
  environments: [prod]
  rules:
    - {id: ask, reason: r, match: {skills: [hello/greet]}, verdict: escalate, route: people}
  escalation:
    default: leads
    routes:
      - {name: leads, endpoint: chat, channel: leads, approvers: [leads]}
    people:
      - {name: bo, email: bo@example.com, team: soc, groups: [leads]}
`), "unknown-route"},
		{"nobody is asked in prod", secondEnvironment(t) + `
policies/reviewers.yaml
    team: soc
+   environments: [dev]
`, "one-escalation"},

		// People.
		{"a quorum of people in two groups", person(`{name: bo, email: bo@example.com, team: soc, groups: [leads]}`) + `
-       - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers]}
+       - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers, leads], quorum: 2}
`, ""},
		{"one person in two groups is one", `
policies/reviewers.yaml
-       - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers]}
+       - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers, leads], quorum: 2}

-       - {name: ann, email: ann@example.com, mattermost: ann, team: soc, groups: [reviewers]}
+       - {name: ann, email: ann@example.com, mattermost: ann, team: soc, groups: [reviewers, leads]}
`, "route-quorum"},
		{"nobody in a group", `
policies/reviewers.yaml
-       - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers]}
+       - {name: people, endpoint: chat, channel: approvals, approvers: [leads]}
`, "route-quorum"},
		{"a person of no team", person(`{name: bo, email: bo@example.com, team: sok, groups: [reviewers]}`), "unknown-team"},
		{"two people of one name", person(`{name: ann, email: bo@example.com, team: soc, groups: [reviewers]}`), "name-collision"},
		{"two people of one email in other letters", person(`{name: bo, email: Ann@example.com, team: soc, groups: [reviewers]}`), "name-collision"},
		{"two people of one name in the chat", person(`{name: bo, email: bo@example.com, mattermost: ann, team: soc, groups: [reviewers]}`), "name-collision"},

		// Hours.
		{"hours that lead to a route without", hours("night", ""), ""},
		{"hours that lead to hours", hours("night", ", hours: {days: [sat], from: 0, until: 24, otherwise: last}"), ""},
		{"hours that lead to themselves", hours("people", ""), "route-hours"},
		{"hours that lead to nothing", hours("nigth", ""), "unknown-route"},
		{"hours that lead into a circle of others", hours("night", ", hours: {days: [sat], from: 0, until: 24, otherwise: night}"), "route-hours"},
		{"a circle of two", hours("night", ", hours: {days: [sat], from: 0, until: 24, otherwise: people}"), "route-hours"},
		{"an empty span", hours("night", ", hours: {days: [sat], from: 8, until: 8, otherwise: last}"), "route-hours"},
		{"an end that is missing", hours("night", ", hours: {days: [sat], from: 8, otherwise: last}"), "missing-field"},

		// The page.
		{"a page", page("https://approvals.example.com"), ""},
		{"a page at another port", page("https://approvals.example.com:8443"), ""},
		{"a page without TLS", page("http://approvals.example.com"), "page-url"},
		{"a page with a slash", page("https://approvals.example.com/"), "page-url"},
		{"a page with a query", page("https://approvals.example.com/?a=b"), "page-url"},
		{"a page at a short name", page("https://approvals"), "page-url"},
		{"a page at an address", page("https://10.0.0.1"), "page-url"},
		{"a page under the name of an agent", page("https://hello.demo-hello.svc.cluster.local"), "page-url"},
		{"a page with a user", page("https://a:b@approvals.example.com"), "bad-value literal-secret"},
		{"a page of an environment", page("https://approvals.example.com") + ownPage("https://dev.approvals.example.com"), ""},
		{"a bad page of an environment", page("https://approvals.example.com") + ownPage("http://dev.approvals.example.com"), "page-url"},
		{"a page of an environment alone", ownPage("https://approvals.example.com"), "page-url"},
		{"a page that every pod passes on", strings.Replace(page("https://approvals.example.com"), ", serviceAccount: envoy", "", 1), "empty-selector"},
		{"a page that pods by a label of Cilium's pass on", strings.Replace(page("https://approvals.example.com"), "serviceAccount: envoy",
			"labels: {io.kubernetes.pod.namespace: more}", 1), "reserved-label"},
		{"a page that nobody passes on", strings.Replace(page("https://approvals.example.com"), ", pods: {namespace: gateway, serviceAccount: envoy}", "", 1), "missing-field"},

		// The database.
		{"three replicas with a database", database("postgres", ", credential: {secret: db, key: uri}", "db") + `
    runtime:
+     replicas: 3
`, ""},
		{"a database that is a service", database("service", ", credential: {secret: db, key: uri}", "db"), "endpoint-type"},
		{"a database without a credential", database("postgres", "", "db"), "runtime-database"},
		{"a database that is not there", database("postgres", ", credential: {secret: db, key: uri}", "bd"), "unknown-endpoint"},
		{"an agent in agentd's database", database("postgres", ", credential: {secret: db, key: uri}", "db") + `
agents.d/hello.yaml
    team: ai
+   endpoints: [{name: db}]
`, "endpoint-type timeout-chain"},

		// Names.
		{"an agent and a team of one name", `
agents.d/platform.yaml
    teams:
+     - {name: hello, email: ai@example.com, owners: ["@example/ai"], owns: agents}
agents.d/greeter.yaml
-   team: ai
+   team: hello
+   isolation: team
`, "shared-namespace name-collision"},
		{"a team that shares", `
agents.d/greeter.yaml
    team: ai
+   isolation: team
agents.d/hello.yaml
    team: ai
+   isolation: team
`, "shared-namespace shared-namespace"},
		{"an agent called system", `
agents.d/hello.yaml
- metadata: {name: hello}
+ metadata: {name: system}
agents.d/greeter.yaml
-     - {to: hello, skills: [greet]} # an edge exists only since hello accepts it
+     - {to: system, skills: [greet]}
`, "name-reserved"},
		{"one name in two files", `
policies/reviewers.yaml
- metadata: {name: reviewers}
+ metadata: {name: second}
` + policy("second", "\n"), "name-collision"},
		{"long names that begin alike", `
agents.d/platform.yaml
-   fleet: demo # namespaces begin with it: demo-hello, demo-system
+   fleet: a-fleet-whose-name-is-as-long-as-allowed

-         - {to: greeter, skills: [welcome]}
+         - {to: an-agent-whose-name-is-as-long-as-this-b, skills: [welcome]}
agents.d/greeter.yaml
- metadata: {name: greeter}
+ metadata: {name: an-agent-whose-name-is-as-long-as-this-b}

-     - {to: hello, skills: [greet]} # an edge exists only since hello accepts it
+     - {to: an-agent-whose-name-is-as-long-as-this-a, skills: [greet]}
agents.d/hello.yaml
- metadata: {name: hello}
+ metadata: {name: an-agent-whose-name-is-as-long-as-this-a}

-     - {from: greeter, skills: [greet]}
+     - {from: an-agent-whose-name-is-as-long-as-this-b, skills: [greet]}
`, ""},
		{"a client that is called like an agent", client("hello", "elsewhere", "other"), "name-collision timeout-chain"}, // it seems to call itself in a circle
		{"a client that is called like the runtime", client("agentd", "elsewhere", "other"), "name-reserved"},
		{"a client with the account of another", client("second", "portal", "portal"), "name-collision"},
		{"a client in an agent's namespace", client("second", "demo-hello", "hello"), "name-reserved"},
		{"Argo CD in a namespace of the fleet", `
agents.d/platform.yaml
      repository: https://git.example.com/demo/agents.git
+     argoNamespace: demo-argocd
`, "name-reserved"},
		{"one cluster for two environments", secondEnvironment(t) + `
agents.d/platform.yaml
-       cluster: https://kubernetes.default.svc
+       cluster: https://prod.example.com:6443/
`, "name-collision"},
		{"variables of the compiler's own, wherever they are set", `
agents.d/platform.yaml
    defaults:
+     env: {AGENTC_MODE: fast}
`, "name-reserved"},
		{"variables of the compiler's own, in an environment", `
agents.d/hello.yaml
    workload:
      timeouts: {request: 10s}
+   environments: {dev: {workload: {env: {AGENTC_MODE: fast}}}}
`, "name-reserved"},

		// Timeouts.
		{"agents that call each other", `
agents.d/greeter.yaml
      - {from: portal, skills: [welcome]} # a client of the platform
+     - {from: hello, skills: [welcome]}
agents.d/hello.yaml
+   requests:
+     - {to: greeter, skills: [welcome]}
    workload:
`, "timeout-chain"},
		{"one environment only", secondEnvironment(t) + `
agents.d/hello.yaml
    workload:
      timeouts: {request: 10s}
+   environments: {prod: {workload: {timeouts: {request: 35s}}}}
`, "timeout-chain"},
		{"as long as the callee", `
agents.d/hello.yaml
-     timeouts: {request: 10s}
+     timeouts: {request: 30s}
`, "timeout-chain"},
		{"an endpoint that may take longer, by default", `
agents.d/platform.yaml
      - {name: chat, type: mattermost, host: chat.example.com, port: 443}
+     - {name: model, type: model, host: llm.example.com, port: 443}
agents.d/hello.yaml
+   endpoints: [{name: model}]
    workload:
`, "timeout-chain"},
		{"a request longer than the default shutdown", `
agents.d/greeter.yaml
    requests:
      - {to: hello, skills: [greet]} # an edge exists only since hello accepts it
+   workload: {timeouts: {request: 1m}}
`, "timeout-shutdown"},

		// What was written wrong is reported once, by the reader.
		{"a limit that cannot be read is not missing", `
agents.d/platform.yaml
-       limits: {cpu: 500m, memory: 512Mi, ephemeralStorage: 256Mi}
+       limits: {cpu: 500m, memory: 512Mb, ephemeralStorage: 256Mi}
`, "bad-value"},
		{"a name that cannot be read may be the one that is meant", `
agents.d/hello.yaml
- metadata: {name: hello}
+ metadata: {name: Hello}
`, "bad-value"},
		{"a pause that cannot be read is no missing pause", `
agents.d/platform.yaml
    defaults:
+     rollout: {steps: [{weight: 20}, {pause: 10}]}
`, "bad-value"},

		// The rest.
		{"a tool of a server that has none", `
agents.d/platform.yaml
      - {name: chat, type: mattermost, host: chat.example.com, port: 443}
+     - {name: phrases, type: mcp, host: phrases.example.com, port: 443, timeout: 5s}
agents.d/hello.yaml
+   endpoints: [{name: phrases, tools: [find]}]
    workload:
`, "unknown-tool"},
		{"the runtime's own request above its default limit", `
agents.d/platform.yaml
    runtime:
+     resources: {requests: {cpu: "1"}}
`, "resource-order"},
		{"a host of the cluster in one environment only", `
agents.d/platform.yaml
        trustDomain: dev.example.com
+       endpoints: {chat: {host: chat.chat.svc.cluster.local}}
`, "cluster-host"},
		{"a host of the cluster, with its pods", `
agents.d/platform.yaml
        trustDomain: dev.example.com
+       endpoints: {chat: {host: chat.chat.svc.cluster.local, pods: {namespace: chat, serviceAccount: chat}}}
`, ""},
		{"a secret in Rego", "-- policies/greetings.rego --\n" + `package reviewers.soc

reject contains "wrong token" if input.context.parameters.token != "ghp_0123456789abcdefghijABCDEFGHIJ012345"
`, "literal-secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, rulesOf(t, c.edit)); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

// rulesOf names the rules that the base breaks with an edit, which files in the format of txtar may follow.
func rulesOf(t *testing.T, change string) string {
	t.Helper()
	archive := txtar.Parse([]byte("-- " + editSection + " --\n" + change))
	files := template(t)
	for _, f := range archive.Files {
		if f.Name == editSection {
			edit(t, files, string(f.Data))
			continue
		}
		files[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	var ids []string
	for _, p := range compile(t, files) {
		ids = append(ids, p.Rule)
	}
	return strings.Join(ids, " ")
}

// greets lets greeter request and hello accept lists of skills.
func greets(requested, accepted string) string {
	return `
agents.d/greeter.yaml
-     - {to: hello, skills: [greet]} # an edge exists only since hello accepts it
+     - {to: hello, skills: ` + requested + `}
agents.d/hello.yaml
-     - {from: greeter, skills: [greet]}
+     - {from: greeter, skills: ` + accepted + `}
`
}

// addRules puts reviewer rules before those of the base.
func addRules(rules string) string {
	return "policies/reviewers.yaml\n    rules:\n" + added(rules, "    ")
}

// seniors is one more route, with a quorum.
// person adds somebody to the people who may answer.
func person(text string) string {
	return `
policies/reviewers.yaml
        - {name: ann, email: ann@example.com, mattermost: ann, team: soc, groups: [reviewers]}
+       - ` + text + `
`
}

// hours gives the template's route hours, and two more routes.
func hours(otherwise, night string) string {
	return `
policies/reviewers.yaml
-       - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers]}
+       - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers], hours: {days: [mon], from: 8, until: 18, otherwise: ` + otherwise + `}}
+       - {name: night, endpoint: chat, channel: approvals, approvers: [reviewers]` + night + `}
+       - {name: last, endpoint: chat, channel: approvals, approvers: [reviewers]}
`
}

// page gives agentd one.
func page(url string) string {
	return `
agents.d/platform.yaml
    runtime:
+     page: {url: "` + url + `", pods: {namespace: gateway, serviceAccount: envoy}}
`
}

// ownPage is the page of one environment.
func ownPage(url string) string {
	return `
agents.d/platform.yaml
-       bundle: {trust: git} # later: key, with the public key that seals bundles
+       bundle: {trust: git}
+       page: "` + url + `"
`
}

// database gives agentd one.
func database(kind, credential, name string) string {
	return `
agents.d/platform.yaml
      - {name: chat, type: mattermost, host: chat.example.com, port: 443}
+     - {name: db, type: ` + kind + `, host: db.example.com, port: 5432` + credential + `}

      image: registry.example.com/agentd:0.1.0@sha256:64d41c14b5b36090adff390a3f5e071e6d02d622e83914a4e952e638733ede3f
+     database: ` + name + `
`
}

func seniors(quorum int) string {
	return fmt.Sprintf(`
policies/reviewers.yaml
        - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers]}
+       - {name: seniors, endpoint: chat, channel: seniors, approvers: [seniors], quorum: %d}

-       - {name: ann, email: ann@example.com, mattermost: ann, team: soc, groups: [reviewers]}
+       - {name: ann, email: ann@example.com, mattermost: ann, team: soc, groups: [reviewers, seniors]}
+       - {name: bo, email: bo@example.com, team: soc, groups: [seniors]}
`, quorum)
}

// policy is one more policy, in a file of its own; it stands last.
func policy(name, spec string) string {
	return "-- policies/" + name + ".yaml --\napiVersion: agents.d/v1alpha1\nkind: ReviewerPolicy\nmetadata: {name: " + name + "}\nspec:\n  team: soc" + spec
}

// intake hands events to hello.
const intake = `
agents.d/platform.yaml
      - {name: chat, type: mattermost, host: chat.example.com, port: 443}
+     - {name: kafka, type: kafka, host: kafka.example.com, port: 9093, timeout: 5s}
+   intake: [{name: falco, endpoint: kafka, topic: falco, to: hello, skill: greet}]
agents.d/hello.yaml
      - {from: greeter, skills: [greet]}
+     - {from: agentd, skills: [greet]}
`

// takes is intake, with more of them.
func takes(more ...string) string {
	return strings.Replace(intake, "skill: greet}]", "skill: greet}, "+strings.Join(more, ", ")+"]", 1)
}

// reads lets hello read from Kafka, at the end of intake's edit.
const reads = "+   endpoints: [{name: kafka}]\n"

// thresholds are those of the prefilter, with more of them.
func thresholds(more string) string {
	return intake + "policies/reviewers.yaml\n+   anomaly:\n+     percentile: 95\n+     bounds: {min: 80, max: 99.5}\n" + added(more, "    ") + "    escalation:\n"
}

// falcoFeatures are Features by one name, in a file.
func falcoFeatures(file, team string) string {
	return "-- policies/" + file + ".yaml --\napiVersion: agents.d/v1alpha1\nkind: Features\nmetadata: {name: falco}\nspec: {team: " + team + ", source: falco, features: [{name: root, flag: {field: user.uid, values: [\"0\"]}}]}\n"
}

// callsForest are the files of the case forest-agreed.
func callsForest(t *testing.T) string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/forest-agreed.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return "-- policies/calls.yaml --\n" + section(archive, "policies/features.yaml") + "-- agents.d/calls.json --\n" + section(archive, "agents.d/calls.json")
}

// client is one more client of the platform, which asks greeter.
func client(name, namespace, account string) string {
	return fmt.Sprintf(`
agents.d/platform.yaml
          - {to: greeter, skills: [welcome]}
+     - {name: %s, namespace: %s, serviceAccount: %s, requests: [{to: greeter, skills: [welcome]}]}
agents.d/greeter.yaml
      - {from: portal, skills: [welcome]} # a client of the platform
+     - {from: %[1]s, skills: [welcome]}
`, name, namespace, account)
}

// bundle puts other words about the bundle in place of the template's, and an endpoint to fetch it from.
func bundle(words string) string {
	return `
agents.d/platform.yaml
    endpoints:
+     - {name: store, type: service, host: store.example.com, port: 443}

-       bundle: {trust: git} # later: key, with the public key that seals bundles
+       bundle: ` + words + "\n"
}

// secondEnvironment is prod, in a cluster of its own, with dev's CA certificate.
func secondEnvironment(t *testing.T) string {
	t.Helper()
	return `
agents.d/platform.yaml
    environments:
+     - name: prod
+       trustDomain: prod.example.com
+       cluster: https://prod.example.com:6443
+       issuer: {name: prod-ca}
+       bundle: {trust: git}
+       ca:
+         - |
` + added(prodCA, "          ")
}

// prodCA is another example that trusts nobody: its private key was thrown away.
const prodCA = `-----BEGIN CERTIFICATE-----
MIIBtTCCAVqgAwIBAgIUbI5r1YwLTqxhwglekJY68QZMCeowCgYIKoZIzj0EAwIw
JjEkMCIGA1UEAwwbZXhhbXBsZSBwcm9kIENBLCByZXBsYWNlIG1lMB4XDTI2MTEy
MjIyMDQ0MloXDTM2MTExOTIyMDQ0MlowJjEkMCIGA1UEAwwbZXhhbXBsZSBwcm9k
IENBLCByZXBsYWNlIG1lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEN5yzlCPj
AN0d0q/az3iaKT3zWiSpb394ieN46k9lJ40wtFNNSANAE9ncZ/IZJ0qeEVCsoox8
VUMn8LOwIIUvBqNmMGQwHQYDVR0OBBYEFCwpXDWsUcQt4AeB0ap/wanCTLryMB8G
A1UdIwQYMBaAFCwpXDWsUcQt4AeB0ap/wanCTLryMBIGA1UdEwEB/wQIMAYBAf8C
AQAwDgYDVR0PAQH/BAQDAgEGMAoGCCqGSM49BAMCA0kAMEYCIQDuapdPvnqN22Uc
xhnZ7Kbw7ap0OIqDzLAUfWZss+OnfwIhAJanY/255ozFEeW6gA64CsVyUXqrcjNo
MEkjEFNn/kQc
-----END CERTIFICATE-----
`

// added marks lines as new, further to the right.
func added(text, indent string) string {
	var out strings.Builder
	for line := range strings.Lines(strings.Trim(text, "\n") + "\n") {
		out.WriteString("+ " + indent + line)
	}
	return out.String()
}

// noAgents is a fleet of which only the platform and the reviewers have begun.
const noAgents = `
deleted agents.d/greeter.yaml
deleted agents.d/hello.yaml
agents.d/platform.yaml
-   clients: # workloads outside the fleet that may ask its agents
-     - name: portal
-       namespace: portal
-       serviceAccount: portal
-       requests:
-         - {to: greeter, skills: [welcome]}
`

// TestSaidOnce: what holds in every environment is said once and names none; else the message says where it holds.
func TestSaidOnce(t *testing.T) {
	const slow = `
agents.d/hello.yaml
-     timeouts: {request: 10s}
+     timeouts: {request: 40s}
`
	const slowInDev = `
agents.d/hello.yaml
      timeouts: {request: 10s}
+   environments: {dev: {workload: {timeouts: {request: 40s}}}}
`
	for change, want := range map[string]string{slow: "lower the second [timeout-chain]\n", slowInDev: "lower the second (in dev) [timeout-chain]\n"} {
		archive := txtar.Parse([]byte("-- " + editSection + " --\n" + secondEnvironment(t) + change))
		if got := problems(t, archive); !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 1 {
			t.Errorf("problems:\n%swant one that ends in %s", got, want)
		}
	}
}

// TestSecrets: a secret is found wherever it stands, and what only looks like one is not.
func TestSecrets(t *testing.T) {
	for _, c := range []struct {
		name, value string
		secret      bool
	}{
		{"A", "AKIAIOSFODNN7EXAMPLE", true},
		{"A", "-----BEGIN PGP PRIVATE KEY BLOCK-----", true},
		{"A", "https://chat.example.com/hooks/a1b2c3d4e5f6g7h8i9j0k1l2m3", true},
		{"A", "redis://:hunter2@cache.example.com:6379", true},
		{"A", "postgres://app:hunter2@db.example.com/app?sslmode=require", true},
		{"A", "postgres://app:$(PASSWORD)@db.example.com/app", false},
		{"A", "https://wiki.example.com:8443/a@b", false},
		{"A", "sk-ant-api03-R2D2c3poR2D2c3poR2D2c3poR2D2c3po", true},
		{"A", "sk-learn-inference-service-for-production", false},
		{"A", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl", true},
		{"A", "high-xylophone-aria.example.com", false},
		{"OPENAI_API_KEY", "abc", true},
		{"PGPASSWORD", "hunter2", true},
		{"chat_token", "9f8e7d6c", true},
		{"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI", true},
		{"TOKEN_FILE", "token", false},
		{"CHAT_TOKEN", "/run/secrets/chat", false},
		{"MAX_TOKENS", "many", false},
		{"TOKEN_LIMIT", "many", false},
		{"MAX_TOKEN", "4096", false},
		{"DB_PASSWORD", "123456", true},
		{"USE_PASSWORD", "false", false},
	} {
		for _, place := range []string{
			"agents.d/hello.yaml\n    workload:\n+     env: {%s: %q}\n",
			"agents.d/platform.yaml\n    defaults:\n+     env: {%s: %q}\n",
		} {
			want := map[bool]string{true: "literal-secret"}[c.secret]
			if got := rulesOf(t, fmt.Sprintf(place, c.name, c.value)); got != want {
				t.Errorf("%s: %s: %q, want %q", c.name, c.value, got, want)
			}
		}
	}
}

// TestHosts: each wrong host breaks one rule and no other.
func TestHosts(t *testing.T) {
	for host, want := range map[string]string{
		"chat.example.com":                   "",
		"xn--bcher-kva.example":              "",
		"127-0-0-1.example.com":              "",
		"*":                                  "egress-wildcard",
		"*.example.com":                      "egress-wildcard",
		"chat.*.example.com":                 "egress-wildcard",
		"https://*.example.com":              "egress-url",
		"chat.example.com:443":               "egress-url",
		"chat.example.com/":                  "egress-url",
		"user@chat.example.com":              "egress-url",
		"10.0.0.0/8":                         "egress-url",
		"192.0.2.10":                         "egress-address",
		"192.0.2.10:443":                     "egress-address",
		"2001:db8::1":                        "egress-address",
		"[2001:db8::1]":                      "egress-address",
		"[2001:db8::1]:443":                  "egress-address",
		"127.1":                              "egress-host",
		"0x7f000001":                         "egress-host",
		"localhost":                          "egress-host",
		"chat":                               "egress-host",
		"chat.chat.svc":                      "egress-host",
		"chat.example.com.":                  "egress-host",
		"Chat.example.com":                   "egress-host",
		"chat_1.example.com":                 "egress-host",
		"-chat.example.com":                  "egress-host",
		"bücher.example":                     "egress-host",
		"chat..example.com":                  "egress-host",
		"chat.chat.svc.cluster.local":        "cluster-host",
		strings.Repeat("a", 64) + ".example": "egress-host",
	} {
		change := fmt.Sprintf(`
agents.d/platform.yaml
-     - {name: chat, type: mattermost, host: chat.example.com, port: 443}
+     - {name: chat, type: mattermost, host: %q, port: 443}
`, host)
		if got := rulesOf(t, change); got != want {
			t.Errorf("host %s breaks %q, want %q", host, got, want)
		}
	}
}
