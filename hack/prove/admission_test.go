//go:build judge

package prove

import (
	"fmt"
	"strings"
)

const kyvernoPolicy = "ValidatingPolicy"

var admissionKinds = []kind{
	{name: "policy dropped", layers: "admission", mutate: admissions(func(o *object) { o.dropped = true })},
	{name: "validation dropped", layers: "admission", mutate: validations(func(o *object, i int) { o.remove("spec", "validations", i) })},
	{name: "validation that is always true", layers: "admission manifest", mutate: validations(func(o *object, i int) { o.set("true", "spec", "validations", i, "expression") })},
	{name: "validation that is never true", layers: "admission manifest", mutate: validations(func(o *object, i int) { o.set("1 == 2", "spec", "validations", i, "expression") })},
	{name: "validation that does not compile", layers: "admission", mutate: validations(func(o *object, i int) { o.set("variables.nothing", "spec", "validations", i, "expression") })},
	{name: "validation with a way around it", layers: "manifest", mutate: validations(func(o *object, i int) {
		expression := str(o.at("spec", "validations", i, "expression"))
		o.set("("+expression+") || request.userInfo.username == 'mallory'", "spec", "validations", i, "expression")
	})},
	{name: "validation with a way around it for a team of operators", layers: "admission manifest", mutate: validations(func(o *object, i int) {
		expression := str(o.at("spec", "validations", i, "expression"))
		o.set("("+expression+") || 'system:masters' in request.userInfo.groups", "spec", "validations", i, "expression")
	})},
	{name: "validation with a way around it by a label", layers: "manifest", mutate: validations(func(o *object, i int) {
		expression := str(o.at("spec", "validations", i, "expression"))
		o.set("("+expression+") || (request.operation != 'DELETE' && object.metadata.?labels[?'exempt'].hasValue())", "spec", "validations", i, "expression")
	})},
	{name: "message changed", equivalent: "what is said of a refusal changes nothing of it", mutate: validations(func(o *object, i int) {
		o.set("no", "spec", "validations", i, "message")
	})},
	{name: "rule of what is matched dropped", layers: "admission", mutate: func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			if rules := o.list("spec", "matchConstraints", "resourceRules"); len(rules) > 1 {
				for i := range rules {
					if t.here(fmt.Sprint("rule ", i), o) {
						o.remove("spec", "matchConstraints", "resourceRules", i)
					}
				}
			}
		}
	}},
	{name: "kind of what is matched dropped", layers: "admission manifest", mutate: matched("resources")},
	{name: "operation of what is matched dropped", layers: "manifest", mutate: matched("operations")},
	{name: "kind of what is matched changed", layers: "admission manifest", mutate: matchRules(func(rule y) { rule["resources"] = l("endpoints") })},
	{name: "group of what is matched changed", layers: "manifest", mutate: matchRules(func(rule y) { rule["apiGroups"] = l("elsewhere.example") })},
	{name: "version of what is matched changed", layers: "admission manifest", mutate: matchRules(func(rule y) { rule["apiVersions"] = l("v1alpha7") })},
	{name: "some names only are matched", layers: "admission", mutate: matchRules(func(rule y) { rule["resourceNames"] = l("more") })},
	{name: "names are left out", layers: "admission", mutate: admissions(func(o *object) {
		rules := clone(o.at("spec", "matchConstraints", "resourceRules"))
		for _, rule := range rules.([]any) {
			set(rule, l("more"), "resourceNames")
		}
		o.set(rules, "spec", "matchConstraints", "excludeResourceRules")
	})},
	{name: "kinds are left out", layers: "admission", mutate: admissions(func(o *object) {
		o.set(clone(o.at("spec", "matchConstraints", "resourceRules")), "spec", "matchConstraints", "excludeResourceRules")
	})},
	{name: "namespaces of another fleet", layers: "admission", mutate: admissions(func(o *object) {
		o.set(y{"agents.d/fleet": "elsewhere"}, "spec", "matchConstraints", "namespaceSelector", "matchLabels")
	})},
	{name: "namespaces with an exception", layers: "manifest", mutate: admissions(func(o *object) {
		o.set(l(y{"key": "exempt", "operator": "DoesNotExist"}), "spec", "matchConstraints", "namespaceSelector", "matchExpressions")
	})},
	{name: "objects with a label", layers: "manifest", mutate: admissions(func(o *object) {
		o.set(y{"app.kubernetes.io/managed-by": "agentc"}, "spec", "matchConstraints", "objectSelector", "matchLabels")
	})},
	{name: "objects but those with a label", layers: "manifest", mutate: admissions(func(o *object) {
		o.set(l(y{"key": "exempt", "operator": "DoesNotExist"}), "spec", "matchConstraints", "objectSelector", "matchExpressions")
	})},
	{name: "condition that excludes everything", layers: "admission", mutate: condition("false")},
	{name: "condition that excludes a user", layers: "manifest", mutate: condition("request.userInfo.username != 'mallory'")},
	{name: "condition that excludes dry runs", layers: "manifest", mutate: condition("!request.?dryRun.orValue(false)")},
	{name: "condition dropped", layers: "manifest", mutate: func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			for i, c := range o.list("spec", "matchConditions") {
				if at(c, "name") != "new-template" && t.here(str(at(c, "name")), o) {
					o.remove("spec", "matchConditions", i)
				}
			}
		}
	}},
	{name: "condition that is always true", layers: "manifest", equivalent: "it excludes nothing", mutate: condition("true")},
	{name: "user added to those who are not asked", layers: "manifest", mutate: func(t *target) {
		const argo = "'system:serviceaccount:kube-system:"
		for _, o := range t.of(kyvernoPolicy) {
			for _, list := range []string{"matchConditions", "variables"} {
				for i, c := range o.list("spec", list) {
					expression := str(at(c, "expression"))
					if strings.Contains(expression, "request.userInfo.username in [") && strings.Contains(expression, argo) && t.here(fmt.Sprint(list, " ", i), o) {
						o.set(strings.Replace(expression, argo, "'mallory', "+argo, 1), "spec", list, i, "expression")
					}
				}
			}
		}
	}},
	{name: "maker of pods added", layers: "manifest", mutate: expressions("'system:kube-controller-manager'", "'system:kube-controller-manager', 'mallory'")},
	{name: "agent dropped from a list", layers: "admission", mutate: func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			for i, v := range o.list("spec", "variables") {
				list := str(at(v, "expression"))
				if !strings.HasPrefix(str(at(v, "name")), "namespaces") {
					continue
				}
				for _, entry := range strings.Split(strings.Trim(list, "[]"), ", ") {
					if t.here(entry, o) {
						o.set(strings.Replace(list, entry, "'elsewhere'", 1), "spec", "variables", i, "expression")
					}
				}
			}
		}
	}},
	{name: "actuator may do more", layers: "manifest", mutate: func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			for i, v := range o.list("spec", "variables") {
				declared := str(at(v, "expression"))
				if at(v, "name") == "declared" && t.here("declared", o) {
					user, _, _ := strings.Cut(strings.TrimPrefix(declared, "['"), " ")
					o.set(strings.Replace(declared, "[", "['"+user+" apps/deployments DELETE', ", 1), "spec", "variables", i, "expression")
				}
			}
		}
	}},
	{name: "actuator may do less", layers: "admission", mutate: func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			for i, v := range o.list("spec", "variables") {
				declared := str(at(v, "expression"))
				if at(v, "name") != "declared" {
					continue
				}
				for _, entry := range strings.Split(strings.Trim(declared, "[]"), ", ") {
					if t.here(entry, o) {
						o.set(strings.Replace(declared, entry, "'nobody'", 1), "spec", "variables", i, "expression")
					}
				}
			}
		}
	}},
	{name: "images by any digest", layers: "admission", mutate: expressions("@sha256:[0-9a-f]{64}$", "@sha256:")},
	{name: "images by tag", layers: "admission", mutate: expressions("@sha256:[0-9a-f]{64}$", "")},
	{name: "any image", layers: "admission", mutate: expressions("+ '=' + c.image) in variables.admitted", "+ '=' + c.image) in variables.admitted || true")},
	{name: "label that says who is admitted", layers: "manifest", mutate: expressions("'agents.d/admitted'", "'agents.d/permitted'")},
	{name: "audit only", layers: "admission", mutate: admissions(func(o *object) { o.set(l("Audit"), "spec", "validationActions") })},
	{name: "warning only", layers: "admission", mutate: admissions(func(o *object) { o.set(l("Warn"), "spec", "validationActions") })},
	// It denies all the same. But whoever writes it otherwise is not the compiler.
	{name: "audit besides", layers: "admission", mutate: admissions(func(o *object) { o.set(l("Deny", "Audit"), "spec", "validationActions") })},
	{name: "failures ignored", layers: "admission", mutate: admissions(func(o *object) { o.set("Ignore", "spec", "failurePolicy") })},
	{name: "not at admission", layers: "admission", mutate: admissions(func(o *object) { o.set(false, "spec", "evaluation", "admission", "enabled") })},
	{name: "for JSON instead of Kubernetes", layers: "admission", mutate: admissions(func(o *object) { o.set("JSON", "spec", "evaluation", "mode") })},
	{name: "another version exactly", layers: "admission", mutate: admissions(func(o *object) { o.set("Exact", "spec", "matchConstraints", "matchPolicy") })},
	{name: "policy of another name", layers: "admission", mutate: admissions(func(o *object) { o.set("more", "metadata", "name") })},
	{name: "policy without its label", layers: "admission", mutate: admissions(func(o *object) { o.remove("metadata", "labels", "app.kubernetes.io/managed-by") })},
	{name: "policy that is no webhook's", layers: "manifest", mutate: admissions(func(o *object) {
		o.set(true, "spec", "autogen", "validatingAdmissionPolicy", "enabled")
	})},
	{name: "policy made for one namespace", layers: "admission schema delivery workload", mutate: func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			if t.here("it", o) {
				o.set("NamespacedValidatingPolicy", "kind")
				o.set(t.system(), "metadata", "namespace")
			}
		}
	}},
	{name: "exception of a stranger", layers: "admission schema delivery workload", mutate: func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			if t.here("from it", o) {
				t.add("manifests/"+t.system()+"/more.yaml", y{
					"apiVersion": "policies.kyverno.io/v1", "kind": "PolicyException", "metadata": y{"name": "more", "namespace": t.system()},
					"spec": y{"policyRefs": l(y{"name": o.name(), "kind": kyvernoPolicy}), "matchConditions": l(y{"name": "any", "expression": "true"})},
				})
			}
		}
	}},
	{name: "policy of a stranger that refuses everything", layers: "admission", mutate: func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			if t.here("beside it", o) {
				more := clone(o.tree).(y)
				set(more, "more", "metadata", "name")
				remove(more, "spec", "matchConditions")
				set(more, l(y{"expression": "false", "message": "no"}), "spec", "validations")
				t.add("manifests/more.yaml", more)
			}
		}
	}},
	{name: "image admitted", layers: "admission workload identity", mutate: admitted(func(lines []string) []string {
		agent, _, _ := strings.Cut(lines[0], "=")
		return append(lines, agent+"=elsewhere.example/more@sha256:"+strings.Repeat("0", 64))
	})},
	{name: "image no longer admitted", layers: "admission workload identity", mutate: admitted(func(lines []string) []string { return lines[1:] })},
	{name: "container admitted", layers: "admission workload identity", mutate: admitted(func(lines []string) []string {
		agent, image, _ := strings.Cut(lines[0], "=")
		return append(lines, agent+"2="+image)
	})},
	{name: "account admitted", layers: "admission workload identity manifest", mutate: admitted(func(lines []string) []string {
		_, rest, _ := strings.Cut(lines[0], "/")
		return append(lines, "more/"+rest)
	})},
	{name: "nobody admitted", layers: "admission", mutate: each("the namespace", func(o *object) { o.remove("metadata", "annotations", "agents.d/admitted") }, "Namespace")},
	{name: "namespace of no fleet", layers: "admission", mutate: each("the namespace", func(o *object) { o.remove("metadata", "labels", "agents.d/fleet") }, "Namespace")},
	{name: "namespace of another fleet", layers: "admission", mutate: each("the namespace", func(o *object) { o.set("elsewhere", "metadata", "labels", "agents.d/fleet") }, "Namespace")},
	{name: "object that is not the compiler's", layers: "admission workload identity", mutate: each("its label", func(o *object) {
		o.remove("metadata", "labels", "app.kubernetes.io/managed-by")
	}, "ConfigMap", "ServiceAccount", "ResourceQuota", "LimitRange")},
}

func admissions(change func(*object)) mutator { return each("the policy", change, kyvernoPolicy) }

// validations changes each validation of each policy.
func validations(change func(o *object, i int)) mutator {
	return func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			for i, v := range o.list("spec", "validations") {
				if t.here(fmt.Sprintf("%q", at(v, "message")), o) {
					change(o, i)
				}
			}
		}
	}
}

// matchRules changes each rule of what a policy is about.
func matchRules(change func(y)) mutator {
	return func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			for i, rule := range o.list("spec", "matchConstraints", "resourceRules") {
				if t.here(fmt.Sprint("rule ", i), o) {
					change(rule.(y))
				}
			}
		}
	}
}

// matched takes away each entry of a list of such a rule, where something stays.
func matched(field string) mutator {
	return func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			for i := range o.list("spec", "matchConstraints", "resourceRules") {
				if entries := o.list("spec", "matchConstraints", "resourceRules", i, field); len(entries) > 1 {
					for j, entry := range entries {
						if t.here(fmt.Sprint("rule ", i, ": ", entry), o) {
							o.remove("spec", "matchConstraints", "resourceRules", i, field, j)
						}
					}
				}
			}
		}
	}
}

func condition(expression string) mutator {
	return admissions(func(o *object) {
		o.add([]any{"spec", "matchConditions"}, y{"name": "more", "expression": expression})
	})
}

// expressions replaces a part of each validation that has it.
func expressions(before, after string) mutator {
	return func(t *target) {
		for _, o := range t.of(kyvernoPolicy) {
			for i, v := range o.list("spec", "validations") {
				expression := str(at(v, "expression"))
				if strings.Contains(expression, before) && t.here(fmt.Sprint("validation ", i), o) {
					o.set(strings.Replace(expression, before, after, 1), "spec", "validations", i, "expression")
				}
			}
		}
	}
}

// admitted changes what a namespace says of the containers in it.
func admitted(change func([]string) []string) mutator {
	return each("agents.d/admitted", func(o *object) {
		lines := strings.Split(str(o.at("metadata", "annotations", "agents.d/admitted")), "\n")
		o.set(strings.Join(change(lines), "\n"), "metadata", "annotations", "agents.d/admitted")
	}, "Namespace")
}
