//go:build judge

package prove

import (
	"fmt"
	"path"
	"strings"
)

var deliveryKinds = []kind{
	{name: "project for any namespace", layers: "delivery", mutate: projects(func(o *object) { o.set("*", "spec", "destinations", 0, "namespace") })},
	{name: "project for more namespaces", layers: "delivery", mutate: projects(func(o *object) {
		o.set(strings.TrimSuffix(str(o.at("spec", "destinations", 0, "namespace")), "-*")+"*", "spec", "destinations", 0, "namespace")
	})},
	{name: "project for another namespace too", layers: "delivery", mutate: projects(func(o *object) {
		o.add([]any{"spec", "destinations"}, y{"server": o.at("spec", "destinations", 0, "server"), "namespace": "kube-system"})
	})},
	{name: "project for any cluster", layers: "delivery", mutate: projects(func(o *object) { o.set("*", "spec", "destinations", 0, "server") })},
	{name: "project for another cluster", layers: "delivery", mutate: projects(func(o *object) { o.set("https://elsewhere.example", "spec", "destinations", 0, "server") })},
	{name: "project for clusters by name", layers: "delivery", mutate: projects(func(o *object) { o.set("*", "spec", "destinations", 0, "name") })},
	{name: "project of any repository", layers: "delivery", mutate: projects(func(o *object) { o.set(l("*"), "spec", "sourceRepos") })},
	{name: "project of another repository too", layers: "delivery", mutate: projects(func(o *object) { o.add([]any{"spec", "sourceRepos"}, "https://elsewhere.example/more.git") })},
	{name: "project of another repository", layers: "delivery", mutate: projects(func(o *object) { o.set(l("https://elsewhere.example/more.git"), "spec", "sourceRepos") })},
	{name: "project from any namespace", layers: "delivery", mutate: projects(func(o *object) { o.set(l("*"), "spec", "sourceNamespaces") })},
	{name: "kind added to the project, for the cluster", layers: "delivery", mutate: projects(func(o *object) {
		o.add([]any{"spec", "clusterResourceWhitelist"}, y{"group": "rbac.authorization.k8s.io", "kind": "ClusterRoleBinding"})
	})},
	{name: "any kind for the cluster", layers: "delivery", mutate: projects(func(o *object) { o.set(l(y{"group": "*", "kind": "*"}), "spec", "clusterResourceWhitelist") })},
	{name: "kind added to the project", layers: "delivery", mutate: projects(func(o *object) {
		o.add([]any{"spec", "namespaceResourceWhitelist"}, y{"group": "", "kind": "Secret"})
	})},
	{name: "any kind", layers: "delivery", mutate: projects(func(o *object) { o.set(l(y{"group": "*", "kind": "*"}), "spec", "namespaceResourceWhitelist") })},
	{name: "any kind of a group", layers: "delivery", mutate: projects(func(o *object) { o.add([]any{"spec", "namespaceResourceWhitelist"}, y{"group": "", "kind": "*"}) })},
	{name: "list of kinds dropped", layers: "delivery", mutate: projects(func(o *object) { o.remove("spec", "namespaceResourceWhitelist") })},
	{name: "kind for the cluster dropped", layers: "delivery", mutate: elements("AppProject", "spec", "clusterResourceWhitelist")},
	{name: "kind dropped", layers: "delivery", mutate: elements("AppProject", "spec", "namespaceResourceWhitelist")},
	{name: "kind refused", layers: "delivery", mutate: projects(func(o *object) {
		o.set(l(y{"group": "apps", "kind": "Deployment"}), "spec", "namespaceResourceBlacklist")
	})},
	{name: "role in the project", layers: "delivery", mutate: projects(func(o *object) {
		o.set(l(y{"name": "more", "policies": l("p, proj:more:more, applications, *, *, allow"), "groups": l("everybody")}), "spec", "roles")
	})},
	{name: "window without syncs", layers: "delivery", mutate: projects(func(o *object) {
		o.set(l(y{"kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": l("*")}), "spec", "syncWindows")
	})},
	{name: "project dropped", layers: "delivery", mutate: projects(func(o *object) { o.dropped = true })},
	{name: "project in another namespace", layers: "delivery", mutate: projects(func(o *object) { o.set("elsewhere", "metadata", "namespace") })},
	{name: "project of another name", layers: "delivery", mutate: projects(func(o *object) { o.set("more", "metadata", "name") })},

	{name: "Application of another project", layers: "delivery", mutate: applications(func(o *object) { o.set("default", "spec", "project") })},
	{name: "Application of another repository", layers: "delivery", mutate: applications(func(o *object) { o.set("https://elsewhere.example/more.git", "spec", "source", "repoURL") })},
	{name: "Application of another path", layers: "delivery", mutate: applications(func(o *object) {
		o.set(path.Dir(str(o.at("spec", "source", "path"))), "spec", "source", "path")
	})},
	{name: "Application of another revision", layers: "delivery", mutate: applications(func(o *object) { o.set("HEAD", "spec", "source", "targetRevision") })},
	{name: "Application that looks into no folder", layers: "delivery", mutate: applications(func(o *object) { o.set(false, "spec", "source", "directory", "recurse") })},
	{name: "Application of fewer files", layers: "delivery", mutate: applications(func(o *object) { o.set("cluster.yaml", "spec", "source", "directory", "include") })},
	{name: "Application of more files", layers: "delivery", mutate: applications(func(o *object) { o.set("*", "spec", "source", "directory", "include") })},
	{name: "Application that leaves files out", layers: "delivery", mutate: applications(func(o *object) { o.set("*/_namespace.yaml", "spec", "source", "directory", "exclude") })},
	{name: "Application with a second source", layers: "delivery", mutate: applications(func(o *object) {
		o.set(l(clone(o.at("spec", "source")), y{"repoURL": "https://elsewhere.example/more.git", "path": ".", "targetRevision": "HEAD"}), "spec", "sources")
	})},
	{name: "Application that runs a plugin", layers: "delivery", mutate: applications(func(o *object) { o.set(y{"name": "more"}, "spec", "source", "plugin") })},
	{name: "Application that kustomizes", layers: "delivery", mutate: applications(func(o *object) {
		o.set(y{"images": l("agentd=elsewhere.example/more")}, "spec", "source", "kustomize")
	})},
	{name: "Application for another cluster", layers: "delivery", mutate: applications(func(o *object) { o.set("https://elsewhere.example", "spec", "destination", "server") })},
	{name: "Application for another namespace", layers: "delivery", mutate: applications(func(o *object) { o.set("kube-system", "spec", "destination", "namespace") })},
	{name: "Application that does not prune", layers: "delivery", mutate: applications(func(o *object) { o.set(false, "spec", "syncPolicy", "automated", "prune") })},
	{name: "Application that does not heal", layers: "delivery", mutate: applications(func(o *object) { o.set(false, "spec", "syncPolicy", "automated", "selfHeal") })},
	{name: "Application that does not sync by itself", layers: "delivery", mutate: applications(func(o *object) { o.remove("spec", "syncPolicy", "automated") })},
	{name: "Application that is switched off", layers: "delivery", mutate: applications(func(o *object) { o.set(false, "spec", "syncPolicy", "automated", "enabled") })},
	{name: "Application that may become empty", layers: "delivery", mutate: applications(func(o *object) { o.set(true, "spec", "syncPolicy", "automated", "allowEmpty") })},
	{name: "Application without server-side apply", layers: "delivery", mutate: applications(func(o *object) { o.remove("spec", "syncPolicy", "syncOptions") })},
	{name: "Application that replaces", layers: "delivery", mutate: applications(func(o *object) { o.add([]any{"spec", "syncPolicy", "syncOptions"}, "Replace=true") })},
	{name: "Application that does not validate", layers: "delivery", mutate: applications(func(o *object) { o.add([]any{"spec", "syncPolicy", "syncOptions"}, "Validate=false") })},
	{name: "Application that makes namespaces", layers: "delivery", mutate: applications(func(o *object) { o.add([]any{"spec", "syncPolicy", "syncOptions"}, "CreateNamespace=true") })},
	{name: "Application that ignores differences", layers: "delivery", mutate: applications(func(o *object) {
		o.set(l(y{"group": "cilium.io", "kind": "CiliumNetworkPolicy", "jsonPointers": l("/spec")}), "spec", "ignoreDifferences")
	})},
	{name: "Application that skips reconciling", layers: "delivery", mutate: applications(func(o *object) {
		o.set("true", "metadata", "annotations", "argocd.argoproj.io/skip-reconcile")
	})},
	{name: "Application that does not compare on the server", layers: "manifest", mutate: applications(func(o *object) {
		o.remove("metadata", "annotations", "argocd.argoproj.io/compare-options")
	})},
	{name: "Application that takes its agents with it", layers: "delivery", mutate: applications(func(o *object) {
		o.set(l("resources-finalizer.argocd.argoproj.io"), "metadata", "finalizers")
	})},
	{name: "Application that stops after a failed sync", layers: "manifest", mutate: applications(func(o *object) { o.remove("spec", "syncPolicy", "retry") })},
	{name: "Application dropped", layers: "delivery", mutate: applications(func(o *object) { o.dropped = true })},
	{name: "Application in another namespace", layers: "delivery", mutate: applications(func(o *object) { o.set("elsewhere", "metadata", "namespace") })},
	{name: "Application twice", layers: "delivery", mutate: func(t *target) {
		for _, o := range t.of("Application") {
			if t.here("another beside", o) {
				more := clone(o.tree).(y)
				set(more, "more", "metadata", "name")
				t.add("delivery/more.yaml", more)
			}
		}
	}},
	{name: "ApplicationSet of a stranger", layers: "delivery schema", mutate: func(t *target) {
		for _, o := range t.of("Application") {
			if t.here("beside", o) {
				t.add("delivery/more.yaml", y{
					"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": y{"name": "more", "namespace": o.namespace()},
					"spec": y{"generators": l(y{"list": y{"elements": l(y{"a": "b"})}}), "template": y{"metadata": y{"name": "more"}, "spec": clone(o.at("spec"))}},
				})
			}
		}
	}},
	{name: "Application among the manifests", layers: "delivery", mutate: func(t *target) {
		for _, o := range t.of("Application") {
			if t.here("a copy", o) {
				t.add("manifests/"+t.system()+"/more.yaml", clone(o.tree).(y))
			}
		}
	}},
	{name: "manifest among the delivery", layers: "delivery schema", mutate: func(t *target) {
		if t.here("a ConfigMap") {
			t.add("delivery/more.yaml", y{"apiVersion": "v1", "kind": "ConfigMap", "metadata": y{"name": "more", "namespace": "argocd"}, "data": y{"a": "b"}})
		}
	}},

	{name: "wave inverted", layers: "delivery", mutate: waves(func(wave string) string {
		if wave == "0" {
			return "-5"
		}
		return fmt.Sprint(-number(wave))
	})},
	{name: "wave dropped, of what comes first", layers: "delivery manifest", mutate: func(t *target) {
		for _, o := range t.docs {
			if wave := str(o.at("metadata", "annotations", "argocd.argoproj.io/sync-wave")); wave != "" && wave != "0" && t.here("wave "+wave, o) {
				o.remove("metadata", "annotations", "argocd.argoproj.io/sync-wave")
			}
		}
	}},
	{name: "wave 0 dropped", layers: "manifest", equivalent: "0 is the wave of what names none", mutate: func(t *target) {
		for _, o := range t.docs {
			if o.at("metadata", "annotations", "argocd.argoproj.io/sync-wave") == "0" && t.here("wave 0", o) {
				o.remove("metadata", "annotations", "argocd.argoproj.io/sync-wave")
			}
		}
	}},
	{name: "hook instead of an object", layers: "delivery", mutate: annotated("argocd.argoproj.io/hook", "PreSync")},
	{name: "object that is not pruned", layers: "delivery", mutate: annotated("argocd.argoproj.io/sync-options", "Prune=false")},
	{name: "object that is not validated", layers: "delivery", mutate: annotated("argocd.argoproj.io/sync-options", "Validate=false")},
	{name: "object whose differences are ignored", layers: "delivery", mutate: annotated("argocd.argoproj.io/compare-options", "IgnoreExtraneous")},
	{name: "object that Argo CD takes for a kustomization", layers: "delivery schema", mutate: func(t *target) {
		if t.here("kustomization.yaml") {
			t.add("manifests/kustomization.yaml", y{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": l("cluster.yaml")})
		}
	}},
	{name: "file that Argo CD skips", layers: "delivery schema network workload", mutate: func(t *target) {
		for _, o := range t.of("Namespace") {
			if t.here("the file of", o) {
				text := string(t.environment.files[o.file])
				t.texts[o.file] = []byte("# +argocd:skip-file-rendering\n" + text)
			}
		}
	}},
	{name: "secret of a stranger", layers: "delivery schema workload", mutate: func(t *target) {
		if t.here("a Secret") {
			t.add("manifests/"+t.system()+"/more.yaml", y{"apiVersion": "v1", "kind": "Secret", "metadata": y{"name": "more", "namespace": t.system()}, "type": "Opaque", "stringData": y{"a": "b"}})
		}
	}},
	{name: "rights of a stranger", layers: "delivery admission", mutate: func(t *target) {
		for _, o := range t.of("ServiceAccount") {
			if t.here("for", o) {
				t.add("manifests/more.yaml", y{
					"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": y{"name": "more"},
					"roleRef":  y{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
					"subjects": l(y{"kind": "ServiceAccount", "name": o.name(), "namespace": o.namespace()}),
				})
			}
		}
	}},
	{name: "object in a foreign namespace", layers: "delivery", mutate: func(t *target) {
		if t.here("a ConfigMap in kube-system") {
			t.add("manifests/more.yaml", y{"apiVersion": "v1", "kind": "ConfigMap", "metadata": y{"name": "more", "namespace": "kube-system"}, "data": y{"a": "b"}})
		}
	}},
	{name: "object twice", layers: "delivery schema workload", mutate: func(t *target) {
		for _, o := range t.docs {
			if o.kind() == "Service" && t.here("a copy", o) {
				t.add("manifests/"+o.namespace()+"/more.yaml", clone(o.tree).(y))
			}
		}
	}},
	{name: "project that demands a signature that nobody makes", layers: "delivery", mutate: projects(func(o *object) {
		o.set(l(y{"keyID": "0123456789ABCDEF"}), "spec", "signatureKeys")
	})},
}

func projects(change func(*object)) mutator { return each("the project", change, "AppProject") }

func applications(change func(*object)) mutator {
	return each("the Application", change, "Application")
}

// annotated gives each object in the cluster an annotation.
func annotated(key, value string) mutator {
	return func(t *target) {
		for _, o := range t.docs {
			if strings.HasPrefix(o.file, t.folder+"manifests/") && t.here("an object", o) {
				o.set(value, "metadata", "annotations", key)
			}
		}
	}
}

func waves(change func(string) string) mutator {
	const wave = "argocd.argoproj.io/sync-wave"
	return func(t *target) {
		for _, o := range t.docs {
			if has := str(o.at("metadata", "annotations", wave)); has != "" && t.here("wave "+has, o) {
				o.set(change(has), "metadata", "annotations", wave)
			}
		}
	}
}
