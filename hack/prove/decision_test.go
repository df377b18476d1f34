//go:build judge

package prove

import (
	"fmt"
	"slices"
	"strings"
)

const dataFile = "agentc/data.json"

var decisionKinds = []kind{
	{name: "edge added", layers: "decision", mutate: func(t *target) {
		d := t.json(dataFile)
		agents := dict(d.tree, "fleet", "agents")
		for _, callee := range sorted(agents) {
			for _, caller := range sorted(agents) {
				id := str(at(agents, caller, "id"))
				if caller == callee || at(agents, callee, "callers", id) != nil || !t.here(caller+" to "+callee, d) {
					continue
				}
				var skills []any
				for _, skill := range sorted(dict(agents, callee, "skills")) {
					skills = append(skills, skill)
					set(agents, y{"rules": l()}, callee, "skills", skill, "callers", id)
				}
				set(agents, y{"agent": caller, "skills": skills, "allSkills": false}, callee, "callers", id)
			}
		}
	}},
	{name: "edge dropped", layers: "decision", mutate: edges(func(agent, _ y, id string) { dropEdge(agent, id) })},
	{name: "edge of another caller", layers: "decision", mutate: edges(func(agent, _ y, id string) {
		elsewhere := id[:strings.LastIndex(id, "/")] + "/elsewhere"
		set(agent, at(agent, "callers", id), "callers", elsewhere)
		for _, skill := range dict(agent, "skills") {
			if grant := at(skill, "callers", id); grant != nil {
				set(skill, grant, "callers", elsewhere)
			}
		}
		dropEdge(agent, id)
	})},
	{name: "edge of a caller in another trust domain", layers: "decision", mutate: edges(func(agent, _ y, id string) {
		elsewhere := "spiffe://elsewhere.example/" + strings.SplitN(id, "/", 4)[3]
		set(agent, clone(at(agent, "callers", id)), "callers", elsewhere)
		for _, skill := range dict(agent, "skills") {
			if grant := at(skill, "callers", id); grant != nil {
				set(skill, grant, "callers", elsewhere)
			}
		}
	})},
	{name: "caller by another name", layers: "decision", mutate: edges(func(_, caller y, _ string) { caller["agent"] = "elsewhere" })},
	{name: "every skill", layers: "decision", mutate: edges(func(_, caller y, _ string) { caller["allSkills"] = caller["allSkills"] != true })},
	{name: "grant added", layers: "decision", mutate: func(t *target) {
		eachEdge(t, func(d *object, name string, agent, caller y, id string) {
			for _, skill := range sorted(dict(agent, "skills")) {
				if at(agent, "skills", skill, "callers", id) == nil && t.here(fmt.Sprint(skill, " of ", name, " for ", id), d) {
					set(agent, y{"rules": l()}, "skills", skill, "callers", id)
					caller["skills"] = append(list(caller, "skills"), skill)
				}
			}
		})
	}},
	{name: "grant dropped", layers: "decision", mutate: grants(func(agent, caller, _ y, skill, id string) {
		remove(agent, "skills", skill, "callers", id)
		caller["skills"] = slices.DeleteFunc(slices.Clone(list(caller, "skills")), func(s any) bool { return s == skill })
	})},
	{name: "grant of a skill that is not listed", layers: "decision", mutate: grants(func(_, caller, _ y, skill, _ string) {
		caller["skills"] = slices.DeleteFunc(slices.Clone(list(caller, "skills")), func(s any) bool { return s == skill })
	})},
	{name: "rule dropped from a grant", layers: "decision", mutate: func(t *target) {
		eachGrant(t, func(d *object, place string, _, _, grant y, _, _ string) {
			for i, rule := range list(grant, "rules") {
				if t.here(fmt.Sprint(place, ": ", rule), d) {
					remove(grant, "rules", i)
				}
			}
		})
	}},
	{name: "rule added to a grant", layers: "decision", mutate: func(t *target) {
		rules := sorted(dict(t.json(dataFile).tree, "rules"))
		eachGrant(t, func(d *object, place string, _, _, grant y, _, _ string) {
			for _, rule := range rules {
				if !slices.Contains(list(grant, "rules"), any(rule)) && t.here(fmt.Sprint(place, ": ", rule), d) {
					grant["rules"] = append(list(grant, "rules"), rule)
				}
			}
		})
	}},
	// It means the same. But the data follows from the claims to the last byte, and who writes it otherwise is not the compiler.
	{name: "rules of a grant in another order", layers: "decision", mutate: func(t *target) {
		eachGrant(t, func(d *object, place string, _, _, grant y, _, _ string) {
			if rules := list(grant, "rules"); len(rules) > 1 && t.here(place, d) {
				slices.Reverse(rules)
			}
		})
	}},
	{name: "verdict flipped", layers: "decision", mutate: func(t *target) {
		eachRuleOf(t, func(d *object, id string, rule y) {
			for _, verdict := range []string{"auto-execute", "auto-reject", "escalate"} {
				if rule["verdict"] != verdict && t.here(id+" → "+verdict, d) {
					rule["verdict"] = verdict
				}
			}
		})
	}},
	{name: "verdict that does not exist", layers: "decision", mutate: ruleOf(func(rule y) { rule["verdict"] = "execute" })},
	{name: "rule dropped", layers: "decision", mutate: func(t *target) {
		eachRuleOf(t, func(d *object, id string, _ y) {
			if t.here(id, d) {
				d.remove("rules", id)
			}
		})
	}},
	{name: "bound moved", layers: "decision", mutate: bounds(func(of y, end string) { of[end] = of[end].(float64) * 0.9 })},
	{name: "bound moved by a hair", layers: "decision", mutate: bounds(func(of y, end string) { of[end] = of[end].(float64) + 1e-9 })},
	{name: "bound turned around", layers: "decision", mutate: bounds(func(of y, end string) {
		other := map[string]string{"below": "atLeast", "atLeast": "below"}[end]
		of[other] = of[end]
		delete(of, end)
	})},
	{name: "condition dropped", layers: "decision", mutate: func(t *target) {
		eachRuleOf(t, func(d *object, id string, rule y) {
			for _, what := range sorted(dict(rule, "when")) {
				if t.here(id+" "+what, d) {
					remove(rule, "when", what)
				}
			}
		})
	}},
	{name: "condition added", layers: "decision", mutate: func(t *target) {
		eachRuleOf(t, func(d *object, id string, rule y) {
			if at(rule, "when", "confidence") == nil && t.here(id, d) {
				set(rule, y{"atLeast": 0.9}, "when", "confidence")
			}
		})
	}},
	{name: "route of a rule", layers: "decision", mutate: ruleOf(func(rule y) { rule["route"] = "elsewhere" })},
	{name: "reason of a rule", layers: "decision", mutate: ruleOf(func(rule y) { rule["reason"] = "It is fine." })},
	{name: "risk of a skill", layers: "decision", mutate: func(t *target) {
		eachSkill(t, func(d *object, name, skill string, of y) {
			if t.here(name+"/"+skill, d) {
				of["risk"] = map[any]string{"low": "critical"}[of["risk"]]
				if of["risk"] == "" {
					of["risk"] = "low"
				}
			}
		})
	}},
	{name: "tag dropped", layers: "decision", mutate: func(t *target) {
		eachSkill(t, func(d *object, name, skill string, of y) {
			if len(list(of, "tags")) > 0 && t.here(name+"/"+skill, d) {
				remove(of, "tags", 0)
			}
		})
	}},
	{name: "skill added", layers: "decision", mutate: agentsOf(func(agent y) { set(agent, y{"risk": "low", "callers": y{}}, "skills", "more") })},
	{name: "agent dropped", layers: "decision", mutate: func(t *target) {
		d := t.json(dataFile)
		for _, name := range sorted(dict(d.tree, "fleet", "agents")) {
			if t.here(name, d) {
				d.remove("fleet", "agents", name)
			}
		}
	}},
	{name: "agent added", layers: "decision", mutate: func(t *target) {
		d := t.json(dataFile)
		for _, name := range sorted(dict(d.tree, "fleet", "agents")) {
			if t.here("like "+name, d) {
				d.set(clone(d.at("fleet", "agents", name)), "fleet", "agents", "more")
			}
		}
	}},
	{name: "agent's id", layers: "decision", mutate: agentsOf(func(agent y) { agent["id"] = "spiffe://elsewhere.example/ns/a/sa/a" })},
	{name: "agent's host", layers: "decision", mutate: agentsOf(func(agent y) { agent["host"] = "elsewhere.example" })},
	{name: "agent's team", layers: "decision", mutate: agentsOf(func(agent y) { agent["team"] = "elsewhere" })},
	{name: "entry", layers: "decision", mutate: agentsOf(func(agent y) { agent["entry"] = agent["entry"] != true })},
	{name: "time that a request may take", layers: "decision", mutate: agentsOf(func(agent y) { agent["requestMs"] = 3600000 })},
	{name: "endpoint added", layers: "decision", mutate: agentsOf(func(agent y) {
		set(agent, y{"type": "service", "host": "elsewhere.example", "port": 443, "timeoutMs": 1000}, "endpoints", "more")
	})},
	{name: "endpoint dropped", layers: "decision", mutate: endpoints(func(agent, _ y, name string) { remove(agent, "endpoints", name) })},
	{name: "endpoint's host", layers: "decision", mutate: endpoints(func(_, of y, _ string) { of["host"] = "elsewhere.example" })},
	{name: "endpoint's port", layers: "decision", mutate: endpoints(func(_, of y, _ string) { of["port"] = 1 })},
	{name: "endpoint's type", layers: "decision", mutate: endpoints(func(_, of y, _ string) { of["type"] = "more" })},
	{name: "endpoint's TLS", layers: "decision", mutate: endpoints(func(_, of y, _ string) { of["tls"] = of["tls"] != true })},
	{name: "endpoint's credential", layers: "decision", mutate: endpoints(func(_, of y, _ string) { turn(of, "credential") })},
	{name: "endpoint's timeout", layers: "decision", mutate: endpoints(func(_, of y, _ string) { of["timeoutMs"] = 1 })},
	{name: "tool added", layers: "decision", mutate: tools(func(of y, name string) { set(of, at(of, "tools", name), "tools", name+"2") })},
	{name: "tool dropped", layers: "decision", mutate: tools(func(of y, name string) { remove(of, "tools", name) })},
	{name: "tool's definition", layers: "decision", mutate: tools(func(of y, name string) { set(of, "sha256:"+strings.Repeat("0", 64), "tools", name) })},
	{name: "approver added", layers: "decision", mutate: routes(func(route y) { route["approvers"] = append(list(route, "approvers"), "more") })},
	{name: "approver dropped", layers: "decision", mutate: routes(func(route y) { remove(route, "approvers", 0) })},
	{name: "quorum changed", layers: "decision", mutate: routes(func(route y) { route["quorum"] = 3 - route["quorum"].(float64) })},
	{name: "channel of a route", layers: "decision", mutate: routes(func(route y) { route["channel"] = "elsewhere" })},
	{name: "endpoint of a route", layers: "decision", mutate: routes(func(route y) { route["endpoint"] = "elsewhere" })},
	{name: "hours of a route", layers: "decision", mutate: routes(func(route y) {
		if hours := dict(route, "hours"); hours != nil {
			hours["until"] = hours["until"].(float64) - 1
			return
		}
		route["hours"] = y{"days": []any{"sun"}, "from": 3, "until": 4, "otherwise": "more"}
	})},
	{name: "person added", layers: "decision", mutate: data(func(d *object) {
		d.set(y{"email": "more@elsewhere.example", "team": "more", "groups": []any{"more"}}, "escalation", "people", "more")
	})},
	{name: "person dropped", layers: "decision", mutate: people(func(d *object, name string) { remove(d.tree, "escalation", "people", name) })},
	{name: "email of a person", layers: "decision", mutate: people(func(d *object, name string) { d.set("more@elsewhere.example", "escalation", "people", name, "email") })},
	{name: "name of a person in the chat", layers: "decision", mutate: people(func(d *object, name string) { d.set("more", "escalation", "people", name, "mattermost") })},
	{name: "team of a person", layers: "decision", mutate: people(func(d *object, name string) { d.set("more", "escalation", "people", name, "team") })},
	{name: "person in another group", layers: "decision", mutate: people(func(d *object, name string) {
		of := dict(d.tree, "escalation", "people", name)
		of["groups"] = append(list(of, "groups"), "more")
	})},
	{name: "place of a rule", layers: "decision", mutate: data(func(d *object) {
		for _, id := range sorted(dict(d.tree, "rules")) {
			d.set("elsewhere.yaml:1", "rules", id, "at")
		}
	})},
	{name: "agentd's SPIFFE id", layers: "decision", mutate: data(func(d *object) { d.set("spiffe://elsewhere.example/ns/more/sa/more", "runtime", "id") })},
	{name: "endpoint of agentd's added", layers: "decision", mutate: data(func(d *object) {
		d.set(y{"type": "kafka", "host": "elsewhere.example", "port": 443, "timeoutMs": 1000}, "runtime", "endpoints", "more")
	})},
	{name: "host of an endpoint of agentd's", layers: "decision", mutate: runtimes("endpoints", func(of y) { of["host"] = "elsewhere.example" })},
	{name: "TLS of an endpoint of agentd's", layers: "decision", mutate: runtimes("endpoints", func(of y) { of["tls"] = of["tls"] != true })},
	{name: "credential of an endpoint of agentd's", layers: "decision", mutate: runtimes("endpoints", func(of y) { turn(of, "credential") })},
	{name: "intake added", layers: "decision", mutate: data(func(d *object) {
		d.set(y{"endpoint": "more", "topic": "more", "agent": "more", "skill": "more"}, "runtime", "intakes", "more")
	})},
	{name: "intake for another agent", layers: "decision", mutate: runtimes("intakes", func(of y) { of["agent"] = "more" })},
	{name: "intake that somebody else posts", layers: "decision", mutate: runtimes("intakes", func(of y) {
		delete(of, "endpoint")
		delete(of, "topic")
		of["client"] = "spiffe://elsewhere.example/ns/more/sa/more"
	})},
	{name: "events handed on elsewhere", layers: "decision", mutate: runtimes("intakes", func(of y) {
		of["forward"] = y{"endpoint": "more", "topic": "more"}
	})},
	{name: "intake of another topic", layers: "decision", mutate: runtimes("intakes", func(of y) { of["topic"] = "more" })},
	{name: "lifetime of an escalation", layers: "decision", mutate: data(func(d *object) { d.set(86400000, "escalation", "lifetimeMs") })},
	{name: "page of agentd", layers: "decision", mutate: data(func(d *object) { d.set("https://elsewhere.example", "escalation", "page") })},
	{name: "default route", layers: "decision", mutate: data(func(d *object) { d.set("elsewhere", "escalation", "defaultRoute") })},
	{name: "trust domain", layers: "decision", mutate: data(func(d *object) { d.set("elsewhere.example", "environment", "trustDomain") })},
	{name: "environment's name", layers: "decision", mutate: data(func(d *object) { d.set("elsewhere", "environment", "name") })},
	{name: "threshold changed", layers: "decision", mutate: classes(func(c y) { c["percentile"] = c["percentile"].(float64) - 1 })},
	{name: "bounds of thresholds", layers: "decision", mutate: classes(func(c y) { c["min"] = 0 })},
	{name: "upper bound of thresholds", layers: "decision", mutate: classes(func(c y) { c["max"] = 100 })},
	{name: "budget of events", layers: "decision", mutate: classes(func(c y) { c["perHour"] = 1 })},
	{name: "threshold to try out", layers: "decision", mutate: classes(func(c y) { c["shadow"] = 1 })},
	{name: "sample of what is dropped", layers: "decision", mutate: classes(func(c y) { c["sample"] = 99 })},
	{name: "class for other events", layers: "decision", mutate: classes(func(c y) { c["namespace"] = "elsewhere" })},
	{name: "class dropped", layers: "decision", mutate: anomaly(func(a y) { remove(a, "classes", 0) })},
	{name: "class of all events first", layers: "decision", mutate: anomaly(func(a y) {
		c := list(a, "classes")
		if len(c) > 1 {
			a["classes"] = append([]any{c[len(c)-1]}, c[:len(c)-1]...)
		} else {
			a["classes"] = nil
		}
	})},
	{name: "another forest", layers: "decision", mutate: forests(func(text string) string { return text + "\n" })},
	{name: "forest dropped", layers: "decision", mutate: forests(func(string) string { return "" })},
	{name: "another forest, with its digest", layers: "decision", mutate: anomaly(func(a y) {
		for _, agent := range sorted(dict(a, "forests")) {
			set(a, "sha256:"+strings.Repeat("0", 64), "forests", agent, "model")
			return
		}
		a["forests"] = map[string]any{"nobody": map[string]any{"model": "sha256:" + strings.Repeat("0", 64)}}
	})},
	{name: "priority that always passes, dropped", layers: "decision", mutate: anomaly(func(a y) { remove(a, "always", 0) })},
	{name: "priority that always passes, added", layers: "decision", mutate: anomaly(func(a y) { a["always"] = append(list(a, "always"), "Debug") })},
	{name: "override that ends later", layers: "decision", mutate: anomaly(func(a y) { set(a, "2999-12-31", "overrides", 0, "expires") })},
	{name: "override for more events", layers: "decision", mutate: anomaly(func(a y) { remove(a, "overrides", 0, "namespace") })},
	{name: "override's percentile", layers: "decision", mutate: anomaly(func(a y) { set(a, 99.5, "overrides", 0, "percentile") })},
	{name: "prefilter dropped", layers: "decision", mutate: anomaly(func(a y) { clear(a) })},
	{name: "data of its own beside", layers: "decision", mutate: data(func(d *object) { d.set(true, "more") })},
	{name: "keys in another order", equivalent: "JSON objects have no order", mutate: data(func(*object) {})},

	{name: "core changed", layers: "decision", mutate: modules("agentc/", func(text string) string {
		return text + "\n# " + "more\n"
	})},
	{name: "core dropped", layers: "decision", mutate: func(t *target) {
		for _, name := range t.rego("agentc/") {
			if t.here(name) {
				t.texts[name] = nil
			}
		}
	}},
	{name: "core that says yes", layers: "decision", mutate: modules("agentc/decision.rego", func(text string) string {
		return strings.Replace(text, `default verdict := "auto-reject"`, `default verdict := "auto-execute"`, 1)
	})},
	{name: "Rego beside the core", layers: "decision", mutate: files("agentc/more.rego", "package agentc\n\nverdict := \"auto-execute\"\n")},
	{name: "Rego of users dropped", layers: "decision", mutate: func(t *target) {
		for _, name := range t.rego("reviewers/") {
			if t.here(name) {
				t.texts[name] = nil
			}
		}
	}},
	{name: "Rego of users changed", layers: "decision", mutate: modules("reviewers/", func(text string) string {
		return strings.Replace(text, "reject contains", "ignored contains", 1)
	})},
	{name: "Rego of users added", layers: "decision", mutate: files("reviewers/more/more.rego", "package reviewers.more\n\nescalate contains \"always\"\n")},
	{name: "Rego of users under another name", equivalent: "OPA reads packages and not names of files", mutate: func(t *target) {
		for _, name := range t.rego("reviewers/") {
			if t.here(name) {
				t.texts[strings.Replace(name, ".rego", "2.rego", 1)] = t.environment.files[name]
				t.texts[name] = nil
			}
		}
	}},
	{name: "data beside the reviewers' Rego", layers: "decision", mutate: files("reviewers/data.json", `{"reject": []}`)},
	{name: "data beside the fleet's", layers: "decision", mutate: files("agentc/more/data.json", `{}`)},
	{name: "data in YAML", layers: "decision", mutate: files("reviewers/data.yaml", "soc: {}\n")},

	{name: "verdict of the self-test flipped", layers: "decision", mutate: func(t *target) {
		s := t.json("selftest.json")
		cases := dict(s.tree, "cases")
		for _, name := range sorted(cases) {
			for i, c := range list(cases, name) {
				if t.here(fmt.Sprint(name, " ", i), s) {
					flip(c.(y))
				}
			}
		}
	}},
	{name: "question of the self-test about an edge dropped", layers: "decision", mutate: questions(true)},
	{name: "question of the self-test about a refusal or a bound dropped", equivalent: "the judge asks it itself, and the bundle is the same", mutate: questions(false)},
	{name: "self-test of nothing", layers: "decision", mutate: func(t *target) {
		if s := t.json("selftest.json"); t.here("cases and vectors", s) {
			s.set(y{}, "cases")
			s.set(l(), "vectors")
		}
	}},
	{name: "self-test dropped", layers: "decision", mutate: func(t *target) {
		if t.here("selftest.json") {
			t.texts[t.folder+"bundle/selftest.json"] = nil
		}
	}},

	{name: "roots of the manifest", layers: "decision", mutate: manifest(func(m *object) { m.set(l(""), "roots") })},
	{name: "environment of the manifest", layers: "decision", mutate: manifest(func(m *object) { m.set("elsewhere", "metadata", "environment") })},
	{name: "fleet of the manifest", layers: "decision", mutate: manifest(func(m *object) { m.set("elsewhere", "metadata", "fleet") })},
	{name: "version of Rego in the manifest", layers: "decision", mutate: manifest(func(m *object) { m.set(0, "rego_version") })},
	{name: "revision of the manifest", equivalent: "it names the content, and nobody decides by it", mutate: manifest(func(m *object) { m.set(strings.Repeat("0", 64), "revision") })},
	{name: "revision of the manifest dropped", layers: "decision", mutate: manifest(func(m *object) { m.remove("revision") })},
	{name: "sequence of the manifest", equivalent: "it is what a seal sets", mutate: manifest(func(m *object) { m.set(7, "metadata", "sequence") })},

	{name: "the folder is not what is loaded", layers: "decision", mutate: func(t *target) {
		d := t.json(dataFile)
		t.unpacked = true
		eachEdge(t, func(_ *object, name string, agent, _ y, id string) {
			if t.here(id+" to "+name, d) {
				dropEdge(agent, id)
			}
		})
	}},
	{name: "what is loaded is not the folder", layers: "decision", mutate: func(t *target) {
		d := t.json(dataFile)
		t.packed = true
		eachEdge(t, func(_ *object, name string, agent, _ y, id string) {
			if t.here(id+" to "+name, d) {
				dropEdge(agent, id)
			}
		})
	}},
	{name: "ConfigMap of the bundle dropped", layers: "decision", mutate: bundles(func(_ *target, o *object) { o.dropped = true })},
	{name: "ConfigMap of the bundle renamed", layers: "decision", mutate: bundles(func(_ *target, o *object) { o.set("more", "metadata", "name") })},
	{name: "ConfigMap of the bundle twice", layers: "decision schema workload delivery", mutate: bundles(func(t *target, o *object) {
		t.add("manifests/"+t.system()+"/more.yaml", clone(o.tree).(y))
	})},
	{name: "bundle under another key", layers: "decision", mutate: bundles(func(_ *target, o *object) {
		o.set(o.at("binaryData", "bundle.tar.gz"), "binaryData", "more.tar.gz")
		o.remove("binaryData", "bundle.tar.gz")
	})},
	{name: "bundle that is no archive", layers: "decision", mutate: bundles(func(_ *target, o *object) { o.set("AAAA", "binaryData", "bundle.tar.gz") })},
}

// data changes the data of the bundle as a whole.
func data(change func(*object)) mutator {
	return func(t *target) {
		if d := t.json(dataFile); t.here("data.json", d) {
			change(d)
		}
	}
}

func manifest(change func(*object)) mutator {
	return func(t *target) {
		if m := t.json(".manifest"); t.here(".manifest", m) {
			change(m)
		}
	}
}

// bundles changes the ConfigMap that agentd loads.
func bundles(change func(*target, *object)) mutator {
	return func(t *target) {
		if o := t.named("ConfigMap", t.system(), t.asked.Fleet+"-bundle"); o != nil && t.here("it", o) {
			change(t, o)
		}
	}
}

func eachAgent(t *target, do func(d *object, name string, agent y)) {
	d := t.json(dataFile)
	agents := dict(d.tree, "fleet", "agents")
	for _, name := range sorted(agents) {
		do(d, name, dict(agents, name))
	}
}

func agentsOf(change func(y)) mutator {
	return func(t *target) {
		eachAgent(t, func(d *object, name string, agent y) {
			if t.here(name, d) {
				change(agent)
			}
		})
	}
}

func eachSkill(t *target, do func(d *object, name, skill string, of y)) {
	eachAgent(t, func(d *object, name string, agent y) {
		for _, skill := range sorted(dict(agent, "skills")) {
			do(d, name, skill, dict(agent, "skills", skill))
		}
	})
}

func eachEdge(t *target, do func(d *object, name string, agent, caller y, id string)) {
	eachAgent(t, func(d *object, name string, agent y) {
		for _, id := range sorted(dict(agent, "callers")) {
			do(d, name, agent, dict(agent, "callers", id), id)
		}
	})
}

func edges(change func(agent, caller y, id string)) mutator {
	return func(t *target) {
		eachEdge(t, func(d *object, name string, agent, caller y, id string) {
			if t.here(id+" to "+name, d) {
				change(agent, caller, id)
			}
		})
	}
}

func dropEdge(agent y, id string) {
	remove(agent, "callers", id)
	for _, skill := range dict(agent, "skills") {
		remove(skill, "callers", id)
	}
}

func eachGrant(t *target, do func(d *object, place string, agent, caller, grant y, skill, id string)) {
	eachEdge(t, func(d *object, name string, agent, caller y, id string) {
		for _, skill := range list(caller, "skills") {
			do(d, fmt.Sprint(id, " to ", name, "/", skill), agent, caller, dict(agent, "skills", skill, "callers", id), str(skill), id)
		}
	})
}

func grants(change func(agent, caller, grant y, skill, id string)) mutator {
	return func(t *target) {
		eachGrant(t, func(d *object, place string, agent, caller, grant y, skill, id string) {
			if t.here(place, d) {
				change(agent, caller, grant, skill, id)
			}
		})
	}
}

func eachRuleOf(t *target, do func(d *object, id string, rule y)) {
	d := t.json(dataFile)
	for _, id := range sorted(dict(d.tree, "rules")) {
		do(d, id, dict(d.tree, "rules", id))
	}
}

func ruleOf(change func(y)) mutator {
	return func(t *target) {
		eachRuleOf(t, func(d *object, id string, rule y) {
			if t.here(id, d) {
				change(rule)
			}
		})
	}
}

// bounds changes each end of each range.
func bounds(change func(of y, end string)) mutator {
	return func(t *target) {
		eachRuleOf(t, func(d *object, id string, rule y) {
			for _, what := range sorted(dict(rule, "when")) {
				for _, end := range sorted(dict(rule, "when", what)) {
					if t.here(fmt.Sprint(id, ": ", what, " ", end), d) {
						change(dict(rule, "when", what), end)
					}
				}
			}
		})
	}
}

func eachEndpoint(t *target, do func(d *object, name, endpoint string, agent, of y)) {
	eachAgent(t, func(d *object, name string, agent y) {
		for _, endpoint := range sorted(dict(agent, "endpoints")) {
			do(d, name, endpoint, agent, dict(agent, "endpoints", endpoint))
		}
	})
}

func endpoints(change func(agent, of y, name string)) mutator {
	return func(t *target) {
		eachEndpoint(t, func(d *object, name, endpoint string, agent, of y) {
			if t.here(endpoint+" of "+name, d) {
				change(agent, of, endpoint)
			}
		})
	}
}

// turn says yes where nothing was said, and nothing where it was yes.
func turn(of y, key string) {
	if of[key] == nil {
		of[key] = true
	} else {
		delete(of, key)
	}
}

func tools(change func(of y, tool string)) mutator {
	return func(t *target) {
		eachEndpoint(t, func(d *object, name, endpoint string, _, of y) {
			for _, tool := range sorted(dict(of, "tools")) {
				if t.here(fmt.Sprint(tool, " of ", endpoint, " for ", name), d) {
					change(of, tool)
				}
			}
		})
	}
}

func routes(change func(y)) mutator {
	return func(t *target) {
		d := t.json(dataFile)
		for _, name := range sorted(dict(d.tree, "escalation", "routes")) {
			if t.here("route "+name, d) {
				change(dict(d.tree, "escalation", "routes", name))
			}
		}
	}
}

func people(change func(d *object, name string)) mutator {
	return func(t *target) {
		d := t.json(dataFile)
		for _, name := range sorted(dict(d.tree, "escalation", "people")) {
			if t.here("person "+name, d) {
				change(d, name)
			}
		}
	}
}

// runtimes changes what agentd is told of itself.
func runtimes(list string, change func(y)) mutator {
	return func(t *target) {
		d := t.json(dataFile)
		for _, name := range sorted(dict(d.tree, "runtime", list)) {
			if t.here(list+" "+name, d) {
				change(dict(d.tree, "runtime", list, name))
			}
		}
	}
}

func anomaly(change func(y)) mutator {
	return func(t *target) {
		if d := t.json(dataFile); d.at("anomaly", "classes") != nil && t.here("anomaly", d) {
			change(dict(d.tree, "anomaly"))
		}
	}
}

// classes of events with thresholds of their own.
func classes(change func(y)) mutator {
	return func(t *target) {
		d := t.json(dataFile)
		for i := range list(d.tree, "anomaly", "classes") {
			if t.here(fmt.Sprint("class ", i), d) {
				change(dict(d.tree, "anomaly", "classes", i))
			}
		}
	}
}

// rego are the files of Rego below a folder of the bundle.
func (t *target) rego(folder string) []string {
	var all []string
	for _, name := range sorted(t.environment.files) {
		if strings.HasPrefix(name, t.folder+"bundle/"+folder) && strings.HasSuffix(name, ".rego") {
			all = append(all, name)
		}
	}
	return all
}

func modules(folder string, change func(string) string) mutator {
	return func(t *target) {
		for _, name := range t.rego(folder) {
			before := string(t.environment.files[name])
			if after := change(before); after != before && t.here(name) {
				t.texts[name] = []byte(after)
			}
		}
	}
}

// forests are the anomaly models of the bundle; nothing of one is left where the change leaves nothing.
func forests(change func(string) string) mutator {
	return func(t *target) {
		for _, name := range sorted(t.environment.files) {
			if !strings.HasPrefix(name, t.folder+"bundle/forests/") || !t.here(name) {
				continue
			}
			t.texts[name] = nil
			if after := change(string(t.environment.files[name])); after != "" {
				t.texts[name] = []byte(after)
			}
		}
	}
}

// files adds one to the bundle.
func files(name, text string) mutator {
	return func(t *target) {
		if t.here(name) {
			t.texts[t.folder+"bundle/"+name] = []byte(text)
		}
	}
}

// questions drops one: of those that ask for all that an edge grants, a call without a skill among them, or of the others.
func questions(ofEdges bool) mutator {
	return func(t *target) {
		s := t.json("selftest.json")
		for i, v := range s.list("vectors") {
			if _, of := dict(v, "skills")[""]; of == ofEdges && t.here(fmt.Sprint("vector ", i), s) {
				s.remove("vectors", i)
			}
		}
	}
}

// flip makes a case of the self-test expect something milder, or, where it is the mildest, something stricter.
func flip(c y) {
	key := "verdict"
	if c[key] == nil {
		key = "atLeast"
	}
	if c[key] == "auto-execute" {
		c[key] = "escalate"
	} else {
		c[key] = "auto-execute"
	}
}
