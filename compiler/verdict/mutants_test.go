package verdict

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"agentc/compiler/claims"
	"agentc/compiler/judge"
	"agentc/policies/core"

	"github.com/google/go-cmp/cmp"
)

const (
	domain      = "spiffe://dev.soc.example/ns/"
	coordinator = domain + "soc-coordinator/sa/coordinator"
	notify      = domain + "soc-notify/sa/notify"
)

// bundleFiles are the files of an unpacked bundle.
type bundleFiles map[string][]byte

// edit changes data.json at a path; the last key is set, or removed if the value is nil.
func edit(value any, path ...string) func(bundleFiles) {
	return func(files bundleFiles) { files.edit(dataFile, value, path...) }
}

func (b bundleFiles) edit(file string, value any, path ...string) {
	var data map[string]any
	if err := json.Unmarshal(b[file], &data); err != nil {
		panic(err)
	}
	m := data
	for _, key := range path[:len(path)-1] {
		m = m[key].(map[string]any)
	}
	last := path[len(path)-1]
	if _, there := m[last]; value == nil && !there {
		panic(fmt.Sprint("nothing to remove: ", path))
	}
	if m[last] = value; value == nil {
		delete(m, last)
	}
	b[file], _ = json.MarshalIndent(data, "", "  ")
}

// class changes one of the classes of events that have thresholds of their own.
func class(i int, key string, value any) func(bundleFiles) {
	return func(files bundleFiles) {
		var data map[string]any
		if err := json.Unmarshal(files[dataFile], &data); err != nil {
			panic(err)
		}
		classes := data["anomaly"].(map[string]any)["classes"].([]any)
		c := classes[i].(map[string]any)
		if c[key] = value; value == nil {
			delete(c, key)
		}
		files.edit(dataFile, classes, "anomaly", "classes")
	}
}

// replace changes a text that a file holds.
func replace(file, old, new string) func(bundleFiles) {
	return func(files bundleFiles) {
		if !bytes.Contains(files[file], []byte(old)) {
			panic(file + " does not hold " + old)
		}
		files[file] = bytes.Replace(files[file], []byte(old), []byte(new), 1)
	}
}

func add(file, text string) func(bundleFiles) {
	return func(files bundleFiles) { files[file] = []byte(text) }
}

func drop(file string) func(bundleFiles) {
	return func(files bundleFiles) {
		if files[file] == nil {
			panic("no " + file)
		}
		delete(files, file)
	}
}

func all(changes ...func(bundleFiles)) func(bundleFiles) {
	return func(files bundleFiles) {
		for _, change := range changes {
			change(files)
		}
	}
}

func agent(path ...string) []string { return append([]string{"fleet", "agents"}, path...) }

type jsonObject = map[string]any

var rules = func(ids ...string) jsonObject { return jsonObject{"rules": ids} }

// mutants are what a fault of the compiler, or somebody's hand, could make of the bundle of the root's dev.
var mutants = []struct {
	name   string
	change func(bundleFiles)
	want   []string // one finding has it each
}{
	{"edge added", all(
		edit(rules("reviewers/notification-runs"), agent("remediate", "skills", "evict-pod", "callers", notify)...),
		edit(jsonObject{"agent": "notify", "skills": []string{"evict-pod"}, "allSkills": false}, agent("remediate", "callers", notify)...),
	), []string{
		"notify may not ask remediate for evict-pod: the bundle says auto-execute (reviewers/notification-runs), the spec says auto-reject (no-edge)",
		`fleet.agents.remediate.callers["` + notify + `"] is {"agent":"notify","allSkills":false,"skills":["evict-pod"]}, and the spec knows nothing of it`,
	}},
	{"skill added to an edge", edit(rules("reviewers/notification-runs"), agent("notify", "skills", "open-ticket", "callers", domain+"soc-remediate/sa/remediate")...), []string{
		"remediate may not ask notify for open-ticket: the bundle says auto-execute (reviewers/notification-runs), the spec says auto-reject (no-edge)",
	}},
	{"edge of a stranger", edit(rules("reviewers/notification-runs"), agent("notify", "skills", "open-ticket", "callers", "spiffe://evil.example/ns/x/sa/x")...), []string{
		`"spiffe://evil.example/ns/x/sa/x" may not ask notify for open-ticket: the bundle says auto-execute`,
	}},
	{"edge of a name in another domain", edit(rules("reviewers/notification-runs"), agent("notify", "skills", "open-ticket", "callers", strings.Replace(coordinator, "dev.", "prod.", 1))...), []string{
		`"spiffe://prod.soc.example/ns/soc-coordinator/sa/coordinator" may not ask notify for open-ticket: the bundle says auto-execute`,
	}},
	{"edge dropped", edit(nil, agent("notify", "skills", "open-ticket", "callers", coordinator)...), []string{
		"coordinator may ask notify for open-ticket: the bundle says auto-reject (no-edge), the spec says auto-execute (reviewers/notification-runs)",
	}},
	{"agent added", edit(jsonObject{"skills": jsonObject{"x": jsonObject{"callers": jsonObject{coordinator: rules("reviewers/notification-runs")}, "risk": "low"}}}, agent("shadow")...), []string{
		"coordinator may not ask shadow for x: the bundle says auto-execute", "fleet.agents.shadow is ",
	}},
	{"agent dropped", edit(nil, agent("notify")...), []string{
		"fleet.agents.notify is missing, and the spec says", "coordinator may ask notify for open-ticket: the bundle says auto-reject (no-edge)",
	}},
	{"verdict flipped", edit("auto-execute", "rules", "reviewers/containment-asks", "verdict"), []string{
		"for evict-pod with confidence 1: the bundle says auto-execute (reviewers/containment-asks), the spec says escalate (reviewers/containment-asks)",
		`rules["reviewers/containment-asks"].verdict is "auto-execute", and the spec says "escalate"`,
	}},
	{"rule dropped from a grant", edit([]string{"reviewers/containment-asks"}, agent("remediate", "skills", "evict-pod", "callers", coordinator, "rules")...), []string{
		"coordinator may ask remediate for evict-pod with confidence 0: the bundle says escalate (reviewers/containment-asks), the spec says auto-reject (reviewers/containment-in-doubt)",
	}},
	{"rule dropped", edit(nil, "rules", "reviewers/containment-asks"), []string{
		"the bundle says auto-reject (reviewers/containment-asks), the spec says escalate (reviewers/containment-asks, reviewers/containment-in-doubt)",
	}},
	{"rule added", edit(jsonObject{"team": "soc", "reason": "r", "verdict": "auto-execute", "when": jsonObject{}}, "rules", "reviewers/all"), []string{`rules["reviewers/all"] is`}},
	{"bound moved", edit(0.29, "rules", "reviewers/containment-in-doubt", "when", "confidence", "below"), []string{
		`with confidence 0.29999999999999993: the bundle says escalate (reviewers/critical-asks, reviewers/critical-without-anomaly), the spec says auto-reject (reviewers/containment-in-doubt)`,
		`rules["reviewers/containment-in-doubt"].when.confidence.below is 0.29, and the spec says 0.3`,
	}},
	{"bound dropped", edit(nil, "rules", "reviewers/incident-opens", "when", "anomaly"), []string{
		"detect may ask coordinator for handle-incident with confidence 1: the bundle says auto-execute (reviewers/incident-opens), the spec says escalate (no-rule)",
	}},
	{"bound in other letters", edit(jsonObject{"AtLeast": 80}, "rules", "reviewers/incident-opens", "when", "anomaly"), []string{
		`rules["reviewers/incident-opens"].when.anomaly.AtLeast is 80, and the spec knows nothing of it`,
		"with confidence 1 and anomaly 0: the bundle says auto-execute",
	}},
	{"reason changed", edit("Fine.", "rules", "reviewers/containment-asks", "reason"), []string{`rules["reviewers/containment-asks"].reason is "Fine."`}},
	{"all skills", edit(true, agent("notify", "callers", coordinator, "allSkills")...), []string{
		"coordinator may not ask notify for no skill by name: the bundle says auto-execute (reviewers/notification-runs), the spec says auto-reject (no-skill)",
	}},
	{"all skills, said twice", replace(dataFile, `"allSkills": false`, `"allSkills": true, "ALLSKILLS": false`), []string{
		"coordinator may not ask analyse for no skill by name: the bundle says auto-execute (reviewers/investigation-runs)", "ALLSKILLS is false, and the spec knows nothing of it",
	}},
	{"risk lowered", edit("low", agent("remediate", "skills", "block-image", "risk")...), []string{
		`fleet.agents.remediate.skills.block-image.risk is "low", and the spec says "critical"`, `at risk "low", the spec says`,
	}},
	{"another SPIFFE id", edit(notify, agent("remediate", "id")...), []string{`fleet.agents.remediate.id is "` + notify + `", and the spec says`}},
	{"another host", edit("evil.example", agent("remediate", "host")...), []string{`fleet.agents.remediate.host is "evil.example"`}},
	{"another team", edit("soc", agent("remediate", "team")...), []string{`fleet.agents.remediate.team is "soc"`}},
	{"endpoint added", edit(jsonObject{"host": "evil.example"}, agent("notify", "endpoints", "x")...), []string{`fleet.agents.notify.endpoints.x is {"host":"evil.example"}, and the spec knows nothing of it`}},
	{"endpoint's host", edit("evil.example", agent("analyse", "endpoints", "mistral", "host")...), []string{`fleet.agents.analyse.endpoints.mistral.host is "evil.example"`}},
	{"another place of an agent", edit("agents.d/notify.yaml:4", agent("remediate", "at")...), []string{`fleet.agents.remediate.at is "agents.d/notify.yaml:4", and the spec says "agents.d/remediate.yaml:`}},
	{"another place of a rule", edit("policies/soc/reviewers.yaml:1", "rules", "reviewers/containment-asks", "at"), []string{`rules["reviewers/containment-asks"].at is "policies/soc/reviewers.yaml:1", and the spec says`}},
	{"agentd's SPIFFE id", edit(notify, "runtime", "id"), []string{`runtime.id is "` + notify + `", and the spec says "` + domain + `soc-system/sa/agentd"`}},
	{"endpoint without TLS", edit(false, agent("analyse", "endpoints", "mistral", "tls")...), []string{"fleet.agents.analyse.endpoints.mistral.tls is false, and the spec says true"}},
	{"endpoint without its credential", edit(nil, agent("analyse", "endpoints", "mistral", "credential")...), []string{"fleet.agents.analyse.endpoints.mistral.credential is missing"}},
	{"agentd's endpoint added", edit(jsonObject{"host": "evil.example"}, "runtime", "endpoints", "x"), []string{`runtime.endpoints.x is {"host":"evil.example"}, and the spec knows nothing of it`}},
	{"agentd's endpoint's host", edit("evil.example", "runtime", "endpoints", "mattermost", "host"), []string{`runtime.endpoints.mattermost.host is "evil.example"`}},
	{"intake of another topic", edit("everything", "runtime", "intakes", "falco", "topic"), []string{`runtime.intakes.falco.topic is "everything", and the spec says "falco-events"`}},
	{"intake for another agent", edit("notify", "runtime", "intakes", "falco", "agent"), []string{`runtime.intakes.falco.agent is "notify", and the spec says "detect"`}},
	{"intake that a client posts", edit(notify, "runtime", "intakes", "falco", "client"), []string{`runtime.intakes.falco.client is "` + notify + `", and the spec knows nothing of it`}},
	{"events handed on elsewhere", edit(jsonObject{"endpoint": "kafka", "topic": "x"}, "runtime", "intakes", "falco", "forward"), []string{`runtime.intakes.falco.forward is {"endpoint":"kafka","topic":"x"}, and the spec knows nothing of it`}},
	{"intake dropped", edit(nil, "runtime", "intakes", "falco"), []string{`runtime.intakes.falco is missing, and the spec says`}},
	{"another page", edit("https://evil.example", "escalation", "page"), []string{`escalation.page is "https://evil.example", and the spec says "https://approvals.dev.soc.example"`}},
	{"tool added", edit("sha256:00", agent("analyse", "endpoints", "cluster-view", "tools", "pods.delete")...), []string{`tools["pods.delete"] is "sha256:00", and the spec knows nothing of it`}},
	{"approver added", edit([]string{"intern", "soc-oncall"}, "escalation", "routes", "oncall", "approvers"), []string{`escalation.routes.oncall.approvers.0 is "intern", and the spec knows nothing of it`}},
	{"person added", edit(jsonObject{"email": "x@evil.example", "team": "soc", "groups": []string{"soc-leads"}}, "escalation", "people", "x"), []string{
		`escalation.people.x is {"email":"x@evil.example","groups":["soc-leads"],"team":"soc"}, and the spec knows nothing of it`,
	}},
	{"person dropped", edit(nil, "escalation", "people", "lena"), []string{"escalation.people.lena is missing, and the spec says"}},
	{"person's email", edit("x@evil.example", "escalation", "people", "lena", "email"), []string{`escalation.people.lena.email is "x@evil.example", and the spec says "lena.brandt@soc.example"`}},
	{"person's name in the chat", edit("intern", "escalation", "people", "lena", "mattermost"), []string{`escalation.people.lena.mattermost is "intern", and the spec says "lena"`}},
	{"person's team", edit("platform", "escalation", "people", "lena", "team"), []string{`escalation.people.lena.team is "platform", and the spec says "soc"`}},
	{"person in another group", edit([]string{"soc-leads", "soc-oncall"}, "escalation", "people", "lena", "groups"), []string{`escalation.people.lena.groups.1 is "soc-oncall", and the spec knows nothing of it`}},
	{"quorum lowered", edit(1, "escalation", "routes", "leads", "quorum"), []string{"escalation.routes.leads.quorum is 1, and the spec says 2"}},
	{"quorum as text", edit("2", "escalation", "routes", "leads", "quorum"), []string{`escalation.routes.leads.quorum is "2", and the spec says 2`}},
	{"hours dropped", edit(nil, "escalation", "routes", "oncall", "hours"), []string{"escalation.routes.oncall.hours is missing, and the spec says"}},
	{"hours added", edit(jsonObject{"days": []string{"sun"}, "from": 3, "until": 4, "otherwise": "night"}, "escalation", "routes", "leads", "hours"), []string{
		`escalation.routes.leads.hours is {"days":["sun"],"from":3,"otherwise":"night","until":4}, and the spec knows nothing of it`,
	}},
	{"hours on another day", edit([]string{"sat"}, "escalation", "routes", "oncall", "hours", "days"), []string{`escalation.routes.oncall.hours.days.0 is "sat", and the spec says "mon"`}},
	{"longer hours", edit(24, "escalation", "routes", "oncall", "hours", "until"), []string{"escalation.routes.oncall.hours.until is 24, and the spec says 20"}},
	{"another route outside of hours", edit("leads", "escalation", "routes", "oncall", "hours", "otherwise"), []string{`escalation.routes.oncall.hours.otherwise is "leads", and the spec says "night"`}},
	{"lifetime", edit(9e9, "escalation", "lifetimeMs"), []string{"escalation.lifetimeMs is 9000000000, and the spec says 900000"}},
	{"route", edit("oncall", "rules", "reviewers/critical-asks", "route"), []string{`reviewers/critical-without-anomaly) by route "oncall", the spec says escalate (reviewers/containment-in-doubt, `}},
	{"default route", edit("leads", "escalation", "defaultRoute"), []string{`escalation.defaultRoute is "leads"`, `escalate (no-rule) by route "leads", the spec says escalate (no-rule) by route "oncall"`}},
	{"no prefilter", edit(nil, "anomaly"), []string{"anomaly is missing", "threshold for nothing known: the bundle says 0 (no-prefilter), the spec says 95 (policy)"}},
	{"percentile", class(1, "percentile", 99), []string{"anomaly.classes.1.percentile is 99", "threshold for nothing known: the bundle says 99 (policy), the spec says 95 (policy)"}},
	{"lower bound", class(1, "min", 91), []string{"anomaly.classes.1.min is 91", `95 (policy) of class "policy", 91 to 99.5, 200 an hour, a sample of 0.5, shadow 93, the spec says 95 (policy) of class "policy", 80 to 99.5`}},
	{"upper bound", class(1, "max", 96), []string{"anomaly.classes.1.max is 96", `of class "policy", 80 to 96, 200 an hour`}},
	{"budget", class(1, "perHour", 1), []string{"anomaly.classes.1.perHour is 1, and the spec says 200"}},
	{"shadow", class(1, "shadow", nil), []string{"anomaly.classes.1.shadow is missing"}},
	{"sample", class(1, "sample", 100), []string{"anomaly.classes.1.sample is 100, and the spec says 0.5"}},
	{"class of other events", class(0, "namespace", "shop"), []string{`namespace "kube-system", today "2000-01-01": the bundle says 95 (policy), the spec says 90 (class/control-plane)`}},
	{"class for more events", class(0, "namespace", nil), []string{`namespace "no such agent", today "2000-01-01": the bundle says 90 (class/control-plane), the spec says 95 (policy)`}},
	{"always", edit([]string{"Alert", "Emergency"}, "anomaly", "always"), []string{`priority "Critical", today "2000-01-01": the bundle says 95 (policy), the spec says 0 (always)`}},
	{"override for longer", replace(dataFile, "2027-06-30", "2027-07-01"), []string{`today "2027-07-01": the bundle says 99 (override/ci-builds), the spec says 95 (policy)`}},
	{"another forest", replace("forests/detect.json", `"offset":-0.5`, `"offset":-0.9`), []string{"forests/detect.json has the digest sha256:"}},
	{"another forest, agreed to", edit("sha256:0", "anomaly", "forests", "detect", "model"), []string{`anomaly.forests.detect.model is "sha256:0"`}},
	{"no forest", drop("forests/detect.json"), []string{"the bundle lacks forests/detect.json"}},
	{"no feedback", drop("forests/detect.feedback.json"), []string{"the bundle lacks forests/detect.feedback.json"}},
	{"a forest beside", add("forests/notify.json", "{}"), []string{"the bundle holds forests/notify.json, which is neither"}},
	{"other feedback", add("forests/detect.feedback.json", "{}"), []string{"forests/detect.feedback.json has the digest sha256:44136f"}},
	{"feedback beside", add("forests/notify.feedback.json", "{}"), []string{"the bundle holds forests/notify.feedback.json, which is neither"}},
	{"environment", edit("prod", "environment", "name"), []string{`environment.name is "prod", and the spec says "dev"`, `the bundle says nothing (the environment is "prod")`}},
	{"trust domain", edit("prod.soc.example", "environment", "trustDomain"), []string{`environment.trustDomain is "prod.soc.example"`}},
	{"data beside", add("agentc/rules/data.json", `{"reviewers/containment-asks": {"verdict": "auto-execute"}}`), []string{"the bundle holds agentc/rules/data.json, which is neither the product's nor made from the spec"}},
	{"data of reviewers", add("reviewers/data.json", `{"soc": {"x": 1}}`), []string{"the bundle holds reviewers/data.json, which is neither"}},
	{"data outside", add("other/data.json", `{"x": 1}`), []string{"OPA does not load the bundle"}},

	{"core changed", replace("agentc/decision.rego", `default verdict := "auto-reject"`, `default verdict := "auto-execute"`), []string{"agentc/decision.rego is not the product's"}},
	{"core's rule added", add("agentc/more.rego", "package agentc\n\ngrants[skill] := [] if skill := input.action.name\n"), []string{"the bundle holds agentc/more.rego, which is neither the product's nor made from the spec"}},
	{"core's file dropped", drop("agentc/threshold.rego"), []string{"the bundle lacks agentc/threshold.rego"}},
	{"core among the reviewers", add("reviewers/soc/more.rego", "package agentc\n\ngrants[skill] := [] if skill := input.action.name\n"), []string{"reviewers/soc/more.rego is none of the reviewers' files"}},
	{"reviewers' file dropped", drop("reviewers/soc/containment.rego"), []string{"the bundle lacks policies/soc/containment.rego: nobody hears what it rejects"}},
	{"reviewers' file twice", func(b bundleFiles) { b["reviewers/soc/again.rego"] = b["reviewers/soc/containment.rego"] }, []string{"is none of the reviewers' files"}},
	{"reviewers' file changed", replace("reviewers/soc/containment.rego", `"kube-system", `, ""), []string{"reviewers/soc/containment.rego is none of the reviewers' files", "the bundle lacks policies/soc/containment.rego"}},
	{"no Rego", replace("reviewers/soc/containment.rego", "package", "packag"), []string{"OPA does not load the bundle"}},
	{"data dropped", drop(dataFile), []string{"the bundle lacks agentc/data.json", "agentc is missing, and the spec says"}},
	{"data cut off", replace(dataFile, "}", ""), []string{"OPA does not load the bundle"}},

	{"self-test flipped", replace(selfTestFile, `"no-edge": [{"context":{},"verdict":"auto-reject"`, `"no-edge": [{"context":{},"verdict":"auto-execute"`), []string{
		"the test expects auto-execute (no-edge), the bundle says auto-reject (no-edge)",
	}},
	{"self-test laxer", replace(selfTestFile, `{"context":{},"atLeast":"escalate"}`, `{"context":{},"atLeast":"auto-execute"}`), []string{`the test expects at least "auto-execute", the spec says escalate`}},
	{"self-test stricter", replace(selfTestFile, `"reviewers/triage-runs": [{"context":{},"atLeast":"auto-execute"}]`, `"reviewers/triage-runs": [{"context":{},"atLeast":"auto-reject"}]`), []string{`agentd may ask detect for assess-event: the test expects at least "auto-reject", the spec says auto-execute`}},
	{"self-test without a verdict", replace(selfTestFile, `,"verdict":"auto-reject"`, ""), []string{`the test expects at least "", the spec says auto-reject`}},
	{"self-test without cases", replace(selfTestFile, `"reviewers/triage-runs": [`, `"x": [`), []string{`the self-test's cases "reviewers/triage-runs": there are none`}},
	{"self-test emptied", add(selfTestFile, `{"format": 1, "cases": {}, "vectors": []}`), []string{"the self-test does not ask whether agentd may ask detect for assess-event"}},
	{"self-test of another format", replace(selfTestFile, `"format": 1`, `"format": 2`), []string{"selftest.json is no self-test: its format is 2"}},
	{"self-test dropped", drop(selfTestFile), []string{"the bundle lacks selftest.json"}},

	{"manifest's environment", replace(manifestFile, `"dev"`, `"prod"`), []string{`metadata.environment is "prod", and the spec says "dev"`}},
	{"manifest's fleet", replace(manifestFile, `"soc"`, `"sok"`), []string{`metadata.fleet is "sok"`}},
	{"manifest's format", replace(manifestFile, `"format": 1`, `"format": 2`), []string{"metadata.format is 2, and the spec says 1"}},
	{"manifest's roots", replace(manifestFile, `"agentc",`, `"agentc", "other",`), []string{`roots.1 is "other", and the spec knows nothing of it`}},
	{"manifest's Rego", replace(manifestFile, `"rego_version": 1`, `"rego_version": 0`), []string{"rego_version is 0, and the spec says 1"}},
	{"one file's Rego", replace(manifestFile, `"rego_version": 1,`, `"rego_version": 1, "file_rego_versions": {"/agentc/*.rego": 1},`), []string{"file_rego_versions is"}},
	{"manifest dropped", drop(manifestFile), []string{"the bundle lacks .manifest"}},
	{"manifest is a list", add(manifestFile, "[]"), []string{".manifest is no manifest of a bundle"}},
}

// rendered is the root's dev with its bundle as bundleFiles have it, in the folder and in the ConfigMap.
type rendered struct {
	env   *claims.Environment
	files map[string][]byte
}

func newRendered(t *testing.T) rendered {
	t.Helper()
	c, files := compiled(t, dirs(t, "../.."))
	return rendered{&c.Environments[0], files}
}

func (r rendered) folder() string { return r.env.Name + "/bundle/" }

func (r rendered) bundle() bundleFiles {
	files := bundleFiles{}
	for path, data := range r.files {
		if name, inside := strings.CutPrefix(path, r.folder()); inside {
			files[name] = data
		}
	}
	return files
}

const holder = "dev/manifests/soc-system/bundle.yaml"

// with is the same with another bundle. Where the folder is not to follow, only agentd sees it.
func (r rendered) with(t *testing.T, bundle bundleFiles, folderFollows bool) map[string][]byte {
	t.Helper()
	files := maps.Clone(r.files)
	if folderFollows {
		maps.DeleteFunc(files, func(path string, _ []byte) bool { return strings.HasPrefix(path, r.folder()) })
		for name, data := range bundle {
			files[r.folder()+name] = data
		}
	}
	archive, err := pack(bundle)
	if err != nil {
		t.Fatal(err)
	}
	text := string(files[holder])
	start := strings.Index(text, archiveKey+": ") + len(archiveKey+": ")
	end := start + strings.IndexByte(text[start:], '\n')
	files[holder] = []byte(text[:start] + base64.StdEncoding.EncodeToString(archive) + text[end:])
	return files
}

func messages(findings []judge.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%s:%d:%d: %s (%s:%d)", f.File, f.Line, f.Column, f.Message, f.Spec.File, f.Spec.Line))
	}
	return all
}

func someSay(messages []string, words string) bool {
	return slices.ContainsFunc(messages, func(m string) bool { return strings.Contains(m, words) })
}

// atFault are the agents and the parts that a report finds at fault.
func atFault(r *report) []string {
	found := map[string]bool{}
	for _, f := range r.faults {
		found[strings.Join([]string{f.kind, f.group, f.file}, " ")] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// aboutCalls says whether a fault of the data could show in the answer to somebody's call.
func aboutCalls(f fault) bool {
	switch {
	case f.kind != kindData:
		return false
	case f.path[0] == "fleet":
		return len(f.path) < 4 || f.path[3] == "skills" || f.path[3] == "callers"
	}
	return f.path[0] == "rules"
}

// TestMutantsAreFound changes the bundle in every way that the judge is there for. What is asked of samples is also asked of everybody:
// the same agents and the same parts must be found at fault.
func TestMutantsAreFound(t *testing.T) {
	r := newRendered(t)
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			bundle := r.bundle()
			m.change(bundle)
			files := r.with(t, bundle, true)
			sampled, _, err := judged(context.Background(), r.env, files, options{core: coreModules(t)})
			if err != nil {
				t.Fatal(err)
			}
			findings := sampled.findings()
			got := messages(findings)
			for _, want := range m.want {
				if !someSay(got, want) {
					t.Errorf("nothing says %q:\n%s", want, strings.Join(got, "\n"))
				}
			}
			for _, f := range findings {
				if f.Layer != "decision" || f.Environment != "dev" || f.Object != "bundle dev" || f.Spec.File == "" || f.Line < 1 || f.Column < 1 {
					t.Errorf("half a finding: %+v", f)
				}
			}
			if testing.Short() || !slices.ContainsFunc(sampled.faults, aboutCalls) {
				return
			}
			whole, _, err := judged(context.Background(), r.env, files, options{core: coreModules(t), exhaustive: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(atFault(whole), atFault(sampled)); diff != "" {
				t.Errorf("whoever asks everybody finds something else:\n%s", diff)
			}
		})
	}
}

// TestCoreThatIsWrong: a fault in the core itself is no difference of files. It shows in the answers, once for each agent.
func TestCoreThatIsWrong(t *testing.T) {
	r := newRendered(t)
	for _, test := range []struct{ name, old, new, want string }{
		{"verdict", `verdict := "escalate" if verdicts in {{"escalate"}, {"auto-execute", "escalate"}}`, `verdict := "auto-execute" if verdicts in {{"escalate"}, {"auto-execute", "escalate"}}`,
			"coordinator may ask remediate for block-image: the bundle says auto-execute, the spec says escalate (reviewers/containment-in-doubt"},
		{"decision", `decision.decision := verdict == "auto-execute"`, `decision.decision := verdict != "auto-reject"`, "the bundle says nothing (the decision is true and the verdict escalate)"},
		{"route", `min({name | some name in routes; data.agentc.escalation.routes[name].quorum == quorum})`, "data.agentc.escalation.defaultRoute", `by route "oncall", the spec says`},
		{"edge", "ids := data.agentc.fleet.agents[input.resource.id].skills[skill].callers[input.subject.id].rules\n}\n\n# ...or", "some ids in [r.rules | some r in data.agentc.fleet.agents[input.resource.id].skills[skill].callers]\n}\n\n# ...or",
			"may not ask notify for open-ticket: the bundle says"},
		{"types", `	input.subject.type == "agent"`, "	true", `as "user" of "agent"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			bundle := r.bundle()
			replace("agentc/decision.rego", test.old, test.new)(bundle)
			var modules []core.Module
			for _, m := range coreModules(t) {
				m.Text = bundle["agentc/"+m.Name]
				modules = append(modules, m)
			}
			found, _, err := judged(context.Background(), r.env, r.with(t, bundle, true), options{core: modules})
			if err != nil {
				t.Fatal(err)
			}
			if got := messages(found.findings()); !someSay(got, test.want) || len(got) > 3*len(r.env.Decisions.Agents) {
				t.Errorf("nothing says %q, or too much is said:\n%s", test.want, strings.Join(got, "\n"))
			}
		})
	}
}
