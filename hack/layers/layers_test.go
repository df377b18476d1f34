// Package layers holds the test that keeps the house in order: who may import whom, and why.
package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layer is one package of the module.
type layer struct {
	pkg     string
	imports []string // the packages of the module that it may import
	reason  string   // what the wall is for
}

// layers lists every package of the module.
var layers = []layer{
	{"agentc/schema", nil,
		"what is written stands alone: editors, the compiler and the runtime read the same types"},
	{"agentc/policies/core", nil,
		"the product's Rego, embedded; it is data to whoever loads it"},
	{"agentc/forest", nil,
		"the anomaly model: the compiler trains it and the runtime scores with it, and it knows neither"},
	{"agentc/forest/events", []string{"agentc/forest", "agentc/schema"},
		"events become rows by what the SOC wrote; compiler and runtime read them alike"},
	{"agentc/forest/report", []string{"agentc/forest", "agentc/forest/events"},
		"says how good a forest is; it reads scores, and neither trains nor decides"},
	{"agentc/forest/synthetic", nil,
		"events that were made up, for tests and demonstrations; no product imports it"},
	{"agentc/forest/prefilter", []string{"agentc/forest/events"},
		"which events are worth an agent: the compiler replays with it what the runtime does with it"},
	{"agentc/forest/simulate", []string{"agentc/forest/events", "agentc/forest/prefilter"},
		"two policies and a recording; where either comes from is the command line's"},
	{"agentc/decision/strict", nil,
		"JSON of strangers; it knows nothing of what it says"},
	{"agentc/decision/fleet", nil,
		"the bundle's data as types; the compiler writes it and shares no code with it"},
	{"agentc/decision/bundle", nil,
		"a bundle as it comes, and its seal; it knows files, and not what they mean"},
	{"agentc/decision/engine", []string{"agentc/decision/bundle", "agentc/decision/fleet", "agentc/policies/core", "agentc/forest", "agentc/forest/events", "agentc/forest/prefilter"},
		"verdicts and thresholds, by the bundle alone: no network, no state, no clock; a simulation asks what agentd asks"},
	{"agentc/decision/loader", []string{"agentc/decision/bundle", "agentc/decision/engine"},
		"which bundle is in force; what is done with it, others say"},
	{"agentc/decision/action", nil,
		"the one form of an action that people approve and machines compare; it knows no store and no bundle"},
	{"agentc/decision/escalation", []string{"agentc/decision/action"},
		"what waits for people, and its store; who decides and how they are reached, its users say"},
	{"agentc/decision/record", nil,
		"the decision log; it knows files, hashes and keys, and nothing of who decides"},
	{"agentc/decision/trace", []string{"agentc/decision/record"},
		"reads logs and flows after the fact; it writes nothing and decides nothing"},
	{"agentc/decision/identity", nil,
		"who is at the other end, by the certificate; what they may do, others say"},
	{"agentc/decision/listen", nil,
		"what a client is granted, whatever is served"},
	{"agentc/decision/tracing", nil,
		"spans under the fleet's trace ids; without a collector there is none of it"},
	{"agentc/decision/point", []string{"agentc/decision/action", "agentc/decision/engine", "agentc/decision/escalation", "agentc/decision/fleet", "agentc/decision/loader", "agentc/decision/record", "agentc/decision/tracing"},
		"one decision, whole: who asks, the verdict, people, the record; every interface asks here"},
	{"agentc/decision/authzen", []string{"agentc/decision/engine", "agentc/decision/escalation", "agentc/decision/loader", "agentc/decision/point", "agentc/decision/strict"},
		"questions and answers on the wire; what the verdict is, the point says"},
	{"agentc/decision/mcp", []string{"agentc/decision/engine", "agentc/decision/escalation", "agentc/decision/fleet", "agentc/decision/loader", "agentc/decision/point"},
		"agents ask before they act; it reads, and changes nothing"},
	{"agentc/decision/approvals", []string{"agentc/decision/escalation", "agentc/decision/fleet", "agentc/decision/strict"},
		"the API of escalations; strict reads what strangers send"},
	{"agentc/decision/page", []string{"agentc/decision/approvals", "agentc/decision/escalation", "agentc/decision/fleet"},
		"the page decides by the rules and texts of the API"},
	{"agentc/decision/mattermost", []string{"agentc/decision/escalation", "agentc/decision/fleet", "agentc/decision/strict"},
		"asks people in a chat; the store is an interface of its own"},
	{"agentc/decision/intake", []string{"agentc/decision/engine", "agentc/decision/fleet", "agentc/decision/strict", "agentc/forest/events", "agentc/forest/prefilter"},
		"events in, passed on or dropped; whose certificate, which bundle and where it is recorded are parameters"},
	{"agentc/decision/metrics", []string{"agentc/decision/loader"},
		"what Prometheus reads; the names are a contract with the compiler's alerts"},
	{"agentc/decision/bundle/bundletest", []string{"agentc/decision/bundle"}, "bundles sealed by OPA's signer; only tests import it"},
	{"agentc/decision/engine/enginetest", []string{"agentc/decision/bundle", "agentc/decision/engine"}, "the example's bundle, ready; only tests import it"},
	{"agentc/decision/identity/identitytest", nil, "authorities and certificates; only tests import it"},
	{"agentc/decision/escalation/postgrestest", nil, "a real PostgreSQL; only tests import it"},
	{"agentc/decision/mattermost/fake", nil, "a server for tests; only they import it"},
	{"agentc/cmd/agentd", []string{"agentc/decision/approvals", "agentc/decision/authzen", "agentc/decision/bundle", "agentc/decision/engine", "agentc/decision/escalation", "agentc/decision/fleet", "agentc/decision/identity", "agentc/decision/intake", "agentc/decision/listen", "agentc/decision/loader", "agentc/decision/mattermost", "agentc/decision/mcp", "agentc/decision/metrics", "agentc/decision/page", "agentc/decision/point", "agentc/decision/record", "agentc/decision/trace", "agentc/decision/tracing", "agentc/forest/prefilter"},
		"the edge: flags, listeners, the end of the process, and what is put together of the rest"},
	{"agentc/hack/benchdecision", []string{"agentc/compiler/fleettest", "agentc/decision/fleet"},
		"prints how agentd stands beside OPA's server"},
	{"agentc/hack/synthetic", []string{"agentc/forest/synthetic"},
		"prints them"},
	{"agentc/hack/forestreport", []string{"agentc/schema", "agentc/forest", "agentc/forest/events", "agentc/forest/report", "agentc/forest/synthetic"},
		"prints docs/forest-quality.md"},
	{"agentc/compiler/model", []string{"agentc/schema"},
		"the meaning of a spec does not depend on what is made of it"},
	{"agentc/compiler/rego", []string{"agentc/schema", "agentc/policies/core"},
		"users' Rego is judged together with the core that calls it, and with nothing else"},
	{"agentc/compiler/check", []string{"agentc/schema", "agentc/forest", "agentc/forest/events", "agentc/compiler/model"},
		"rules see what is meant and what was written, never what is produced"},
	{"agentc/compiler/artifact", []string{"agentc/schema"},
		"bytes know the spec only as the place that they came from"},
	{"agentc/compiler/emit", []string{"agentc/schema", "agentc/compiler/model", "agentc/compiler/artifact", "agentc/compiler/rego", "agentc/policies/core"},
		"emitters are pure: no disk, no check, no command line"},
	{"agentc/compiler/lock", []string{"agentc/schema", "agentc/compiler/artifact"},
		"whose a file is, for the folder on disk and for the branch alike"},
	{"agentc/compiler/disk", []string{"agentc/compiler/artifact", "agentc/compiler/lock"},
		"the only package that writes to the disk; it knows files and no fleet"},
	{"agentc/compiler/seal", []string{"agentc/schema", "agentc/compiler/model", "agentc/compiler/artifact", "agentc/compiler/emit", "agentc/compiler/lock"},
		"adds sequence, expiry and signatures; it knows keys, and neither Git nor the disk"},
	{"agentc/compiler/git", []string{"agentc/compiler/artifact", "agentc/compiler/lock"},
		"Git without a worktree: it moves files, and knows neither fleets nor seals"},
	{"agentc/compiler/publish", []string{"agentc/schema", "agentc/compiler", "agentc/compiler/model", "agentc/compiler/artifact", "agentc/compiler/lock", "agentc/compiler/seal", "agentc/compiler/git"},
		"what is published where, and when to start over"},
	{"agentc/compiler/explain", []string{"agentc/schema", "agentc/compiler/model", "agentc/compiler/artifact"},
		"answers are read off the fleet and the tree, never computed again"},
	{"agentc/compiler/claims", []string{"agentc/schema", "agentc/compiler/model"},
		"what is claimed is read off the fleet: an emitter's fault must not be claimed too"},
	{"agentc/compiler/judge", []string{"agentc/compiler/claims", "agentc/compiler/artifact"},
		"asks the engines; it knows claims and files, and neither the fleet nor the emitters"},
	{"agentc/compiler/verdict", []string{"agentc/compiler/claims", "agentc/compiler/judge", "agentc/policies/core"},
		"judges the bundle by claims, files and OPA, and by nothing that wrote the bundle"},
	{"agentc/compiler/verify", []string{"agentc/compiler/claims", "agentc/compiler/judge", "agentc/compiler/verdict"},
		"every judge, asked about the same claims and files"},
	{"agentc/compiler", []string{"agentc/schema", "agentc/policies/core", "agentc/compiler/model", "agentc/compiler/check", "agentc/compiler/rego", "agentc/compiler/emit", "agentc/compiler/artifact", "agentc/compiler/lock"},
		"names the stages in order"},
	{"agentc/cmd/agentc", []string{"agentc/schema", "agentc/forest", "agentc/forest/events", "agentc/forest/report", "agentc/forest/simulate", "agentc/decision/bundle", "agentc/decision/engine", "agentc/compiler", "agentc/compiler/artifact", "agentc/compiler/claims", "agentc/compiler/disk", "agentc/compiler/judge", "agentc/compiler/lock", "agentc/compiler/explain", "agentc/compiler/seal", "agentc/compiler/git", "agentc/compiler/publish", "agentc/compiler/verify"},
		"the edge: flags, printing, exit codes"},
	{"agentc/compiler/fleettest", []string{"agentc/schema"}, "fleets of any size; only tests and measurements import it"},
	{"agentc/compiler/git/gittest", nil, "real servers of Git; only tests import it"},
	{"agentc/hack/layers", nil, "this test"},
	{"agentc/hack/prove", nil, "tests only: mutants and random fleets; nothing imports it"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for _, pkg := range list(t) {
		seen[pkg.ImportPath] = true
		i := slices.IndexFunc(layers, func(l layer) bool { return l.pkg == pkg.ImportPath })
		if i < 0 {
			t.Errorf("package %s stands in no layer; add it to the table, with what it may import and why", pkg.ImportPath)
			continue
		}
		for _, imported := range pkg.Imports {
			if strings.HasPrefix(imported, "agentc/") && !slices.Contains(layers[i].imports, imported) {
				t.Errorf("%s imports %s, which its layer does not allow: %s", pkg.ImportPath, imported, layers[i].reason)
			}
		}
		for _, allowed := range layers[i].imports {
			if !slices.Contains(pkg.Imports, allowed) {
				t.Errorf("%s may import %s and does not; close the door", pkg.ImportPath, allowed)
			}
		}
	}
	for _, l := range layers {
		if !seen[l.pkg] {
			t.Errorf("the table lists %s, which is not there", l.pkg)
		}
	}
}

// list asks the go command for every package of the module and what it imports, tests aside.
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "agentc/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg listed
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, pkg)
	}
}
