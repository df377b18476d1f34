package check

import "agentc/schema"

// emptySelector refuses pods that nothing selects: in a network policy an empty selector means every pod.
func emptySelector(p *pass) {
	doc := p.platform()
	spec := &doc.Platform.Spec
	look := func(ref schema.Ref, pods *schema.Pods) {
		if pods != nil && pods.ServiceAccount == "" && len(pods.Labels) == 0 {
			p.report(ref, "these pods are selected by nothing, which means all of namespace %q; set serviceAccount (better) or labels", pods.Namespace)
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
	p.wholePeer("prometheus", spec.Peers.Prometheus)
	p.wholePeer("otlp", spec.Peers.OTLP)
}

func (p *pass) wholePeer(name string, peer *schema.Peer) {
	if peer == nil {
		return
	}
	var missing []string
	for _, f := range []struct {
		name string
		set  bool
	}{{"namespace", peer.Namespace != ""}, {"labels", len(peer.Labels) > 0}, {"port", peer.Port != 0}, {"host", peer.Host != ""}} {
		if ref := in(p.platform(), "spec.peers.%s.%s", name, f.name); !f.set && (f.name == "labels" || !ref.Doc.Has(ref.Path)) {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		p.report(in(p.platform(), "spec.peers.%s", name), "%s has no %s; without all of namespace, labels, port and host a policy would select more than its pods",
			name, and(missing))
	}
}
