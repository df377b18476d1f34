package check

import (
	"slices"
	"strings"
)

// imageRegistry refuses an image from a registry that the platform does not allow.
func imageRegistry(p *pass) {
	allowed := p.platform().Platform.Spec.Registries
	for _, i := range p.images() {
		from := func(registry string) bool { return strings.HasPrefix(i.image, strings.TrimSuffix(registry, "/")+"/") }
		if i.image != "" && !slices.ContainsFunc(allowed, from) {
			p.report(i.at, "image %q is from no allowed registry; there are %s", i.image, list(allowed))
		}
	}
}
