package fleettest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"agentc/schema"
)

// shapes are what makes a fleet hard. Each seed has one of them for certain, in turn, and each other one by a toss: so as many seeds in a row
// as there are shapes have them all.
var shapes = []string{
	"no edges", "all edges", "shared namespaces", "long names", "one host", "pods by labels", "no ingress", "stars", "clients", "entry",
	"no peers", "intake", "chat in the cluster", "canary", "actuators", "environments", "rego", "thresholds", "bundle endpoint", "signatures",
	"names of its own", "autoscaled", "many tools", "rules for all", "classes", "forests", "hours", "database", "posted", "handed on", "page",
}

// Random makes a fleet that compiles. The same seed makes the same fleet.
func Random(seed uint64) []schema.Dir {
	f := newRandom(seed)
	files := fstest.MapFS{}
	add := func(path, text string) { files[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	for i := range f.agents {
		add("agents.d/"+f.agents[i].name+".yaml", f.agentText(i))
	}
	add("agents.d/platform.yaml", f.platform())
	add("policies/reviewers.yaml", f.reviewers())
	if f.forest() {
		add("agents.d/models/calls.json", randomForest)
		add("policies/features.yaml", randomFeatures)
	}
	if f.has["rego"] {
		add("policies/limits.rego", randomRego)
	}
	spec, _ := fs.Sub(files, "agents.d")
	policies, _ := fs.Sub(files, "policies")
	return []schema.Dir{{Name: "agents.d", FS: spec}, {Name: "policies", FS: policies}}
}

// RandomShapes are the shapes that a seed has.
func RandomShapes(seed uint64) []string {
	f := newRandom(seed)
	return slices.DeleteFunc(slices.Clone(shapes), func(s string) bool { return !f.has[s] })
}

// random is a fleet in the making: what the files have to agree on.
type random struct {
	*rand.Rand
	has       map[string]bool
	fleet     string
	envs      []string
	agents    []randomAgent // each may ask those behind it, so that nobody calls in a circle
	endpoints []randomEndpoint
}

type randomAgent struct {
	name   string
	team   string
	entry  bool
	shared bool
	canary bool
	skills []int            // kinds of skills
	asks   map[int][]string // skills of another agent, as this one requests them
	grants map[int][]string // the same, as the other accepts them
	client []string         // skills that it accepts from the client
	intake bool
	uses   []int
}

type randomEndpoint struct {
	name, kind, host string
	port             int
	pods             string // in the spec's words; empty: outside the cluster
	tools            []string
}

func newRandom(seed uint64) *random {
	f := &random{Rand: rand.New(rand.NewPCG(seed, 1)), has: map[string]bool{}, fleet: "fleet"}
	for i, s := range shapes {
		// A third: with a half of all shapes in every fleet, hardly any fleet would lack much.
		f.has[s] = f.IntN(3) == 0 || seed%uint64(len(shapes)) == uint64(i)
	}
	sure := shapes[seed%uint64(len(shapes))]
	for _, both := range [][2]string{{"no edges", "all edges"}, {"no edges", "stars"}, {"no peers", "canary"}} { // what cannot be at once
		if f.has[both[0]] && f.has[both[1]] {
			f.has[both[0]], f.has[both[1]] = sure == both[0], sure != both[0]
		}
	}
	f.envs = []string{"dev"}
	if f.has["environments"] {
		f.envs = []string{"dev", "stage", "prod"}[:2+f.IntN(2)]
	}
	if f.has["long names"] {
		f.fleet = "fleet-with-a-name-as-long-as-they-may-be"
	}
	f.makeEndpoints()
	f.makeAgents()
	return f
}

// some is true once in n times.
func (f *random) some(n int) bool { return f.IntN(n) == 0 }

func (f *random) makeEndpoints() {
	add := func(name, kind, host string, port int, pods string, tools ...string) {
		f.endpoints = append(f.endpoints, randomEndpoint{name, kind, host, port, pods, tools})
	}
	chat := ""
	if f.has["chat in the cluster"] {
		chat = "{namespace: chat, serviceAccount: mattermost}"
	}
	add("chat", "mattermost", "chat.example.com", 8065, chat)
	add("model", "model", "api.example.com", 443, "")
	add("service", "service", "service.example.com", 443, "")
	add("account-pods", "service", "books.tools.svc."+f.domain(), 9000, "{namespace: tools, serviceAccount: books}")
	if f.has["pods by labels"] {
		add("label-pods", "service", "shelf.tools.svc."+f.domain(), 9001, "{namespace: tools, labels: {app: shelf, tier: back}}")
		add("both-pods", "model", "small.models.svc."+f.domain(), 8000, "{namespace: models, serviceAccount: small, labels: {app: small}}")
	}
	if f.has["one host"] {
		add("same-host", "service", "api.example.com", 8443, "")
		add("same-pods", "service", "books.tools.svc."+f.domain(), 9002, "{namespace: tools, serviceAccount: books}")
	}
	if f.has["many tools"] {
		add("lookup", "mcp", "mcp.example.com", 443, "", "find", "find.all", "read_one")
	}
	if f.has["actuators"] {
		add("hands", "mcp", "hands.mcp.svc."+f.domain(), 8080, "{namespace: mcp, serviceAccount: hands}", "pods.evict", "deny")
	}
	if f.has["intake"] {
		add("bus", "kafka", "bus.kafka.svc."+f.domain(), 9093, "{namespace: kafka, serviceAccount: bus}")
	}
	if f.has["database"] {
		add("answers", "postgres", "db.data.svc."+f.domain(), 5432, "{namespace: data, serviceAccount: postgres}")
	}
	if f.has["bundle endpoint"] {
		add("bundles", "service", "bundles.example.com", 443, "")
	}
}

func (f *random) domain() string {
	if f.has["names of its own"] {
		return "example.internal"
	}
	return "cluster.local"
}

// skillKinds are what skills there are. The rules go by their tags, one set of rules for each, so that no rule covers another.
var skillKinds = []struct{ tag, risk, rules string }{
	{"reads", "low", `
    - {id: reads, reason: Reading changes nothing., match: {tags: [reads], risks: [low]}, verdict: auto-execute}`},
	{"asks", "high", `
    - {id: asks, reason: Somebody must see it., match: {tags: [asks]}, verdict: escalate, route: leads}`},
	{"never", "critical", `
    - {id: never, reason: Nobody does that., match: {tags: [never], risks: [high, critical]}, verdict: auto-reject}`},
	{"sure", "medium", `
    - {id: sure, reason: It is unusual., match: {tags: [sure]}, when: {anomaly: {atLeast: 62.5}, confidence: {atLeast: 0.3, below: 0.95}}, verdict: auto-execute}`},
	{"doubt", "high", `
    - {id: doubt-asks, reason: Somebody must see it., match: {tags: [doubt]}, verdict: escalate}
    - {id: doubt, reason: The agent is not sure., match: {tags: [doubt]}, when: {confidence: {below: 0.4}}, verdict: auto-reject}`},
	{"band", "medium", `
    - {id: band, reason: It is unusual and not absurd., match: {tags: [band]}, when: {anomaly: {atLeast: 50, below: 99.5}}, verdict: auto-execute}
    - {id: band-low, reason: It is usual., match: {tags: [band]}, when: {anomaly: {below: 20}}, verdict: auto-reject}`},
	{"quiet", "low", `
    - {id: quiet, reason: It is harmless., match: {tags: [quiet]}, verdict: auto-execute}
    - {id: quiet-usual, reason: It is usual., match: {tags: [quiet]}, when: {anomaly: {below: 10}}, verdict: auto-reject}
    - {id: quiet-doubt, reason: The agent is not sure., match: {tags: [quiet]}, when: {confidence: {below: 0.5}}, verdict: escalate}`},
	{"unspoken", "medium", ""},
}

// unspoken is the last of them.
var unspoken = len(skillKinds) - 1

func skillID(kind int) string { return "do-" + skillKinds[kind].tag }

func (f *random) makeAgents() {
	n := 2 + f.IntN(5)
	for i := range n {
		a := randomAgent{name: fmt.Sprintf("a%d", i), team: "ai", asks: map[int][]string{}, grants: map[int][]string{}}
		if f.has["long names"] && !f.some(3) {
			a.name = fmt.Sprintf("agent-%d-with-a-name-as-long-as-it-may-be", i)[:39+i%2]
		}
		if a.shared = f.has["shared namespaces"] && i < max(2, n/2); !a.shared && f.some(2) {
			a.team = "lab"
		}
		a.canary = f.has["canary"] && (i == 0 || f.some(3))
		a.entry = f.has["entry"] && (i == 0 || f.some(3))
		if f.has["rules for all"] {
			a.skills = []int{unspoken} // first, so that whoever asks for anything asks for it: only there such a rule decides
		}
		for kind := range unspoken + 1 {
			if f.some(3) && !slices.Contains(a.skills, kind) {
				a.skills = append(a.skills, kind)
			}
		}
		if len(a.skills) == 0 {
			a.skills = []int{f.IntN(unspoken + 1)}
		}
		for e := range f.endpoints {
			if f.endpoints[e].kind != "mattermost" && f.endpoints[e].kind != "kafka" && f.endpoints[e].kind != "postgres" && f.endpoints[e].name != "bundles" && f.some(3) {
				a.uses = append(a.uses, e)
			}
		}
		f.agents = append(f.agents, a)
	}
	f.makeEdges()
	if last := &f.agents[n-1]; f.has["intake"] {
		last.intake = true
		if f.has["handed on"] { // it reads the topic itself
			last.uses = append(last.uses, slices.IndexFunc(f.endpoints, func(e randomEndpoint) bool { return e.name == "bus" }))
		}
	}
	if head := &f.agents[0]; f.has["clients"] {
		head.entry = true
		head.client = f.skillsOf(0)
	}
}

func (f *random) skillsOf(agent int) []string {
	var ids []string
	for _, kind := range f.agents[agent].skills {
		ids = append(ids, skillID(kind))
	}
	return ids
}

func (f *random) makeEdges() {
	if f.has["no edges"] {
		return
	}
	for i := range f.agents {
		for j := i + 1; j < len(f.agents); j++ {
			if f.has["no ingress"] && j == len(f.agents)-1 || !f.has["all edges"] && !f.some(3) {
				continue
			}
			skills := f.skillsOf(j)
			requested, granted := skills[:1+f.IntN(len(skills))], skills
			if f.has["stars"] {
				requested, granted = []string{`"*"`}, []string{`"*"`}
				switch f.IntN(3) {
				case 0:
					requested = skills[:1]
				case 1:
					granted = skills[:1]
				}
			}
			f.agents[i].asks[j], f.agents[i].grants[j] = requested, granted
		}
	}
}

func (f *random) agentText(i int) string {
	a := &f.agents[i]
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("apiVersion: agents.d/v1alpha1\nkind: Agent\nmetadata: {name: %s}\nspec:", a.name)
	line("  team: %s\n  description: One of a few agents.\n  entry: %t", a.team, a.entry)
	if a.shared {
		line("  isolation: team")
	}
	line("  image: %s", randomImage(a.name, "1.0.0"))
	if i == 0 && f.forest() {
		line("  forest: models/calls.json")
	}
	line("  card:\n    version: 1.0.0\n    skills:")
	for _, kind := range a.skills {
		line("      - {id: %s, name: Do, description: Does what it is asked for., tags: [%s], risk: %s}", skillID(kind), skillKinds[kind].tag, skillKinds[kind].risk)
	}
	f.edgesText(i, line)
	if len(a.uses) > 0 {
		line("  endpoints:")
	}
	for _, e := range a.uses {
		if tools := f.endpoints[e].tools; len(tools) > 0 {
			line("    - {name: %s, tools: [%s]}", f.endpoints[e].name, strings.Join(tools[:1+f.IntN(len(tools))], ", "))
		} else {
			line("    - {name: %s}", f.endpoints[e].name)
		}
	}
	f.workloadText(i, line)
	return b.String()
}

func randomImage(name, version string) string {
	return fmt.Sprintf("registry.example.com/agents/%s:%s@sha256:%s", name, version, strings.Repeat("0a", 32))
}

func (f *random) edgesText(i int, line func(string, ...any)) {
	a := &f.agents[i]
	var accepts, requests []string
	for j := range f.agents {
		if skills := f.agents[j].grants[i]; skills != nil {
			accepts = append(accepts, fmt.Sprintf("    - {from: %s, skills: [%s]}", f.agents[j].name, strings.Join(skills, ", ")))
		}
		if skills := a.asks[j]; skills != nil {
			requests = append(requests, fmt.Sprintf("    - {to: %s, skills: [%s]}", f.agents[j].name, strings.Join(skills, ", ")))
		}
	}
	if a.client != nil {
		accepts = append(accepts, fmt.Sprintf("    - {from: portal, skills: [%s]}", strings.Join(a.client, ", ")))
	}
	if a.intake {
		accepts = append(accepts, fmt.Sprintf("    - {from: agentd, skills: [%s]}", skillID(a.skills[0])))
	}
	if accepts != nil {
		line("  accepts:\n%s", strings.Join(accepts, "\n"))
	}
	if requests != nil {
		line("  requests:\n%s", strings.Join(requests, "\n"))
	}
}

func (f *random) workloadText(i int, line func(string, ...any)) {
	a := &f.agents[i]
	line("  workload:\n    timeouts: {request: %ds, shutdown: 5m}", 200-10*i)
	switch {
	case f.has["autoscaled"]:
		line("    replicas: {min: 2, max: %d}", 3+f.IntN(5))
	case f.some(2):
		line("    replicas: {min: %d}", 2+f.IntN(3))
	}
	if f.some(3) {
		line("    env: {MODE: careful, LEVEL: \"%d\"}", f.IntN(10))
	}
	if f.some(3) {
		line("    restart: {maxUnavailable: 0, liveness: {path: /alive, period: 20s}}")
	}
	if a.canary {
		line("    rollout:\n      strategy: canary\n      stable: %s\n      steps: [{weight: 30}, {pause: 5m}]", randomImage(a.name, "0.9.0"))
	}
	if f.has["environments"] && f.some(2) {
		line("  environments:\n    dev:\n      image: %s\n      workload: {replicas: {min: 2, max: 2}, env: {DEBUG: \"1\"}}", randomImage(a.name, "1.1.0-rc.1"))
	}
}

func (f *random) platform() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("apiVersion: agents.d/v1alpha1\nkind: Platform\nmetadata: {name: platform}\nspec:\n  fleet: %s\n  teams:", f.fleet)
	for _, t := range [][2]string{{"ai", "agents"}, {"lab", "agents"}, {"soc", "policies"}, {"platform", "platform"}} {
		line(`    - {name: %s, email: %s@example.com, owners: ["@example/%s"], owns: %s}`, t[0], t[0], t[0], t[1])
	}
	line("  registries: [registry.example.com]\n  runtime:\n    image: %s", randomImage("agentd", "0.1.0"))
	if f.has["database"] {
		line("    database: answers\n    replicas: %d", 1+f.IntN(3))
	}
	if f.has["page"] {
		line("    page: {url: \"https://approvals.example.com%s\", pods: {namespace: gateway, %s}}", []string{"", ":8443"}[f.IntN(2)],
			[]string{"serviceAccount: envoy", "labels: {app: envoy}"}[f.IntN(2)])
	}
	f.endpointsText(line)
	f.peersText(line)
	if f.has["clients"] {
		line("  clients:\n    - {name: portal, namespace: portal, serviceAccount: web, requests: [{to: %s, skills: [%s]}]}", f.agents[0].name, strings.Join(f.agents[0].client, ", "))
	}
	if f.has["intake"] {
		last := &f.agents[len(f.agents)-1]
		forward := ""
		if f.has["handed on"] && f.some(2) {
			forward = ", forward: {endpoint: bus, topic: events.unusual}"
		}
		line("  intake:\n    - {name: events, endpoint: bus, topic: events.all, to: %s, skill: %s%s}", last.name, skillID(last.skills[0]), forward)
		if f.has["posted"] {
			line("    - {name: posted, client: {namespace: falco, serviceAccount: sidekick}, to: %s, skill: %s}", last.name, skillID(last.skills[0]))
		}
		if f.has["handed on"] {
			line("    - {name: kept, endpoint: bus, topic: events.more, to: %s, skill: %s, forward: {endpoint: bus, topic: unusual}}", last.name, skillID(last.skills[0]))
		}
	}
	if f.has["actuators"] {
		line("  actuators:\n    - {name: hands, endpoint: hands, namespace: mcp, serviceAccount: hands, mode: %s, resources: [{resource: pods, verbs: [update, delete]}, {group: networking.k8s.io, resource: networkpolicies, verbs: [create]}]}",
			[]string{"enforce", "report"}[f.IntN(2)])
	}
	line("  git:\n    repository: https://git.example.com/fleet/agents.git")
	if f.has["signatures"] {
		line("    signatureKeys: [4AEE18F83AFDEB23, 0123456789ABCDEF]")
	}
	if f.has["names of its own"] {
		line("    path: out/made\n    argoNamespace: delivery")
	}
	line("  defaults:\n    resources:\n      limits: {cpu: 500m, memory: 512Mi, ephemeralStorage: 256Mi}")
	line("  environments:")
	for i, name := range f.envs {
		f.environmentText(i, name, line)
	}
	return b.String()
}

func (f *random) endpointsText(line func(string, ...any)) {
	line("  endpoints:")
	for _, e := range f.endpoints {
		line("    - name: %s\n      type: %s\n      host: %s\n      port: %d", e.name, e.kind, e.host, e.port)
		if e.pods != "" {
			line("      pods: %s", e.pods)
		}
		if e.kind == "kafka" {
			line("      aliases: [bus-0.bus.kafka.svc.%s, bus-1.bus.kafka.svc.%s]", f.domain(), f.domain())
		}
		switch f.IntN(4) { // the others as is usual there
		case 0:
			line("      tls: true")
		case 1:
			line("      tls: %t", e.name == "bundles")
		}
		if e.kind == "postgres" || f.some(2) {
			line("      credential: {secret: %s-login, key: password}", e.name)
		}
		if len(e.tools) > 0 {
			line("      tools:")
		}
		for i, tool := range e.tools {
			line("        - {name: %s, schema: \"sha256:%s\"}", tool, strings.Repeat(fmt.Sprintf("%02x", i), 32))
		}
	}
}

func (f *random) peersText(line func(string, ...any)) {
	if f.has["no peers"] && !f.has["names of its own"] {
		line("  peers: {}")
		return
	}
	line("  peers:")
	if f.has["names of its own"] {
		line("    dns: {namespace: dns, labels: {app: coredns}, port: 5353}")
	}
	if f.has["no peers"] {
		return
	}
	line("    prometheus: {namespace: monitoring, labels: {app.kubernetes.io/name: prometheus}, port: 9090, host: prometheus.monitoring.svc.%s}", f.domain())
	if f.some(2) || f.has["canary"] {
		line("    otlp: {namespace: traces, labels: {app: collector}, port: 4317, host: collector.traces.svc.%s}", f.domain())
	}
}

func (f *random) environmentText(i int, name string, line func(string, ...any)) {
	line("    - name: %s\n      trustDomain: %s.example.com\n      cluster: https://kubernetes.%s.example.com:6443", name, name, name)
	if i == 0 {
		line("      revision: release/%s", name)
	}
	if f.has["names of its own"] {
		line("      clusterDomain: %s", f.domain())
	}
	line("      issuer: {kind: %s, name: ca}", []string{"ClusterIssuer", "Issuer"}[f.IntN(2)])
	line("      certificates: {duration: %dh, renewBefore: 4h}", 12+f.IntN(20))
	line("      ca:\n        - |\n%s", indent(certificate(2*i+1), 10))
	if f.some(2) { // one takes over from the other
		line("        - |\n%s", indent(certificate(2*i+2), 10))
	}
	switch {
	case f.has["bundle endpoint"]:
		line("      bundle:\n        trust: key\n        endpoint: bundles\n        path: /%s/bundle.tar.gz\n        keys:\n          - id: one\n            key: |\n%s", name, indent(randomKey, 14))
	case f.some(2):
		line("      bundle:\n        trust: key\n        keys:\n          - id: one\n            key: |\n%s", indent(randomKey, 14))
	default:
		line("      bundle: {trust: git}")
	}
	if f.has["environments"] && i > 0 {
		line("      endpoints:\n        service: {host: service.%s.example.com, port: 8443}\n        account-pods: {host: books.%s.svc.%s, pods: {namespace: %s, labels: {app: books}}}", name, name, f.domain(), name)
		line("      defaults: {replicas: {min: 2}, env: {LEVEL: low}}")
		if f.has["page"] {
			line("      page: https://%s.approvals.example.com", name)
		}
	}
}

// certificate is that of a CA. Each environment has its own, and the same each time: an Ed25519 signature depends on the key alone.
func certificate(serial int) string {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(serial)}, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(serial)), Subject: pkix.Name{CommonName: fmt.Sprint("CA ", serial)},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func indent(text string, by int) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Repeat(" ", by)+strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

const randomKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7s6NxIAoM0NgabTjDk7dIG3Eeact
k87+MHoTBY4Qy3YaotnNJQuQC3nSTBKCItm3x+y1lfeqra7oO02QR1REzQ==
-----END PUBLIC KEY-----`

const randomRego = `package reviewers.soc

reject contains "the action names no target" if {
	input.action.name == "do-sure"
	not input.context.parameters.target
}

escalate contains "nobody is there at night" if input.context.hour >= 22

threshold := 70 if input.context.hour < 6
`

func (f *random) reviewers() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("apiVersion: agents.d/v1alpha1\nkind: ReviewerPolicy\nmetadata: {name: reviewers}\nspec:\n  team: soc\n  rules:")
	for _, kind := range skillKinds {
		if kind.rules != "" {
			line("%s", strings.TrimPrefix(kind.rules, "\n"))
		}
	}
	if f.has["rules for all"] {
		line("    - {id: anything-absurd, reason: It is not plausible., when: {confidence: {below: 0.05}}, verdict: escalate, route: leads}")
		line("    - {id: of-one-caller, reason: It may be trusted with that., match: {tags: [unspoken], callers: [%s]}, when: {anomaly: {atLeast: 99}}, verdict: auto-execute}", f.agents[0].name)
		for _, a := range f.agents {
			line("    - {id: of-%s, reason: It is usual., match: {skills: [%s/%s]}, when: {anomaly: {below: 5}}, verdict: auto-reject}", a.name, a.name, skillID(unspoken))
		}
	}
	line("  floors:\n    - {tags: [asks], risk: high}")
	line("  escalation:\n    lifetime: %dm\n    default: people\n    routes:", 1+f.IntN(60))
	hours := ""
	if f.has["hours"] {
		hours = fmt.Sprintf(", hours: {days: [mon, wed, sun], from: %d, until: %d, otherwise: leads}", f.IntN(12), 12+f.IntN(13))
	}
	line("      - {name: people, endpoint: chat, channel: approvals, approvers: [reviewers]%s}\n      - {name: leads, endpoint: chat, channel: leads, approvers: [leads, platform], quorum: 2}", hours)
	line("    people:")
	for i, groups := range []string{"reviewers", "leads", "platform", "leads, reviewers"} {
		chat := ""
		if f.some(2) {
			chat = fmt.Sprintf(", mattermost: p%d", i)
		}
		line("      - {name: p%d, email: p%d@example.com, team: %s, groups: [%s]%s}", i, i, []string{"soc", "platform", "lab"}[f.IntN(3)], groups, chat)
	}
	if f.has["thresholds"] {
		f.thresholds(line)
	}
	return b.String()
}

func (f *random) thresholds(line func(string, ...any)) {
	line("  anomaly:\n    percentile: %d\n    bounds: {min: 60, max: 99.5}\n    always: [Critical, Alert]", 80+f.IntN(19))
	if f.has["classes"] {
		line("    perHour: %d\n    shadow: %d\n    sample: 0.25", 1+f.IntN(500), 60+f.IntN(30))
		line("    classes:\n      - {id: jobs, namespace: ci, percentile: 98, bounds: {min: 90, max: 99}, perHour: 10}")
		line("      - {id: errors-of-jobs, namespace: ci, priority: Error, percentile: 70, sample: 5}\n      - {id: errors, priority: Error, percentile: 70}")
		if f.has["intake"] {
			line("      - {id: last, agent: %s, percentile: 70, shadow: 65}", f.agents[len(f.agents)-1].name)
		}
	}
	if f.forest() {
		line("    forests: [{agent: %s, digest: \"sha256:%x\"}]", f.agents[0].name, sha256.Sum256([]byte(randomForest)))
	}
	line("    overrides:")
	line("      - {id: builds, priority: Notice, namespace: ci, percentile: 99, owner: a@example.com, reason: Builds do that., expires: \"2999-12-31\"}")
	line("      - {id: tests, percentile: 97.5, owner: a@example.com, reason: Tests do that., expires: \"2020-01-01\"}")
	if f.has["intake"] {
		line("      - {id: stream, source: events, percentile: 61, owner: a@example.com, reason: It is new., expires: \"2999-12-31\"}")
	}
}

// forest says whether an anomaly model, for calls, stands before the first agent.
func (f *random) forest() bool {
	return f.has["thresholds"] && f.has["forests"] && !f.agents[0].intake
}

const randomFeatures = `apiVersion: agents.d/v1alpha1
kind: Features
metadata: {name: calls}
spec:
  team: soc
  source: a2a
  features:
    - {name: opens-ticket, flag: {field: skill, values: [open-ticket]}}
`

// randomForest was trained on two calls.
const randomForest = `{"format":1,
"features":{"team":"soc","source":"a2a","features":[{"name":"opens-ticket","flag":{"field":"skill","values":["open-ticket"]}}]}
,"tables":[null
],"forest":{"format":1,"features":["opens-ticket"],"sampleSize":2,"offset":-0.5,"c":[0,0,1],"quantiles":{"rows":2,"ranks":[0,1],"sums":[1,1]},"trees":[
{"feature":[0,-1,-1],"threshold":[0.023676496,0,0],"left":[1,-1,-1],"right":[2,-1,-1],"n":[2,1,1]}
]}
}
`
