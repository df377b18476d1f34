package check

import (
	"fmt"
	"reflect"

	"agentc/schema"
)

// forestFeatures refuses a forest that sees events in another way than the Features document says: what the reviewers read there would not be
// what decides.
func forestFeatures(p *pass) {
	for _, doc := range p.Written.Agents {
		m := p.forest(doc)
		if m == nil {
			continue
		}
		differs := fmt.Sprintf("there is no Features document of source %s", m.Spec.Source)
		for _, f := range p.Written.Features {
			if spec := &f.Features.Spec; spec.Source == m.Spec.Source {
				if differs = difference(spec.Features, m.Spec.Features); differs == "" {
					break
				}
				differs += " in " + f.File
			}
		}
		if differs != "" {
			p.report(in(doc, "spec.forest"), "%s was trained with other features: %s; train it again, or take the change back", doc.Agent.Spec.Forest, differs)
		}
	}
}

// difference is the first one between the features that are written and those of a forest.
func difference(written, trained []schema.Feature) string {
	for i := range max(len(written), len(trained)) {
		switch {
		case i >= len(written):
			return fmt.Sprintf("it has a feature %s, which is not", trained[i].Name)
		case i >= len(trained):
			return fmt.Sprintf("it lacks %s, which is", written[i].Name)
		case written[i].Name != trained[i].Name:
			return fmt.Sprintf("its feature %d is %s, and %s", i+1, trained[i].Name, written[i].Name)
		case !reflect.DeepEqual(written[i], trained[i]):
			return fmt.Sprintf("%s says something else", written[i].Name)
		}
	}
	return ""
}
