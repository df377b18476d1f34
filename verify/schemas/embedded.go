package schemas

import (
	"embed"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Copies of the definitions; crds/README.md says of what, and a test that they are.
//
//go:embed crds/*.yaml
var copies embed.FS

// embedded lists the custom kinds that are generated, and those that would widen what is generated if somebody put one beside it. The
// table spares the reading of a file that nobody needs.
var embedded = []struct {
	group, version, kind string
	file                 string
}{
	{"argoproj.io", "v1alpha1", "AnalysisTemplate", "crds/analysis-template-crd.yaml"},
	{"argoproj.io", "v1alpha1", "AppProject", "crds/appproject-crd.yaml"},
	{"argoproj.io", "v1alpha1", "Application", "crds/application-crd.yaml"},
	{"argoproj.io", "v1alpha1", "Rollout", "crds/rollout-crd.yaml"},
	{"cert-manager.io", "v1", "Certificate", "crds/cert-manager.io_certificates.yaml"},
	{"cilium.io", "v2", "CiliumClusterwideNetworkPolicy", "crds/ciliumclusterwidenetworkpolicies.yaml"},
	{"cilium.io", "v2", "CiliumNetworkPolicy", "crds/ciliumnetworkpolicies.yaml"},
	{"monitoring.coreos.com", "v1", "PodMonitor", "crds/monitoring.coreos.com_podmonitors.yaml"},
	{"monitoring.coreos.com", "v1", "PrometheusRule", "crds/monitoring.coreos.com_prometheusrules.yaml"},
	{"policies.kyverno.io", "v1", "ValidatingPolicy", "crds/policies.kyverno.io_validatingpolicies.yaml"},
}

// Embedded is the Set that this program carries, one for all who judge at the same time.
var Embedded = sync.OnceValue(func() *Set {
	s := New()
	for _, e := range embedded {
		gvk := schema.GroupVersionKind{Group: e.group, Version: e.version, Kind: e.kind}
		s.add(gvk, e.file, func() (*custom, error) { return copied(gvk, e.file) })
	}
	return s
})

func copied(gvk schema.GroupVersionKind, file string) (*custom, error) {
	data, err := copies.ReadFile(file)
	if err != nil {
		return nil, err
	}
	found, err := definitions(data)
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if d.gvk() == gvk {
			return newCustom(d)
		}
	}
	return nil, fmt.Errorf("%s does not define it", file)
}
