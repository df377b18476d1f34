package check

import (
	"maps"
	"slices"
	"strings"

	"agentc/schema"
)

// reservedLabel refuses a selector by the labels that Cilium gives pods itself: they would replace the namespace and the
// service account beside them, and the policy would lead to pods that no reviewer read of.
func reservedLabel(p *pass) {
	look := func(ref schema.Ref, labels map[string]string) {
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			if strings.HasPrefix(key, "io.kubernetes.") || strings.HasPrefix(key, "io.cilium.") {
				p.report(schema.Ref{Doc: ref.Doc, Path: ref.Path + `.labels["` + key + `"]`},
					"label %s is Cilium's own; say the namespace in namespace and the service account in serviceAccount", key)
			}
		}
	}
	for _, s := range p.selections() {
		look(s.at, s.pods.Labels)
	}
	doc := p.platform()
	peers := &doc.Platform.Spec.Peers
	for name, peer := range map[string]*schema.Peer{"dns": &peers.DNS, "prometheus": peers.Prometheus, "otlp": peers.OTLP} {
		if peer != nil {
			look(in(doc, "spec.peers.%s", name), peer.Labels)
		}
	}
}
