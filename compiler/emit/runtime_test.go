package emit

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	gocmp "github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"
)

// runtimeEnv is networkEnv with what the StatefulSet needs.
func runtimeEnv() *model.Environment {
	env := networkEnv()
	limits := model.ResourceList{CPU: resource.MustParse("500m"), Memory: resource.MustParse("512Mi"), EphemeralStorage: resource.MustParse("256Mi")}
	env.Runtime.Resources = model.Resources{Requests: limits, Limits: limits}
	env.Runtime.Storage = resource.MustParse("10Gi")
	env.Endpoints[0].Credential = &schema.Credential{Secret: "mattermost", Key: "token"}
	return env
}

// runtimeOutput is what the runtime layer wrote, read back strictly from its YAML.
type runtimeOutput struct {
	accounts     []*corev1.ServiceAccount
	keys         []*corev1.ConfigMap
	certificates []*certv1.Certificate
	services     []*corev1.Service
	budgets      []*policyv1.PodDisruptionBudget
	sets         []*appsv1.StatefulSet
	kinds        []string
}

func agentdOf(t *testing.T, env *model.Environment) *runtimeOutput {
	t.Helper()
	out := &Out{}
	if err := runtime(env, out); err != nil {
		t.Fatal(err)
	}
	all := &runtimeOutput{}
	for _, o := range out.Objects {
		if o.File != "prod/manifests/soc-system/agentd.yaml" || len(o.From) == 0 || o.From[0].Path != "" {
			t.Errorf("%T goes into %s, from %v", o.Value, o.File, o.From)
		}
		text, err := yaml.Marshal(o.Value)
		if err != nil {
			t.Fatal(err)
		}
		read := reflect.New(reflect.TypeOf(o.Value).Elem()).Interface()
		if err := yaml.UnmarshalStrict(text, read); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if again, _ := yaml.Marshal(read); string(again) != string(text) {
			t.Errorf("reading back changes it:\n%s", gocmp.Diff(string(text), string(again)))
		}
		all.add(read)
	}
	return all
}

func (a *runtimeOutput) add(object any) {
	switch o := object.(type) {
	case *corev1.ServiceAccount:
		a.accounts = append(a.accounts, o)
	case *corev1.ConfigMap:
		a.keys = append(a.keys, o)
	case *certv1.Certificate:
		a.certificates = append(a.certificates, o)
	case *corev1.Service:
		a.services = append(a.services, o)
	case *policyv1.PodDisruptionBudget:
		a.budgets = append(a.budgets, o)
	case *appsv1.StatefulSet:
		a.sets = append(a.sets, o)
	}
	a.kinds = append(a.kinds, reflect.TypeOf(object).Elem().Name())
}

func TestRuntimeObjects(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*model.Environment)
		want   []string
	}{
		{"sealed bundles, Mattermost in the cluster", func(*model.Environment) {},
			[]string{"ServiceAccount", "Certificate", "ConfigMap", "CiliumNetworkPolicy", "Service", "Service", "Service", "PodDisruptionBudget", "StatefulSet"}},
		{"unsealed bundles, no callbacks", func(e *model.Environment) { e.Trust, e.Runtime.Endpoints = "git", nil },
			[]string{"ServiceAccount", "Certificate", "CiliumNetworkPolicy", "Service", "Service", "PodDisruptionBudget", "StatefulSet"}},
	} {
		env := runtimeEnv()
		c.change(env)
		if diff := gocmp.Diff(c.want, agentdOf(t, env).kinds); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestRuntimeCommandLine(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*model.Environment)
		want   string
	}{
		{"everything", func(*model.Environment) {}, `serve
--environment=prod
--bundle=/run/agentc/bundle/bundle.tar.gz
--trust=key
--tls=/run/agentc/tls
--ca=/run/agentc/ca
--listen=:8444
--health=:8081
--admin=:9090
--data=/var/lib/agentd
--keys=/run/agentc/keys
--callback=:8445
--callback-host=agentd-callback.soc-system.svc.cluster.local
--credentials=/run/agentc/credentials
--otlp=otel.tracing.svc.cluster.local:4317`},
		{"the least", func(e *model.Environment) { e.Trust, e.Runtime.Endpoints, e.Peers.OTLP = "git", nil, nil }, `serve
--environment=prod
--bundle=/run/agentc/bundle/bundle.tar.gz
--trust=git
--tls=/run/agentc/tls
--ca=/run/agentc/ca
--listen=:8444
--health=:8081
--admin=:9090
--data=/var/lib/agentd`},
		{"replicas that share a database", func(e *model.Environment) {
			e.Trust, e.Peers.OTLP = "git", nil
			e.Runtime.Database = &model.Endpoint{Name: "answers", Type: "postgres", Host: "db.soc.example", Port: 5432, Credential: &schema.Credential{Secret: "db", Key: "uri"}}
			e.Runtime.Endpoints = []*model.Endpoint{e.Runtime.Database}
		}, `serve
--environment=prod
--bundle=/run/agentc/bundle/bundle.tar.gz
--trust=git
--tls=/run/agentc/tls
--ca=/run/agentc/ca
--listen=:8444
--health=:8081
--admin=:9090
--data=/var/lib/agentd
--credentials=/run/agentc/credentials
--database=answers`},
		{"a bundle from an endpoint with a credential", func(e *model.Environment) { bundleFromStore(e) }, `serve
--environment=prod
--bundle=https://store.soc.example:8443/prod/bundle.tar.gz
--trust=key
--tls=/run/agentc/tls
--ca=/run/agentc/ca
--listen=:8444
--health=:8081
--admin=:9090
--data=/var/lib/agentd
--keys=/run/agentc/keys
--callback=:8445
--callback-host=agentd-callback.soc-system.svc.cluster.local
--credentials=/run/agentc/credentials
--bundle-credential=store
--otlp=otel.tracing.svc.cluster.local:4317`},
	} {
		env := runtimeEnv()
		c.change(env)
		pod := agentdOf(t, env).sets[0].Spec.Template.Spec
		if diff := gocmp.Diff(c.want, strings.Join(pod.Containers[0].Args, "\n")); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// bundleFromStore lets agentd fetch its bundle from an endpoint outside the cluster.
func bundleFromStore(env *model.Environment) *model.Environment {
	store := &model.Endpoint{
		Name: "store", Type: "service", Host: "store.soc.example", Port: 8443, Credential: &schema.Credential{Secret: "store", Key: "token"},
		From: schema.Ref{Doc: env.From.Doc, Path: "spec.endpoints[4]"},
	}
	env.BundleFrom = &model.BundleSource{Endpoint: store, Path: "/prod/bundle.tar.gz"}
	env.Runtime.Endpoints = append(slices.Clone(env.Runtime.Endpoints), store)
	return env
}

// Nothing is mounted that is not there, and agentd reaches the endpoint and holds its credential.
func TestRuntimeFetchesItsBundle(t *testing.T) {
	env := bundleFromStore(runtimeEnv())
	set := agentdOf(t, env).sets[0]
	for _, v := range set.Spec.Template.Spec.Volumes {
		if v.Name == "bundle" {
			t.Errorf("volume %+v", v)
		}
	}
	if sources := credentialVolume(env.Runtime.Endpoints)[0].Projected.Sources; sources[len(sources)-1].Secret.Items[0].Path != "store" {
		t.Errorf("credentials %+v", sources)
	}
	reached := false
	for _, r := range runtimePolicies(env)[0].spec.Egress {
		for _, name := range r.ToFQDNs {
			reached = reached || name.MatchName == "store.soc.example" && r.ToPorts[0].Ports[0].Port == "8443"
		}
	}
	if !reached {
		t.Error("no policy lets agentd reach the endpoint")
	}
}

// The origin of a flag is found by the flag's place, which must be the bundle's.
func TestRuntimeBundleOrigin(t *testing.T) {
	env := runtimeEnv()
	for i, arg := range runtimeArgs(env) {
		path := fmt.Sprintf("spec.template.spec.containers[0].args[%d]", i)
		known := slices.ContainsFunc(runtimeOrigins(env), func(o artifact.Origin) bool { return o.Path == path })
		if known != strings.HasPrefix(arg, "--bundle=") {
			t.Errorf("%s: has an origin: %v", arg, known)
		}
	}
}

// What a flag names must be mounted, and what is mounted must be there and be named by a flag.
func TestRuntimeMountsFitTheCommandLine(t *testing.T) {
	t.Run("mounted bundle", func(t *testing.T) { mountsFit(t, runtimeEnv()) })
	t.Run("fetched bundle", func(t *testing.T) { mountsFit(t, bundleFromStore(runtimeEnv())) })
}

func mountsFit(t *testing.T, env *model.Environment) {
	t.Helper()
	set := agentdOf(t, env).sets[0]
	container := set.Spec.Template.Spec.Containers[0]
	volumes := []string{set.Spec.VolumeClaimTemplates[0].Name}
	for _, v := range set.Spec.Template.Spec.Volumes {
		volumes = append(volumes, v.Name)
	}
	var mounted []string
	for _, m := range container.VolumeMounts {
		mounted = append(mounted, m.Name)
		if m.SubPath != "" || m.ReadOnly != strings.HasPrefix(m.MountPath, "/run/agentc/") {
			t.Errorf("mount %+v", m)
		}
		named := slices.ContainsFunc(container.Args, func(a string) bool { return strings.Contains(a+"/", "="+m.MountPath+"/") })
		if !named && m.MountPath != "/tmp" {
			t.Errorf("no flag names %s", m.MountPath)
		}
	}
	slices.Sort(volumes)
	slices.Sort(mounted)
	if diff := gocmp.Diff(volumes, mounted); diff != "" {
		t.Errorf("volumes and mounts: %s", diff)
	}
}

// Selectors and ports by name lead nowhere, silently, when they are misspelt.
func TestRuntimeReferencesLead(t *testing.T) {
	a := agentdOf(t, runtimeEnv())
	set := a.sets[0]
	pod := set.Spec.Template
	ports := map[string]int32{}
	for _, p := range pod.Spec.Containers[0].Ports {
		ports[p.Name] = p.ContainerPort
	}
	selects := func(what string, s map[string]string) {
		for key, value := range s {
			if pod.Labels[key] != value {
				t.Errorf("%s does not select the pods: %v", what, s)
			}
		}
		if len(s) == 0 {
			t.Errorf("%s selects everything", what)
		}
	}
	selects("the StatefulSet", set.Spec.Selector.MatchLabels)
	selects("the budget", a.budgets[0].Spec.Selector.MatchLabels)
	selects("the spread", pod.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels)
	var services []string
	for _, s := range a.services {
		services = append(services, s.Name)
		selects("Service "+s.Name, s.Spec.Selector)
		if s.Spec.Ports[0].Port != ports[s.Spec.Ports[0].TargetPort.StrVal] {
			t.Errorf("Service %s leads to %v, not to one of %v", s.Name, s.Spec.Ports[0], ports)
		}
		if headless := s.Spec.ClusterIP == "None"; headless != (s.Name == set.Spec.ServiceName) {
			t.Errorf("Service %s: headless %v", s.Name, headless)
		}
	}
	if diff := gocmp.Diff([]string{"agentd", "agentd-headless", "agentd-callback"}, services); diff != "" {
		t.Error(diff)
	}
	if pod.Spec.ServiceAccountName != a.accounts[0].Name || *a.accounts[0].AutomountServiceAccountToken || *pod.Spec.AutomountServiceAccountToken {
		t.Errorf("service account %s of %s", a.accounts[0].Name, pod.Spec.ServiceAccountName)
	}
	cert := a.certificates[0].Spec
	if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Secret != nil && v.Secret.SecretName == cert.SecretName }) {
		t.Errorf("nobody mounts %s", cert.SecretName)
	}
	for _, host := range []string{"agentd.soc-system.svc.cluster.local", "agentd-callback.soc-system.svc.cluster.local", "approvals.soc.example"} {
		if !slices.Contains(cert.DNSNames, host) {
			t.Errorf("the certificate does not hold for %s: %v", host, cert.DNSNames)
		}
	}
	if diff := gocmp.Diff(map[string]string{"k1.pem": "PEM\n"}, a.keys[0].Data); diff != "" {
		t.Error(diff)
	}
}

// The audit log outlives its replica; without a storage class of its own it lies on the cluster's default.
func TestRuntimeStorage(t *testing.T) {
	env := runtimeEnv()
	set := agentdOf(t, env).sets[0]
	if p := set.Spec.PersistentVolumeClaimRetentionPolicy; p.WhenDeleted != "Retain" || p.WhenScaled != "Retain" {
		t.Errorf("volumes are removed: %+v", p)
	}
	claim := set.Spec.VolumeClaimTemplates[0].Spec
	if claim.StorageClassName != nil || claim.Resources.Requests.Storage().String() != "10Gi" {
		t.Errorf("claim %+v", claim)
	}
	env.Runtime.StorageClass = "fast"
	if class := agentdOf(t, env).sets[0].Spec.VolumeClaimTemplates[0].Spec.StorageClassName; class == nil || *class != "fast" {
		t.Errorf("storage class %v", class)
	}
}

func TestRuntimeOwner(t *testing.T) {
	account := agentdOf(t, runtimeEnv()).accounts[0]
	if account.Labels[labelTeam] != "ops" || account.Annotations[annotationOwner] != "ops@soc.example" {
		t.Errorf("owner %v %v", account.Labels, account.Annotations)
	}
	env := runtimeEnv()
	env.Fleet.Teams = env.Fleet.Teams[:1]
	if labels := agentdOf(t, env).accounts[0].Labels; labels[labelTeam] != "" {
		t.Errorf("a team that does not own the platform: %v", labels)
	}
}
