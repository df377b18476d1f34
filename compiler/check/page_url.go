package check

import (
	"strings"

	"agentc/compiler/model"
)

// pageURL refuses a page that people could not be led to, or that would give agentd a name of somebody else's: its host stands in agentd's
// certificate.
func pageURL(p *pass) {
	doc := p.platform()
	for i, w := range doc.Platform.Spec.Environments {
		if at := in(doc, "spec.environments[%d].page", i); doc.Has(at.Path) && !doc.Has("spec.runtime.page") {
			p.report(at, "%s has a page, and nothing says who passes people's connections on; write runtime.page with url and pods", w.Name)
		}
	}
	for _, env := range p.Environments {
		if env.Page != nil && env.Page.URL != "" {
			if wrong := wrongPage(env); wrong != "" {
				p.reportIn(env, env.Page.From, "the page's URL %q %s", env.Page.URL, wrong)
			}
		}
	}
}

// wrongPage says what is wrong with a page's URL; nothing if it is right.
func wrongPage(env *model.Environment) string {
	host, tls := strings.CutPrefix(env.Page.URL, "https://")
	switch {
	case !tls:
		return "is not one of https; people prove by their certificates who they are"
	case strings.ContainsAny(host, "/?#"):
		return "is more than https://, a host and a port; what comes behind is agentd's"
	case kindOf(env.Page.Host) != aName:
		return "names no host in full, as in approvals.example.com"
	case strings.HasSuffix(env.Page.Host, "."+env.ClusterDomain):
		return "has a host of the cluster, as agents have; give the page a name by which people know it"
	}
	return ""
}
