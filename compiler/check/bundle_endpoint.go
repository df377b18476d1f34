package check

// bundleEndpoint refuses a bundle that would be fetched and not verified: an unsealed one is trusted from a mounted file
// alone. And half of a URL, since agentd would fetch nothing, or something else; and a host that could not prove who it is.
func bundleEndpoint(p *pass) {
	doc := p.platform()
	for i, env := range doc.Platform.Spec.Environments {
		bundle := in(doc, "spec.environments[%d].bundle", i)
		endpoint, path := at(bundle, "endpoint"), at(bundle, "path")
		named, located := doc.Has(endpoint.Path), doc.Has(path.Path)
		switch {
		case named && env.Bundle.Trust == "git":
			p.report(endpoint, "%s loads unsealed bundles too, which are trusted from a mounted file alone; set bundle.trust: key, or leave bundle.endpoint out", env.Name)
		case named && !located:
			p.report(endpoint, "nothing says where at %s the bundle is; set bundle.path", env.Bundle.Endpoint)
		case located && !named:
			p.report(path, "bundle.path is where at an endpoint the bundle is, and there is no bundle.endpoint; name it, or leave the path out")
		}
	}
	for _, env := range p.Environments {
		if from := env.BundleFrom; from != nil && !from.Endpoint.TLS {
			p.reportIn(env, at(env.From, "bundle.endpoint"), "a bundle is fetched over HTTPS, and no TLS is spoken at %s; set its tls: true", from.Endpoint.Name)
		}
	}
}
