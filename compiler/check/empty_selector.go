package check

import "agentc/schema"

// emptySelector refuses pods that nothing selects: in a network policy an empty selector means every pod.
func emptySelector(p *pass) {
	for _, s := range p.selections() {
		if s.pods.ServiceAccount == "" && len(s.pods.Labels) == 0 {
			p.report(s.at, "these pods are selected by nothing, which means all of namespace %q; set serviceAccount (better) or labels", s.pods.Namespace)
		}
	}
	peers := &p.platform().Platform.Spec.Peers
	p.wholePeer("prometheus", peers.Prometheus)
	p.wholePeer("otlp", peers.OTLP)
}

// selected is one place that selects the pods of an endpoint, or of the page's gateway.
type selected struct {
	at   schema.Ref
	pods *schema.Pods
}

// selections lists what endpoints, their overlays and the page select.
func (p *pass) selections() []selected {
	doc := p.platform()
	var all []selected
	add := func(ref schema.Ref, pods *schema.Pods) {
		if pods != nil {
			all = append(all, selected{ref, pods})
		}
	}
	if page := doc.Platform.Spec.Runtime.Page; page != nil && doc.Has("spec.runtime.page.pods") {
		add(in(doc, "spec.runtime.page.pods"), &page.Pods)
	}
	for i, e := range doc.Platform.Spec.Endpoints {
		add(in(doc, "spec.endpoints[%d].pods", i), e.Pods)
	}
	for i, env := range doc.Platform.Spec.Environments {
		for name, e := range env.Endpoints {
			add(in(doc, "spec.environments[%d].endpoints.%s.pods", i, name), e.Pods)
		}
	}
	return all
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
