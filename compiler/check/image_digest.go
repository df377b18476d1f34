package check

import (
	"regexp"
	"strings"

	"agentc/schema"
)

// pinned is an image reference with a digest; the tag before it is for people.
var pinned = regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?@sha256:[0-9a-f]{64}$`)

// imageDigest refuses an image without a digest: a tag can be moved after the review.
func imageDigest(p *pass) {
	for _, i := range p.images() {
		switch {
		case i.image == "" || pinned.MatchString(i.image):
		case !strings.Contains(i.image, "@"):
			p.report(i.at, "image %q has no digest; write registry/name:tag@sha256:<64 hex digits>", i.image)
		default:
			p.report(i.at, "image %q is malformed; write registry/name:tag@sha256:<64 hex digits>, in lower case but for the tag", i.image)
		}
	}
}

// image is one place that names a container image.
type image struct {
	at    schema.Ref
	image string
}

func (p *pass) images() []image {
	doc := p.platform()
	spec := &doc.Platform.Spec
	all := []image{
		{in(doc, "spec.runtime.image"), spec.Runtime.Image},
		{in(doc, "spec.defaults.rollout.stable"), spec.Defaults.Rollout.Stable},
	}
	for i, env := range spec.Environments {
		all = append(all, image{in(doc, "spec.environments[%d].defaults.rollout.stable", i), env.Defaults.Rollout.Stable})
	}
	for _, doc := range p.Written.Agents {
		spec := &doc.Agent.Spec
		all = append(all, image{in(doc, "spec.image"), spec.Image},
			image{in(doc, "spec.workload.rollout.stable"), spec.Workload.Rollout.Stable})
		for name, over := range spec.Environments {
			all = append(all, image{in(doc, "spec.environments.%s.image", name), over.Image},
				image{in(doc, "spec.environments.%s.workload.rollout.stable", name), over.Workload.Rollout.Stable})
		}
	}
	return all
}
