package delivery

import (
	"fmt"
	"strings"
	"testing"

	"agentc/verify/internal/judged"
	"agentc/verify/judge"
)

func TestShipped(t *testing.T) { judged.Shipped(t, Judge) }

const (
	project      = "dev/delivery/project.yaml"
	applications = "dev/delivery/applications.yaml"
	detect       = "dev/manifests/soc-detect/detect.yaml"
	namespace    = "dev/manifests/soc-detect/_namespace.yaml"
	cluster      = "dev/manifests/cluster.yaml"
	more         = "dev/manifests/soc-detect/more.yaml"
)

func TestEdits(t *testing.T) {
	for _, c := range []struct{ file, old, changed, want string }{
		{project, "  - https://git.soc.example/soc/agents.git\n", "  - '*'\n", `sourceRepos is ["*"], not ["https://git.soc.example/soc/agents.git"]`},
		{project, "  - https://git.soc.example/soc/agents.git\n", "  - https://git.soc.example/soc/agents.git\n  - https://evil.example/a.git\n", "sourceRepos is ["},
		{project, "    namespace: soc-*\n", "    namespace: '*'\n", "destinations is ["},
		{project, "    namespace: soc-*\n", "    namespace: soc-detect\n", "destinations is ["},
		{project, "    namespace: soc-*\n", "    namespace: soc-*\n  - server: https://kubernetes.dev.soc.example:6443\n    namespace: '!kube-system'\n", "destinations is ["},
		{project, "  - server: https://kubernetes.dev", "  - server: https://kubernetes.prod", "destinations is ["},
		{project, "  clusterResourceWhitelist:\n", "  clusterResourceWhitelist:\n  - {group: '*', kind: '*'}\n", `permits the kind "*" of the group "*"`},
		{project, "  clusterResourceWhitelist:\n", "  clusterResourceWhitelist:\n  - {group: rbac.authorization.k8s.io, kind: ClusterRole}\n", `permits the kind "ClusterRole"`},
		{project, "  namespaceResourceWhitelist:\n", "  namespaceResourceWhitelist:\n  - {group: argoproj.io, kind: Application}\n", `permits the kind "Application"`},
		{project, "  namespaceResourceWhitelist:\n", "  namespaceResourceWhitelist:\n  - {group: '', kind: Secret}\n", `permits the kind "Secret"`},
		{project, "  - group: apps\n    kind: Deployment\n", "", "Deployment soc-detect/detect is of a kind that the AppProject does not permit in a namespace"},
		{project, "  - group: policies.kyverno.io\n    kind: ValidatingPolicy\n", "", "does not permit for the whole cluster"},
		{project, "  sourceRepos:\n", "  roles: [{name: a, policies: ['p, proj:soc-dev:a, applications, *, soc-dev/*, allow']}]\n  sourceRepos:\n", "roles is ["},
		{project, "  sourceRepos:\n", "  sourceNamespaces: ['*']\n  sourceRepos:\n", `sourceNamespaces is ["*"], not nothing`},
		{project, "  namespace: argocd\n", "  namespace: soc-system\n", `is in the namespace "soc-system", not in Argo CD's, "argocd"`},
		{project, "kind: AppProject\n", "kind: AppProjekt\n", "is neither an AppProject nor an Application"},
		{project, "kind: AppProject\n", "kind: AppProjekt\n", "there is no AppProject"},
		{project, "wave: \"-1\"", "wave: \"0\"", "is applied before its AppProject"},

		{applications, "  project: soc-dev\n", "  project: default\n", "project is default, not soc-dev"},
		{applications, "    path: generated/dev/manifests\n", "    path: generated/prod/manifests\n", "path is generated/prod/manifests, not generated/dev/manifests"},
		{applications, "    targetRevision: main\n", "    targetRevision: HEAD\n", "targetRevision is HEAD, not main"},
		{applications, "    repoURL: https://git.soc.example/", "    repoURL: https://git.evil.example/", "repoURL is"},
		{applications, "      recurse: true\n", "", "recurse is nothing, not true"},
		{applications, `include: "*.yaml"`, `include: "{*,x.yaml"`, "by which more than the manifests could be meant"},
		{applications, `include: "*.yaml"`, `include: "{*.json,*.yaml"`, "by which more than the manifests could be meant"},
		{applications, "      recurse: true\n", "      recurse: true\n      exclude: cluster.yaml\n", "exclude is cluster.yaml, not nothing"},
		{applications, "      recurse: true\n", "      recurse: true\n      jsonnet: {}\n", "jsonnet is {}, not nothing"},
		{applications, "      include: \"*.yaml\"\n", "      include: \"soc-*.yaml\"\n", "cluster.yaml:1:  is deployed by no Application"},
		{applications, "      include: \"*.yaml\"\n", "      include: \"*\"\n", `include is "*", by which more`},
		{applications, "      include: \"*.yaml\"\n", "      include: \"other*.yaml\"\n", "deploys no file"},
		{applications, "    server: https://kubernetes.dev", "    server: https://kubernetes.prod", "server is"},
		{applications, "    namespace: soc-system\n", "    namespace: kube-system\n", `deploys into the namespace "kube-system"`},
		{applications, "      prune: true\n", "", "prune is nothing, not true"},
		{applications, "      selfHeal: true\n", "      selfHeal: false\n", "selfHeal is false, not true"},
		{applications, "      selfHeal: true\n", "      selfHeal: true\n      allowEmpty: true\n", "allowEmpty is true, not nothing"},
		{applications, "      selfHeal: true\n", "      selfHeal: true\n      enabled: false\n", "enabled is false, not nothing"},
		{applications, "    - ServerSideApply=true\n", "    - ServerSideApply=true\n    - Replace=true\n", "syncOptions is ["},
		{applications, "  project: soc-dev\n", "  project: soc-dev\n  ignoreDifferences: [{kind: Deployment, jsonPointers: [/spec]}]\n", "ignoreDifferences is ["},
		{applications, "  project: soc-dev\n", "  project: soc-dev\n  sources: [{repoURL: 'https://evil.example/a.git', targetRevision: main}]\n", "sources is ["},
		{applications, "  name: soc-dev\n", "  name: soc-dev\n  finalizers: [resources-finalizer.argocd.argoproj.io]\n", "has a finalizer"},
		{applications, "ServerSideDiff=true", "IgnoreExtraneous", "which changes how it is deployed"},
		{applications, "kind: Application\n", "kind: Application\noperation: {sync: {}}\n", "starts a sync of its own"},
		{applications, "kind: Application\n", "kind: ApplicationSet\n", "is neither an AppProject nor an Application"},
		{applications, "kind: Application\n", "kind: ApplicationSet\n", "there is no Application: nothing is deployed"},

		{namespace, "wave: \"-3\"", "wave: \"1\"", "Certificate soc-detect/detect is in wave -2, and its Namespace only in 1"},
		{detect, "wave: \"-1\"", "wave: \"0\"", "the policy would come too late"},
		{detect, "wave: \"-2\"", "wave: \"0\"", "the service account would come too late"},
		{detect, "wave: \"-2\"", "wave: \"soon\"", `its wave is "soon", which is no number`},
		{cluster, "wave: \"-1\"", "wave: \"2\"", "ValidatingPolicy soc-"},
		{detect, "    argocd.argoproj.io/sync-wave: \"-2\"\n", "    argocd.argoproj.io/sync-wave: \"-2\"\n    argocd.argoproj.io/hook: PreSync\n", "tells Argo CD argocd.argoproj.io/hook: PreSync"},
		{detect, "    argocd.argoproj.io/sync-wave: \"-2\"\n", "    argocd.argoproj.io/sync-wave: \"-2\"\n    argocd.argoproj.io/sync-options: Prune=false\n", "tells Argo CD argocd.argoproj.io/sync-options: Prune=false"},
		{more, "", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: soc-detect}\n", "Application soc-detect/a is of a kind that the AppProject does not permit"},
		{more, "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: kube-system}\n", "is in a namespace that the AppProject does not permit"},
		{more, "", "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n", "Namespace other is in a namespace that the AppProject does not permit"},
		{more, "", "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a, namespace: soc-detect}\n", "RoleBinding soc-detect/a is of a kind"},
		{"dev/delivery/more.yaml", "", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: argocd}\n", "Secret argocd/a is neither an AppProject nor an Application"},
		{"dev/delivery/more.yaml", "", "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: a, namespace: argocd}\n", "is a second AppProject"},
	} {
		t.Run(c.want, func(t *testing.T) { wants(t, c.want, judged.Edit{File: c.file, Old: c.old, New: c.changed}) })
	}
}

func wants(t *testing.T, want string, edits ...judged.Edit) {
	t.Helper()
	if got := strings.Join(judged.Ask(t, Judge, edits...), "\n"); !strings.Contains(got, want) {
		t.Errorf("not %q but\n%s", want, got)
	}
}

// shares are the shipped manifests dealt out to Applications by these globs, each in a wave.
func shares(t *testing.T, globs map[string]int) *judge.Input {
	t.Helper()
	in := judged.Input(t)
	whole := string(in.Files[applications])
	var all []string
	for glob, wave := range globs {
		one := strings.Replace(whole, "name: soc-dev\n", fmt.Sprintf("name: soc-dev.%d\n", len(all)), 1)
		one = strings.Replace(one, `"*.yaml"`, `"`+glob+`"`, 1)
		all = append(all, strings.Replace(one, `wave: "0"`, fmt.Sprintf(`wave: "%d"`, wave), 1))
	}
	in.Files[applications] = []byte(strings.Join(all, "---\n"))
	return in
}

func TestShares(t *testing.T) {
	for name, c := range map[string]struct {
		globs map[string]int
		want  string
	}{
		"as they should be": {map[string]int{"cluster.yaml": 0, "soc-s*.yaml": 1, "soc-[!s]*.yaml": 2}, ""},
		"overlap":           {map[string]int{"cluster.yaml": 0, "soc-s*.yaml": 1, "soc-*.yaml": 2}, "is deployed by two Applications"},
		"gap":               {map[string]int{"cluster.yaml": 0, "soc-s*.yaml": 1}, "is deployed by no Application"},
		"no order":          {map[string]int{"cluster.yaml": 0, "soc-s*.yaml": 1, "soc-[!s]*.yaml": 0}, "which brings the policies that judge what it deploys"},
		"torn apart":        {map[string]int{"cluster.yaml": 0, "soc-*/_*.yaml": 1, "soc-*/[!_]*.yaml": 2}, "nothing puts the one before the other"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(judged.AskAbout(t, Judge, shares(t, c.globs), 0), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("not %q but\n%s", c.want, got)
			}
		})
	}
}

// TestClaims: what the spec asks for and the files lack.
func TestClaims(t *testing.T) {
	in := judged.Input(t)
	d := &in.Claims.Environments[0].Delivery
	d.SignatureKeys = []string{"4AEE18F83AFDEB23"}
	d.Namespace = "soc-argo"
	got := strings.Join(judged.AskAbout(t, Judge, in, 0), "\n")
	for _, want := range []string{`signatureKeys is nothing, not [{"keyID":"4AEE18F83AFDEB23"}]`, "permits Argo CD's own namespace soc-argo"} {
		if !strings.Contains(got, want) {
			t.Errorf("not %q but\n%s", want, got)
		}
	}
}

func TestLimit(t *testing.T) {
	in := judged.Input(t)
	in.Files[more] = []byte("# " + strings.Repeat("x", limit) + "\n")
	if got := strings.Join(judged.AskAbout(t, Judge, in, 0), "\n"); !strings.Contains(got, "Argo CD reads no more than 10000000 for one Application") {
		t.Error(got)
	}
}
