package check

import "strings"

// clusterHost warns of a host in the cluster's own domain without the pods behind it. Cilium decides after the service's
// address was translated into a pod's, which no name leads to: every call would be dropped.
func clusterHost(p *pass) {
	for _, env := range p.Environments {
		written := env.From.Doc.Platform.Spec.Environments
		for _, e := range env.Endpoints {
			if e.Pods != nil || !strings.HasSuffix(e.Host, ".svc."+env.ClusterDomain) {
				continue
			}
			where := at(e.From, "host")
			for i := range written {
				if over := in(env.From.Doc, "spec.environments[%d].endpoints.%s.host", i, e.Name); written[i].Name == env.Name && over.Doc.Has(over.Path) {
					where = over
				}
			}
			p.reportIn(env, where, "%s is a service of the cluster, and endpoint %s names no pods; set pods beside the host, or every call is dropped", e.Host, e.Name)
		}
	}
}
