//go:build judge

package prove

import (
	"fmt"
	"slices"
	"strings"
)

var workloadKinds = []kind{
	{name: "another image", layers: "workload", mutate: images(func(image string) string {
		name, _, _ := strings.Cut(image, ":")
		return name + ":9.9.9@sha256:" + strings.Repeat("0", 64)
	})},
	{name: "image from elsewhere", layers: "workload", mutate: images(func(image string) string {
		_, digest, _ := strings.Cut(image, "@")
		return "elsewhere.example/more@" + digest
	})},
	{name: "image by its tag", layers: "workload", mutate: images(func(image string) string {
		name, _, _ := strings.Cut(image, "@")
		return name
	})},
	{name: "image of another", layers: "workload", mutate: func(t *target) {
		all := t.of("Deployment")
		for i, o := range all {
			if other := agent(all[(i+1)%len(all)])["image"]; other != agent(o)["image"] && t.here("image", o) {
				agent(o)["image"] = other
			}
		}
	}},
	{name: "image that is not pulled anew", layers: "manifest", mutate: containers(func(_ *object, c y) { c["imagePullPolicy"] = "Never" }, everyContainer...)},

	{name: "guard dropped", layers: "workload admission", mutate: agentPods(func(_ *object, pod y) { delete(pod, "initContainers") })},
	{name: "guard that ends before the agent starts", layers: "workload", mutate: containers(func(_ *object, c y) { delete(c, "restartPolicy") }, "guard")},
	{name: "guard beside the agent", layers: "workload admission", mutate: agentPods(func(_ *object, pod y) {
		c := clone(list(pod, "initContainers")[0]).(y)
		delete(c, "restartPolicy")
		delete(pod, "initContainers")
		pod["containers"] = append(list(pod, "containers"), c)
	})},
	{name: "guard of another name", layers: "workload admission", mutate: containers(func(_ *object, c y) { c["name"] = "more" }, "guard")},
	{name: "container that starts before the guard", layers: "workload", mutate: agentPods(func(o *object, pod y) {
		c := y{}
		for key, value := range agent(o) {
			if !slices.Contains([]string{"livenessProbe", "readinessProbe", "startupProbe", "lifecycle"}, key) {
				c[key] = clone(value)
			}
		}
		c["name"] = "more"
		pod["initContainers"] = append(l(c), list(pod, "initContainers")...)
	})},
	{name: "container more", layers: "workload", mutate: pods(func(o *object, pod y) {
		c := clone(list(pod, "containers")[0]).(y)
		c["name"] = "more"
		delete(c, "ports")
		pod["containers"] = append(list(pod, "containers"), c)
	})},
	{name: "container of another name", layers: "workload admission", mutate: containers(func(_ *object, c y) { c["name"] = "more" }, "agent", "agentd")},
	{name: "command", layers: "workload admission", mutate: containers(func(_ *object, c y) { c["command"] = l("/bin/sh", "-c", "sleep 1d") }, everyContainer...)},
	{name: "arguments of the agent", layers: "workload admission", mutate: containers(func(_ *object, c y) { c["args"] = l("--unguarded") }, "agent")},
	{name: "argument dropped", layers: "manifest", mutate: withoutArgument},
	{name: "argument added", layers: "workload identity", mutate: containers(func(_ *object, c y) { c["args"] = append(list(c, "args"), "--dev") }, "guard", "agentd")},
	{name: "argument given again", layers: "workload identity", mutate: containers(func(_ *object, c y) { c["args"] = append(list(c, "args"), "--environment=elsewhere") }, "guard", "agentd")},
	{name: "trusts unsealed bundles", layers: "workload identity decision", mutate: argument("--trust", func(_ *object, value string) string {
		return map[string]string{"key": "git", "git": "key"}[value]
	})},
	{name: "upstream elsewhere", layers: "workload", mutate: argument("--upstream", constant("http://elsewhere.example:8080"))},
	{name: "egress on every address", layers: "workload", mutate: argument("--egress", constant(":8082"))},
	{name: "guard on another port", layers: "workload", mutate: argument("--listen", constant(":9443"))},
	{name: "bundle from elsewhere", layers: "workload decision identity", mutate: argument("--bundle", constant("https://elsewhere.example/bundle.tar.gz"))},
	{name: "request that may take longer", layers: "manifest", mutate: argument("--request-timeout", constant("59m0s"))},
	{name: "cards from elsewhere", layers: "workload identity", mutate: argument("--cards", constant("/tmp"))},
	{name: "bundles' keys from elsewhere", layers: "workload identity", mutate: argument("--keys", constant("/tmp"))},
	{name: "credentials from elsewhere", layers: "manifest", mutate: argument("--credentials", constant("/tmp"))},
	{name: "traces to elsewhere", layers: "workload identity", mutate: argument("--otlp", constant("elsewhere.example:4317"))},
	{name: "mode of agentd", layers: "workload admission", mutate: containers(func(_ *object, c y) { c["args"] = append(l("run"), list(c, "args")[1:]...) }, "guard", "agentd")},

	{name: "host network", layers: "workload schema", mutate: pods(func(_ *object, pod y) { pod["hostNetwork"] = true })},
	{name: "host's processes", layers: "workload schema", mutate: pods(func(_ *object, pod y) { pod["hostPID"] = true })},
	{name: "processes shared", layers: "workload schema admission", mutate: pods(func(_ *object, pod y) { pod["shareProcessNamespace"] = true })},
	{name: "port of the host", layers: "workload schema", mutate: containers(func(_ *object, c y) { set(c, 8443, "ports", 0, "hostPort") }, "guard", "agentd")},
	{name: "folder of the host", layers: "workload schema", mutate: pods(func(o *object, pod y) {
		pod["volumes"] = append(list(pod, "volumes"), y{"name": "host", "hostPath": y{"path": "/", "type": ""}})
		c := agent(o)
		c["volumeMounts"] = append(list(c, "volumeMounts"), y{"name": "host", "mountPath": "/host"})
	})},
	{name: "privileged", layers: "workload schema", mutate: secured(func(s y) { s["privileged"] = true })},
	{name: "capability added", layers: "workload schema", mutate: secured(func(s y) { set(s, l("NET_ADMIN"), "capabilities", "add") })},
	{name: "capabilities kept", layers: "workload schema", mutate: secured(func(s y) { delete(s, "capabilities") })},
	{name: "privileges may grow", layers: "workload schema", mutate: secured(func(s y) { s["allowPrivilegeEscalation"] = true })},
	{name: "root", layers: "workload schema", mutate: secured(func(s y) { s["runAsUser"] = 0 })},
	{name: "root is not ruled out", layers: "workload schema", mutate: secured(func(s y) { s["runAsNonRoot"] = false })},
	{name: "file system that can be written", layers: "workload schema admission", mutate: secured(func(s y) { s["readOnlyRootFilesystem"] = false })},
	{name: "security context dropped", layers: "workload schema", mutate: containers(func(_ *object, c y) { delete(c, "securityContext") }, everyContainer...)},
	{name: "security context of the pod dropped", layers: "workload schema", mutate: pods(func(_ *object, pod y) { delete(pod, "securityContext") })},
	{name: "system calls unconfined", layers: "workload schema", mutate: pods(func(_ *object, pod y) { set(pod, y{"type": "Unconfined"}, "securityContext", "seccompProfile") })},
	{name: "another runtime class", layers: "manifest", mutate: pods(func(_ *object, pod y) { pod["runtimeClassName"] = "more" })},
	{name: "on one node", layers: "manifest", mutate: pods(func(_ *object, pod y) { pod["nodeName"] = "more" })},
	{name: "hosts file of its own", layers: "manifest", mutate: pods(func(_ *object, pod y) { pod["hostAliases"] = l(y{"ip": "203.0.113.7", "hostnames": l("agentd")}) })},
	{name: "another resolver", layers: "manifest", mutate: pods(func(_ *object, pod y) {
		pod["dnsPolicy"] = "None"
		pod["dnsConfig"] = y{"nameservers": l("203.0.113.7")}
	})},

	{name: "environment variable added", layers: "manifest", mutate: containers(func(_ *object, c y) {
		c["env"] = append(list(c, "env"), y{"name": "MORE", "value": "more"})
	}, everyContainer...)},
	{name: "environment variable changed", layers: "manifest", mutate: variables(func(v y) { v["value"] = "more" })},
	{name: "environment variable dropped", layers: "manifest", mutate: func(t *target) {
		for _, o := range t.of("Deployment") {
			for i, v := range list(agent(o), "env") {
				if t.here(str(at(v, "name")), o) {
					remove(agent(o), "env", i)
				}
			}
		}
	}},
	{name: "environment from a ConfigMap", layers: "workload admission", mutate: containers(func(_ *object, c y) {
		c["envFrom"] = l(y{"configMapRef": y{"name": "more"}})
	}, everyContainer...)},

	{name: "probe of another port", layers: "workload", mutate: probes(func(p y) { set(p, 8080, "httpGet", "port") })},
	{name: "probe of another path", layers: "manifest", mutate: probes(func(p y) { set(p, "/more", "httpGet", "path") })},
	{name: "probe that runs a command", layers: "workload", mutate: probes(func(p y) {
		delete(p, "httpGet")
		p["exec"] = y{"command": l("/bin/true")}
	})},
	{name: "probe dropped", layers: "manifest", mutate: func(t *target) {
		for _, o := range t.of(workloadOf...) {
			for _, c := range containersOf(podOf(o)) {
				for _, name := range probeNames {
					if c[name] != nil && t.here(fmt.Sprint(name, " of ", c["name"]), o) {
						delete(c, name)
					}
				}
			}
		}
	}},
	{name: "limits dropped", layers: "workload schema", mutate: containers(func(_ *object, c y) { delete(c, "resources") }, everyContainer...)},
	{name: "memory changed", layers: "manifest", mutate: containers(func(_ *object, c y) { set(c, "64Gi", "resources", "limits", "memory") }, everyContainer...)},
	{name: "port of a container", layers: "workload network", mutate: containers(func(_ *object, c y) { set(c, 9999, "ports", 0, "containerPort") }, "guard", "agentd")},
	{name: "name of a port", layers: "manifest", mutate: func(t *target) {
		for _, o := range t.of(workloadOf...) {
			for _, c := range containersOf(podOf(o)) {
				for _, p := range list(c, "ports") {
					// Whoever is probed or asked by number does not care for the name.
					if at(p, "name") != "health" && t.here(str(at(p, "name")), o) {
						set(p, "more", "name")
					}
				}
			}
		}
	}},
	{name: "grace period", layers: "workload schema manifest", mutate: pods(func(_ *object, pod y) { pod["terminationGracePeriodSeconds"] = 1 })},
	{name: "label of the pod", layers: "workload network", mutate: each("agents.d/agent", func(o *object) {
		o.set("more", "spec", "template", "metadata", "labels", "agents.d/agent")
	}, workloadOf...)},
	{name: "label of the pod that others select by", layers: "manifest", mutate: each("a label", func(o *object) {
		o.set("prometheus", "spec", "template", "metadata", "labels", "app.kubernetes.io/name")
	}, workloadOf...)},
	{name: "annotation of the pod", layers: "manifest", mutate: each("an annotation", func(o *object) {
		o.set("false", "spec", "template", "metadata", "annotations", "policy.cilium.io/proxy-visibility")
	}, workloadOf...)},
	{name: "selector of a workload", layers: "workload schema", mutate: each("the selector", func(o *object) { o.set("more", "spec", "selector", "matchLabels", "agents.d/agent") }, workloadOf...)},
	{name: "workload dropped", layers: "workload", mutate: each("it", func(o *object) { o.dropped = true }, workloadOf...)},
	{name: "workload in another namespace", layers: "workload", mutate: each("it", func(o *object) { o.set("elsewhere", "metadata", "namespace") }, workloadOf...)},
	{name: "workload of a stranger", layers: "workload", mutate: func(t *target) {
		for _, o := range t.of(workloadOf...) {
			if t.here("like", o) {
				more := clone(o.tree).(y)
				set(more, "more", "metadata", "name")
				t.add("manifests/"+o.namespace()+"/more.yaml", more)
			}
		}
	}},
	{name: "pod of a stranger", layers: "workload delivery", mutate: func(t *target) {
		for _, o := range t.of(workloadOf...) {
			if t.here("like that of", o) {
				t.add("manifests/"+o.namespace()+"/more.yaml", y{"apiVersion": "v1", "kind": "Pod", "metadata": y{"name": "more", "namespace": o.namespace()}, "spec": clone(podOf(o))})
			}
		}
	}},
	{name: "job of a stranger", layers: "workload delivery", mutate: func(t *target) {
		for _, ns := range t.of("Namespace") {
			if t.here("in " + ns.name()) {
				t.add("manifests/"+ns.name()+"/more.yaml", y{"apiVersion": "batch/v1", "kind": "Job", "metadata": y{"name": "more", "namespace": ns.name()},
					"spec": y{"template": y{"spec": y{"restartPolicy": "Never", "containers": l(y{"name": "more", "image": "elsewhere.example/more"})}}}})
			}
		}
	}},

	{name: "replicas", layers: "manifest", mutate: func(t *target) {
		for _, o := range t.of(workloadOf...) {
			if n, ok := o.at("spec", "replicas").(float64); ok && t.here(fmt.Sprint(n), o) {
				o.set(n+1, "spec", "replicas")
			}
		}
	}},
	{name: "replicas of a canary", layers: "workload", mutate: func(t *target) {
		for _, o := range t.of("Rollout") {
			if d := t.named("Deployment", o.namespace(), o.name()); t.here("of its Deployment", d) {
				d.set(2, "spec", "replicas")
			}
		}
	}},
	{name: "replicas where an autoscaler decides", layers: "manifest", mutate: func(t *target) {
		for _, o := range t.of("HorizontalPodAutoscaler") {
			if to := t.named(str(o.at("spec", "scaleTargetRef", "kind")), o.namespace(), str(o.at("spec", "scaleTargetRef", "name"))); t.here("of its target", to) {
				to.set(3, "spec", "replicas")
			}
		}
	}},
	{name: "canary of another Deployment", layers: "workload", mutate: each("workloadRef", func(o *object) { o.set("more", "spec", "workloadRef", "name") }, "Rollout")},
	{name: "canary that scales the Deployment down itself", layers: "manifest", mutate: each("scaleDown", func(o *object) { o.set("onsuccess", "spec", "workloadRef", "scaleDown") }, "Rollout")},
	{name: "canary without analysis", layers: "manifest", mutate: each("analysis", func(o *object) { o.remove("spec", "strategy", "canary", "analysis") }, "Rollout")},
	{name: "canary with another analysis", layers: "workload", mutate: each("analysis", func(o *object) {
		o.set("more", "spec", "strategy", "canary", "analysis", "templates", 0, "templateName")
	}, "Rollout")},
	{name: "steps of a canary", layers: "manifest", mutate: each("steps", func(o *object) { o.set(l(y{"setWeight": 100}), "spec", "strategy", "canary", "steps") }, "Rollout")},
	{name: "canary dropped", layers: "workload", mutate: each("it", func(o *object) { o.dropped = true }, "Rollout")},
	{name: "analysis dropped", layers: "workload", mutate: each("it", func(o *object) { o.dropped = true }, "AnalysisTemplate")},
	{name: "analysis that never fails", layers: "manifest", mutate: each("it", func(o *object) { o.set("false", "spec", "metrics", 0, "failureCondition") }, "AnalysisTemplate")},
	{name: "analysis by another Prometheus", layers: "manifest", mutate: each("it", func(o *object) {
		o.set("http://elsewhere.example:9090", "spec", "metrics", 0, "provider", "prometheus", "address")
	}, "AnalysisTemplate")},

	{name: "Service of other pods", layers: "workload", mutate: each("the selector", func(o *object) { o.set("more", "spec", "selector", "agents.d/agent") }, "Service")},
	{name: "Service of all pods", layers: "manifest", mutate: each("the selector", func(o *object) {
		o.set(y{"agents.d/fleet": o.at("metadata", "labels", "agents.d/fleet")}, "spec", "selector")
	}, "Service")},
	{name: "Service of nobody", layers: "workload", mutate: each("the selector", func(o *object) { o.remove("spec", "selector") }, "Service")},
	{name: "Service on another port", layers: "workload manifest", mutate: each("the port", func(o *object) { o.set(9999, "spec", "ports", 0, "port") }, "Service")},
	{name: "Service to another port", layers: "workload manifest", mutate: each("the target", func(o *object) { o.set("metrics", "spec", "ports", 0, "targetPort") }, "Service")},
	{name: "Service to a port that nobody has", layers: "workload", mutate: each("the target", func(o *object) { o.set("more", "spec", "ports", 0, "targetPort") }, "Service")},
	{name: "Service for the world", layers: "workload schema", mutate: each("the type", func(o *object) { o.set("LoadBalancer", "spec", "type") }, "Service")},
	{name: "Service on the nodes", layers: "workload schema", mutate: each("the type", func(o *object) { o.set("NodePort", "spec", "type") }, "Service")},
	{name: "Service that is another host", layers: "workload schema", mutate: each("the type", func(o *object) {
		o.set(y{"type": "ExternalName", "externalName": "elsewhere.example"}, "spec")
	}, "Service")},
	{name: "Service at an address of its own", layers: "workload schema", mutate: each("the addresses", func(o *object) { o.set(l("203.0.113.7"), "spec", "externalIPs") }, "Service")},
	{name: "Service dropped", layers: "workload", mutate: each("it", func(o *object) { o.dropped = true }, "Service")},
	{name: "Service renamed", layers: "workload", mutate: each("it", func(o *object) { o.set("more", "metadata", "name") }, "Service")},
	{name: "Service of pods that are not ready", layers: "manifest", mutate: each("it", func(o *object) { o.set(true, "spec", "publishNotReadyAddresses") }, "Service")},

	{name: "autoscaler of another", layers: "workload", mutate: each("the target", func(o *object) { o.set("more", "spec", "scaleTargetRef", "name") }, "HorizontalPodAutoscaler")},
	{name: "autoscaler of another kind", layers: "workload", mutate: each("the target", func(o *object) {
		o.set(y{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": o.name()}, "spec", "scaleTargetRef")
	}, "HorizontalPodAutoscaler")},
	{name: "autoscaler without end", layers: "manifest", mutate: each("the maximum", func(o *object) { o.set(1000, "spec", "maxReplicas") }, "HorizontalPodAutoscaler")},
	{name: "autoscaler dropped", layers: "manifest", mutate: each("it", func(o *object) { o.dropped = true }, "HorizontalPodAutoscaler")},
	{name: "budget of other pods", layers: "workload", mutate: each("the selector", func(o *object) { o.set("more", "spec", "selector", "matchLabels", "agents.d/agent") }, "PodDisruptionBudget")},
	{name: "budget of all pods", layers: "workload", mutate: each("the selector", func(o *object) { o.set(y{}, "spec", "selector") }, "PodDisruptionBudget")},
	{name: "budget dropped", layers: "manifest", mutate: each("it", func(o *object) { o.dropped = true }, "PodDisruptionBudget")},

	{name: "ConfigMap of another name in a pod", layers: "workload identity", mutate: volumes("configMap", func(_ *object, v y) { set(v, "more", "configMap", "name") })},
	{name: "ConfigMap renamed", layers: "workload identity decision", mutate: each("it", func(o *object) { o.set("more", "metadata", "name") }, "ConfigMap")},
	{name: "ConfigMap that may be missing", layers: "manifest", mutate: volumes("configMap", func(_ *object, v y) { set(v, true, "configMap", "optional") })},
	{name: "Secret that may be missing", layers: "workload identity", mutate: volumes("secret", func(_ *object, v y) { set(v, true, "secret", "optional") })},
	{name: "Secret for everybody to read", layers: "manifest", mutate: volumes("secret", func(_ *object, v y) { set(v, 511, "secret", "defaultMode") })},
	{name: "credential of another endpoint", layers: "manifest", mutate: credentials(func(s y) { set(s, "elsewhere", "secret", "name") })},
	{name: "another key of a credential", layers: "manifest", mutate: credentials(func(s y) { set(s, "more", "secret", "items", 0, "key") })},
	{name: "credential under another name", layers: "manifest", mutate: credentials(func(s y) { set(s, "more", "secret", "items", 0, "path") })},
	{name: "credential dropped", layers: "manifest", mutate: func(t *target) {
		eachCredentials(t, func(o *object, volume y) {
			for i := range list(volume, "projected", "sources") {
				if t.here(fmt.Sprint("source ", i), o) {
					remove(volume, "projected", "sources", i)
				}
			}
		})
	}},
	{name: "mount dropped", layers: "manifest", mutate: func(t *target) {
		for _, o := range t.of(workloadOf...) {
			for _, c := range containersOf(podOf(o)) {
				for i, m := range list(c, "volumeMounts") {
					if t.here(fmt.Sprint(at(m, "mountPath"), " of ", c["name"]), o) {
						remove(c, "volumeMounts", i)
					}
				}
			}
		}
	}},
	{name: "mount of another path", layers: "manifest", mutate: containers(func(_ *object, c y) { set(c, "/more", "volumeMounts", 0, "mountPath") }, everyContainer...)},
	{name: "cards changed", layers: "manifest", mutate: cards(func(text string) string { return strings.Replace(text, ".svc", ".elsewhere", 1) })},
	{name: "card without mTLS", layers: "manifest", mutate: cards(func(text string) string { return strings.Replace(text, `"mtls": []`, ``, 1) })},

	{name: "namespace without Pod Security", layers: "workload schema", mutate: namespaces(func(o *object) { o.remove("metadata", "labels", "pod-security.kubernetes.io/enforce") })},
	{name: "namespace with another Pod Security", layers: "workload schema", mutate: namespaces(func(o *object) { o.set("privileged", "metadata", "labels", "pod-security.kubernetes.io/enforce") })},
	{name: "namespace with the baseline of Pod Security", layers: "workload schema", mutate: namespaces(func(o *object) { o.set("baseline", "metadata", "labels", "pod-security.kubernetes.io/enforce") })},
	{name: "namespace with an old Pod Security", layers: "workload schema", mutate: namespaces(func(o *object) { o.set("v1.0", "metadata", "labels", "pod-security.kubernetes.io/enforce-version") })},
	{name: "namespace dropped", layers: "workload", mutate: namespaces(func(o *object) { o.dropped = true })},
	{name: "quota dropped", layers: "manifest", mutate: each("it", func(o *object) { o.dropped = true }, "ResourceQuota")},
	{name: "quota too small", layers: "manifest", mutate: each("pods", func(o *object) { o.set("0", "spec", "hard", "pods") }, "ResourceQuota")},
	{name: "limits of a namespace dropped", layers: "manifest", mutate: each("it", func(o *object) { o.dropped = true }, "LimitRange")},
	{name: "limits of a namespace too low", layers: "workload schema", mutate: each("memory", func(o *object) { o.set("1Mi", "spec", "limits", 0, "max", "memory") }, "LimitRange")},

	{name: "monitor of other pods", layers: "workload", mutate: each("the selector", func(o *object) { o.set(y{"matchLabels": y{"more": "more"}}, "spec", "selector") }, "PodMonitor")},
	{name: "monitor of other namespaces", layers: "workload", mutate: each("the namespaces", func(o *object) { o.set(y{"matchNames": l("elsewhere")}, "spec", "namespaceSelector") }, "PodMonitor")},
	{name: "monitor of another port", layers: "workload", mutate: each("the port", func(o *object) { o.set("more", "spec", "podMetricsEndpoints", 0, "port") }, "PodMonitor")},
	{name: "alerts dropped", layers: "manifest", mutate: each("it", func(o *object) { o.dropped = true }, "PrometheusRule")},

	{name: "default left out", layers: "schema admission manifest", mutate: defaults},
	{name: "unknown field", layers: "schema", mutate: each("spec", func(o *object) { o.set(true, "spec", "unheardOf") },
		"Deployment", "StatefulSet", "Service", "Certificate", ciliumPolicy, "NetworkPolicy", kyvernoPolicy, "Rollout", "HorizontalPodAutoscaler", "PodDisruptionBudget", "PodMonitor", "PrometheusRule", "ResourceQuota", "Application", "AppProject")},
	{name: "field of a wrong type", layers: "schema", mutate: each("metadata.labels", func(o *object) { o.set(true, "metadata", "labels", "agents.d/fleet") },
		"Deployment", "StatefulSet", "Service", "Certificate", ciliumPolicy, "NetworkPolicy", kyvernoPolicy, "ConfigMap", "Namespace")},
	{name: "value that is not allowed", layers: "schema", mutate: each("a value", func(o *object) {
		path := map[string][]any{
			"Deployment": {"spec", "strategy", "type"}, "Service": {"spec", "sessionAffinity"}, "Certificate": {"spec", "privateKey", "rotationPolicy"},
			ciliumPolicy: {"spec", "egress", 0, "toPorts", 0, "ports", 0, "protocol"}, kyvernoPolicy: {"spec", "failurePolicy"},
			"StatefulSet": {"spec", "podManagementPolicy"}, "PodDisruptionBudget": {"spec", "unhealthyPodEvictionPolicy"},
		}[o.kind()]
		o.set("UNHEARD", path...)
	}, "Deployment", "Service", "Certificate", ciliumPolicy, kyvernoPolicy, "StatefulSet", "PodDisruptionBudget")},
	{name: "name that is not allowed", layers: "schema", mutate: each("the name", func(o *object) { o.set("Not_A_Name", "metadata", "name") }, "Deployment", "Service", "ConfigMap", "Namespace", "Certificate")},
	{name: "kind that nobody knows", layers: "schema delivery", mutate: each("the kind", func(o *object) { o.set("Unheard", "kind") }, "Deployment", "Service", "Certificate", ciliumPolicy, kyvernoPolicy)},
	{name: "YAML that nobody reads", layers: "schema", mutate: func(t *target) {
		for _, o := range t.of("Namespace") {
			if t.here("the file of", o) {
				t.texts[o.file] = append(t.environment.files[o.file], "a: [\n"...)
			}
		}
	}},
	{name: "key given twice", layers: "schema", mutate: func(t *target) {
		for _, o := range t.of("Deployment", "StatefulSet") {
			if t.here("replicas", o) {
				t.texts[o.file] = []byte(strings.Replace(string(t.environment.files[o.file]), "kind: "+o.kind()+"\n", "kind: "+o.kind()+"\nkind: "+o.kind()+"\n", 1))
			}
		}
	}},
	{name: "documents in another order", equivalent: "waves order them, and not their place", mutate: func(t *target) {
		for _, ns := range t.of("Namespace") {
			var first, last int = -1, -1
			for i, o := range t.docs {
				if o.file == ns.file {
					if last = i; first < 0 {
						first = i
					}
				}
			}
			if last > first && t.here("the file of", ns) {
				t.docs[first], t.docs[last] = t.docs[last], t.docs[first]
			}
		}
	}},
	{name: "comment", equivalent: "nobody reads it", mutate: func(t *target) {
		for _, o := range t.of("Deployment") {
			if t.here("in the file of", o) {
				t.texts[o.file] = append(t.environment.files[o.file], "# a comment\n"...)
			}
		}
	}},
}

var everyContainer = []string{"guard", "agent", "agentd"}

var probeNames = []string{"livenessProbe", "readinessProbe", "startupProbe"}

func images(change func(string) string) mutator {
	return containers(func(_ *object, c y) { c["image"] = change(str(c["image"])) }, everyContainer...)
}

func secured(change func(y)) mutator {
	return containers(func(_ *object, c y) { change(dict(c, "securityContext")) }, everyContainer...)
}

func namespaces(change func(*object)) mutator { return each("the namespace", change, "Namespace") }

// variables changes each variable of each agent's environment.
func variables(change func(y)) mutator {
	return func(t *target) {
		for _, o := range t.of("Deployment") {
			for _, v := range list(agent(o), "env") {
				if t.here(str(at(v, "name")), o) {
					change(v.(y))
				}
			}
		}
	}
}

func probes(change func(y)) mutator {
	return func(t *target) {
		for _, o := range t.of(workloadOf...) {
			for _, c := range containersOf(podOf(o)) {
				for _, name := range probeNames {
					if c[name] != nil && t.here(fmt.Sprint(name, " of ", c["name"]), o) {
						change(dict(c, name))
					}
				}
			}
		}
	}
}

// eachCredentials goes through the volumes that hold endpoints' credentials.
func eachCredentials(t *target, do func(o *object, volume y)) {
	for _, o := range t.of(workloadOf...) {
		for _, v := range list(podOf(o), "volumes") {
			if at(v, "name") == "credentials" {
				do(o, v.(y))
			}
		}
	}
}

func credentials(change func(y)) mutator {
	return func(t *target) {
		eachCredentials(t, func(o *object, volume y) {
			for i, s := range list(volume, "projected", "sources") {
				if t.here(fmt.Sprint("source ", i), o) {
					change(s.(y))
				}
			}
		})
	}
}

func cards(change func(string) string) mutator {
	return func(t *target) {
		for _, o := range t.of("ConfigMap") {
			for _, key := range sorted(dict(o.tree, "data")) {
				text := str(o.at("data", key))
				if strings.HasSuffix(key, "agent-card.json") && t.here(key, o) {
					o.set(change(text), "data", key)
				}
			}
		}
	}
}

// defaults takes away, one at a time, values that the API server would add: an Application would never be in sync.
func defaults(t *target) {
	for _, of := range []struct {
		kind  string
		paths [][]any
	}{
		{"Deployment", [][]any{
			{"spec", "revisionHistoryLimit"}, {"spec", "progressDeadlineSeconds"}, {"spec", "strategy"},
			{"spec", "template", "spec", "restartPolicy"}, {"spec", "template", "spec", "dnsPolicy"}, {"spec", "template", "spec", "schedulerName"},
			{"spec", "template", "spec", "terminationGracePeriodSeconds"}, {"spec", "template", "spec", "volumes", 0, "secret", "defaultMode"},
			{"spec", "template", "spec", "containers", 0, "terminationMessagePath"}, {"spec", "template", "spec", "containers", 0, "terminationMessagePolicy"},
			{"spec", "template", "spec", "containers", 0, "livenessProbe", "successThreshold"}, {"spec", "template", "spec", "containers", 0, "livenessProbe", "httpGet", "scheme"},
			{"spec", "template", "spec", "initContainers", 0, "ports", 0, "protocol"},
		}},
		{"StatefulSet", [][]any{{"spec", "podManagementPolicy"}, {"spec", "updateStrategy"}, {"spec", "persistentVolumeClaimRetentionPolicy"}, {"spec", "volumeClaimTemplates", 0, "spec", "volumeMode"}}},
		{"Service", [][]any{{"spec", "type"}, {"spec", "sessionAffinity"}, {"spec", "internalTrafficPolicy"}, {"spec", "ports", 0, "protocol"}, {"spec", "ipFamilyPolicy"}}},
		{"NetworkPolicy", [][]any{{"spec", "policyTypes"}}},
		{"HorizontalPodAutoscaler", [][]any{{"spec", "minReplicas"}}},
		{kyvernoPolicy, [][]any{{"spec", "failurePolicy"}, {"spec", "matchConstraints", "matchPolicy"}}},
	} {
		for _, o := range t.of(of.kind) {
			for _, path := range of.paths {
				if o.at(path...) != nil && t.here(fmt.Sprint(path), o) {
					o.remove(path...)
				}
			}
		}
	}
}
