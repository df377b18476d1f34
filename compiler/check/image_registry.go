package check

import (
	"slices"
	"strings"
)

// imageRegistry refuses an image from a registry that the platform does not allow.
func imageRegistry(p *pass) {
	allowed := p.platform().Platform.Spec.Registries
	if len(allowed) == 0 || slices.Contains(allowed, "") {
		return // the reader speaks of it
	}
	for _, i := range p.images() {
		from := func(registry string) bool { return strings.HasPrefix(i.image, strings.TrimSuffix(registry, "/")+"/") }
		if i.image != "" && !slices.ContainsFunc(allowed, from) {
			p.report(i.at, "image %q is from no allowed registry; it must begin with %s", i.image, alternatives(allowed))
		}
	}
}

// alternatives names what is allowed, each with the slash that must follow.
func alternatives(registries []string) string {
	var begins []string
	for _, r := range registries {
		begins = append(begins, r+"/")
	}
	return strings.Join(begins, " or ")
}
