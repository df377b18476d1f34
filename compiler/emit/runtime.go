package emit

import (
	"maps"
	"slices"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Names of agentd's objects beside its own.
const (
	runtimeHeadless = runtimeName + "-headless" // gives each replica a name, as a StatefulSet wants
	runtimeCallback = runtimeName + "-callback" // where Mattermost's buttons lead
	runtimeKeys     = runtimeName + "-keys"     // public keys that seal bundles
)

const (
	portNameDecision = "decision"
	portNameCallback = "callback"
)

// runtime writes agentd: its identity, its network policy and the StatefulSet. The namespace and the bundle are written by
// the workload and the decision layer.
func runtime(env *model.Environment, out *Out) error {
	file := systemFile(env, runtimeName)
	from := origin("", env.Runtime.From)

	out.Object(file, waveTrust, runtimeAccount(env), from)
	out.Object(file, waveTrust, runtimeCertificate(env), append([]artifact.Origin{from}, runtimeCertificateOrigins(env)...)...)
	if env.Trust == "key" {
		out.Object(file, waveTrust, runtimeKeyRing(env), from, origin("data", under(env.From, "bundle.keys")))
	}
	for _, p := range runtimePolicies(env) {
		if err := p.add(out, file); err != nil {
			return err
		}
	}
	for _, s := range runtimeServices(env) {
		out.Object(file, waveWorkload, s, from)
	}
	out.Object(file, waveWorkload, runtimeBudget(env), from)
	out.Object(file, waveWorkload, runtimeStatefulSet(env), append([]artifact.Origin{from}, runtimeOrigins(env)...)...)
	return nil
}

// runtimeMeta is the metadata of agentd's objects. They belong to the first team that owns the platform.
func runtimeMeta(env *model.Environment, name string, wave int) metav1.ObjectMeta {
	m := meta(env, env.System.Namespace, name, wave)
	m.Labels["app.kubernetes.io/name"] = runtimeName
	m.Labels["app.kubernetes.io/component"] = "runtime"
	m.Labels[labelAgent] = runtimeName
	i := slices.IndexFunc(env.Fleet.Teams, func(t schema.Team) bool { return t.Owns == "platform" })
	if i >= 0 {
		m.Labels[labelTeam] = env.Fleet.Teams[i].Name
		m.Annotations[annotationOwner] = env.Fleet.Teams[i].Email
	}
	return m
}

// runtimeAccount is agentd's identity in the cluster. It has no token: agentd asks nothing of the API server.
func runtimeAccount(env *model.Environment) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   runtimeMeta(env, runtimeName, waveTrust),
		AutomountServiceAccountToken: ptr(false),
	}
}

// runtimeCertificate is agentd's, good for its decisions, the callbacks and the page.
func runtimeCertificate(env *model.Environment) *certv1.Certificate {
	var names []string
	if len(callbackSources(env)) > 0 {
		names = append(names, callbackHost(env))
	}
	if env.Page != nil {
		names = append(names, env.Page.Host)
	}
	return certificate(env, env.System, runtimeMeta(env, runtimeName, waveTrust), names...)
}

func runtimeCertificateOrigins(env *model.Environment) []artifact.Origin {
	all := []artifact.Origin{
		origin("spec.duration", under(env.From, "certificates.duration")),
		origin("spec.renewBefore", under(env.From, "certificates.renewBefore")),
		origin("spec.issuerRef", under(env.From, "issuer")),
		origin("spec.uris", under(env.From, "trustDomain")),
	}
	if env.Page != nil {
		all = append(all, origin("spec.dnsNames", env.Page.From))
	}
	return all
}

// runtimeKeyRing holds the public keys, a file for each, by which agentd knows a sealed bundle.
func runtimeKeyRing(env *model.Environment) *corev1.ConfigMap {
	keys := map[string]string{}
	for _, k := range env.Keys {
		keys[k.ID+".pem"] = k.Key
	}
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: runtimeMeta(env, runtimeKeys, waveTrust),
		Data:       keys,
	}
}

// runtimeServices are the ways to agentd: decisions for all guards, a name for each replica, and callbacks apart, so that
// whoever may press a button has no name for decisions.
func runtimeServices(env *model.Environment) []*corev1.Service {
	headless := runtimeService(env, runtimeHeadless, portNameDecision, model.PortDecision)
	headless.Spec.ClusterIP = corev1.ClusterIPNone
	headless.Spec.ClusterIPs = []string{corev1.ClusterIPNone}
	services := []*corev1.Service{runtimeService(env, runtimeName, portNameDecision, model.PortDecision), headless}
	if len(callbackSources(env)) > 0 {
		services = append(services, runtimeService(env, runtimeCallback, portNameCallback, model.PortCallback))
	}
	return services
}

func runtimeService(env *model.Environment, name, port string, number int32) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: runtimeMeta(env, name, waveWorkload),
		Spec: corev1.ServiceSpec{
			Type:                  corev1.ServiceTypeClusterIP,
			Selector:              selector(runtimeName),
			Ports:                 []corev1.ServicePort{{Name: port, Protocol: corev1.ProtocolTCP, Port: number, TargetPort: intstr.FromString(port)}},
			SessionAffinity:       corev1.ServiceAffinityNone,
			InternalTrafficPolicy: ptr(corev1.ServiceInternalTrafficPolicyCluster),
			IPFamilyPolicy:        ptr(corev1.IPFamilyPolicySingleStack),
		},
	}
}

// runtimeBudget lets a node drain take one replica at a time, and a broken one always.
func runtimeBudget(env *model.Environment) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: runtimeMeta(env, runtimeName, waveWorkload),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             ptr(intstr.FromInt32(1)),
			Selector:                   &metav1.LabelSelector{MatchLabels: selector(runtimeName)},
			UnhealthyPodEvictionPolicy: ptr(policyv1.AlwaysAllow),
		},
	}
}

// runtimeStatefulSet is agentd. Each replica keeps its part of the audit log on a volume of its own, which outlives it.
func runtimeStatefulSet(env *model.Environment) *appsv1.StatefulSet {
	m := runtimeMeta(env, runtimeName, waveWorkload)
	retain := appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	return &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: m,
		Spec: appsv1.StatefulSetSpec{
			Replicas:    ptr(env.Runtime.Replicas),
			ServiceName: runtimeHeadless,
			Selector:    &metav1.LabelSelector{MatchLabels: selector(runtimeName)},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: maps.Clone(m.Labels)},
				Spec:       runtimePod(env),
			},
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{runtimeClaim(env)},
			// Replicas do not wait for each other: each decides alone.
			PodManagementPolicy: appsv1.ParallelPodManagement,
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type: appsv1.RollingUpdateStatefulSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{
					Partition: ptr(int32(0)), MaxUnavailable: ptr(intstr.FromInt32(1)),
				},
			},
			RevisionHistoryLimit: ptr(int32(10)),
			PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: retain, WhenScaled: retain,
			},
		},
	}
}

// runtimeClaim asks for the volume of one replica. The kind and the phase are what the API server would add.
func runtimeClaim(env *model.Environment) corev1.PersistentVolumeClaim {
	claim := corev1.PersistentVolumeClaim{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{Name: volumeData, Labels: selector(runtimeName)},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: env.Runtime.Storage},
			},
			VolumeMode: ptr(corev1.PersistentVolumeFilesystem),
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
	if env.Runtime.StorageClass != "" {
		claim.Spec.StorageClassName = ptr(env.Runtime.StorageClass)
	}
	return claim
}

// runtimeOrigins lead from parts of the StatefulSet to the platform's settings.
func runtimeOrigins(env *model.Environment) []artifact.Origin {
	at := env.Runtime.From
	return []artifact.Origin{
		origin("spec.replicas", under(at, "replicas")),
		origin("spec.template.spec.containers[0].image", under(at, "image")),
		origin("spec.template.spec.containers[0].resources", under(at, "resources")),
		origin("spec.template.spec.containers[0].args[2]", under(env.From, "bundle")),
		origin("spec.volumeClaimTemplates[0].spec.resources", under(at, "storage")),
		origin("spec.volumeClaimTemplates[0].spec.storageClassName", under(at, "storageClass")),
	}
}
