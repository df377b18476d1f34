package argo

import (
	"testing"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func validProject(t *testing.T, d delivery) {
	if err := d.project.ValidateProject(); err != nil {
		t.Error(err)
	}
	if want := d.platform.Spec.Fleet + "-" + d.env.Name; d.project.Name != want || d.project.Namespace != d.platform.argoNamespace() {
		t.Errorf("it is %s/%s, not %s in the namespace of Argo CD", d.project.Namespace, d.project.Name, want)
	}
	var keys []string
	for _, k := range d.project.Spec.SignatureKeys {
		keys = append(keys, k.KeyID)
	}
	if diff := gocmp.Diff(d.platform.Spec.Git.SignatureKeys, keys); diff != "" {
		t.Errorf("signature keys (-platform +project):\n%s", diff)
	}
}

// onlyThisRepository: none that looks like it either, and not the platform's where the environment has its own.
func onlyThisRepository(t *testing.T, d delivery) {
	permitted := func(url string) bool { return d.project.IsSourcePermitted(v1alpha1.ApplicationSource{RepoURL: url}) }
	repository, platforms := d.repository(), d.platform.Spec.Git.Repository
	if !permitted(repository) {
		t.Errorf("%s is refused", repository)
	}
	others := []string{repository + "/more", repository + "s", "x" + repository, "", "*", "https://charts.example"}
	if repository != platforms {
		others = append(others, platforms)
	}
	for _, url := range others {
		if permitted(url) {
			t.Errorf("%q is permitted", url)
		}
	}
}

func (d delivery) permits(t *testing.T, to v1alpha1.ApplicationDestination) bool {
	t.Helper()
	answer, err := d.project.IsDestinationPermitted(to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func onlyTheFleetsNamespaces(t *testing.T, d delivery) {
	fleet := d.platform.Spec.Fleet
	for _, namespace := range []string{fleet + "-system", fleet + "-an-agent-that-was-removed"} {
		if !d.permits(t, v1alpha1.ApplicationDestination{Server: d.env.Cluster, Namespace: namespace}) {
			t.Errorf("%s is refused: nothing in it would ever be pruned", namespace)
		}
	}
	for _, namespace := range []string{d.project.Namespace, "kube-system", "default", fleet, "x" + fleet + "-system", "*", ""} {
		if d.permits(t, v1alpha1.ApplicationDestination{Server: d.env.Cluster, Namespace: namespace}) {
			t.Errorf("namespace %q is permitted", namespace)
		}
	}
}

func onlyThisCluster(t *testing.T, d delivery) {
	others := []v1alpha1.ApplicationDestination{
		{Server: v1alpha1.KubernetesInternalAPIServerAddr}, {Server: d.env.Cluster + "0"}, {Server: "*"}, {}, {Name: "in-cluster"}, {Name: d.env.Name},
	}
	for _, env := range d.platform.Spec.Environments {
		if env.Name != d.env.Name {
			others = append(others, v1alpha1.ApplicationDestination{Server: env.Cluster})
		}
	}
	for _, other := range others {
		other.Namespace = d.platform.Spec.Fleet + "-system"
		if d.permits(t, other) {
			t.Errorf("%+v is permitted", other)
		}
	}
}

// manifestsArePermitted asks as Argo CD does before it prunes a live object.
func manifestsArePermitted(t *testing.T, d delivery) {
	for file, objects := range d.manifests {
		for _, o := range objects {
			permitted, err := d.project.IsLiveResourcePermitted(&o, d.env.Cluster, "", nil)
			if err != nil || !permitted {
				t.Errorf("%s: %s %s/%s is refused (%v)", file, o.GroupVersionKind().GroupKind(), o.GetNamespace(), o.GetName(), err)
			}
		}
	}
}

// foreign are kinds that no fleet may bring along: rights, secrets, machinery of the cluster, and Argo CD's own.
var foreign = map[string][]string{
	"":                             {"Secret", "Pod", "Node", "PersistentVolume", "PersistentVolumeClaim", "Endpoints", "ReplicationController"},
	"admissionregistration.k8s.io": {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"apps":                         {"DaemonSet", "ReplicaSet"},
	"argoproj.io":                  {"AppProject", "Application", "ApplicationSet", "ClusterAnalysisTemplate", "Workflow"},
	"batch":                        {"Job", "CronJob"},
	"cert-manager.io":              {"Issuer", "ClusterIssuer", "CertificateRequest"},
	"cilium.io":                    {"CiliumClusterwideNetworkPolicy"},
	"kyverno.io":                   {"ClusterPolicy", "Policy", "PolicyException"},
	"networking.k8s.io":            {"Ingress"},
	"policies.kyverno.io":          {"PolicyException", "MutatingPolicy", "GeneratingPolicy", "DeletingPolicy", "ImageValidatingPolicy"},
	"policy.networking.k8s.io":     {"AdminNetworkPolicy", "BaselineAdminNetworkPolicy"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"*":                            {"*"},
}

func foreignKinds(t *testing.T, d delivery) {
	for group, kinds := range foreign {
		for _, kind := range kinds {
			for _, namespaced := range []bool{true, false} {
				if d.project.IsGroupKindPermitted(schema.GroupKind{Group: group, Kind: kind}, namespaced) {
					t.Errorf("%s of %q is permitted (in a namespace: %v)", kind, group, namespaced)
				}
			}
		}
	}
}

// kindsStayInPlace: a kind of a namespace is not permitted in the cluster, nor the other way round, nor a namesake.
func kindsStayInPlace(t *testing.T, d delivery) {
	for file, objects := range d.manifests {
		for _, o := range objects {
			kind, namespaced := o.GroupVersionKind().GroupKind(), o.GetNamespace() != ""
			namesake := schema.GroupKind{Group: "x" + kind.Group, Kind: kind.Kind}
			if d.project.IsGroupKindPermitted(kind, !namespaced) || d.project.IsGroupKindPermitted(namesake, namespaced) {
				t.Errorf("%s: %s is permitted where it does not belong", file, kind)
			}
		}
	}
}

// applicationsOfOthers: where Argo CD takes Applications from further namespaces, those do not get into the project.
func applicationsOfOthers(t *testing.T, d delivery) {
	for _, namespace := range []string{"default", d.platform.Spec.Fleet + "-system"} {
		var app v1alpha1.Application
		app.Namespace = namespace
		if d.project.IsAppNamespacePermitted(&app, d.project.Namespace) {
			t.Errorf("one of namespace %s does", namespace)
		}
	}
}
