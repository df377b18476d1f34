package check

import "agentc/schema"

// emptySelector refuses pods that nothing selects: in a network policy an empty selector means every pod.
func emptySelector(p *pass) {
	doc := p.platform()
	spec := &doc.Platform.Spec
	look := func(ref schema.Ref, pods *schema.Pods) {
		if pods != nil && pods.ServiceAccount == "" && len(pods.Labels) == 0 {
			p.report(ref, "pods are selected by nothing, which means all of namespace %q; set serviceAccount or labels", pods.Namespace)
		}
	}
	for i, e := range spec.Endpoints {
		look(in(doc, "spec.endpoints[%d].pods", i), e.Pods)
	}
	for i, env := range spec.Environments {
		for name, e := range env.Endpoints {
			look(in(doc, "spec.environments[%d].endpoints.%s.pods", i, name), e.Pods)
		}
	}
	for name, peer := range map[string]*schema.Peer{"prometheus": spec.Peers.Prometheus, "otlp": spec.Peers.OTLP} {
		if peer != nil && (peer.Namespace == "" || len(peer.Labels) == 0 || peer.Port == 0 || peer.Host == "") {
			p.report(in(doc, "spec.peers.%s", name), "peer %s needs namespace, labels, port and host", name)
		}
	}
}
