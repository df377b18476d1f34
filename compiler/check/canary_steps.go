package check

import "agentc/schema"

// canarySteps refuses a step that says nothing, or two things.
func canarySteps(p *pass) {
	look := func(ref schema.Ref, steps []schema.Step) {
		for i, s := range steps {
			if (s.Weight == nil) == (s.Pause == 0) {
				p.report(at(ref, "[%d]", i), "a step is either a weight or a pause")
			}
		}
	}
	doc := p.platform()
	look(in(doc, "spec.defaults.rollout.steps"), doc.Platform.Spec.Defaults.Rollout.Steps)
	for i, env := range doc.Platform.Spec.Environments {
		look(in(doc, "spec.environments[%d].defaults.rollout.steps", i), env.Defaults.Rollout.Steps)
	}
	for _, doc := range p.Written.Agents {
		look(in(doc, "spec.workload.rollout.steps"), doc.Agent.Spec.Workload.Rollout.Steps)
		for name, over := range doc.Agent.Spec.Environments {
			look(in(doc, "spec.environments.%s.workload.rollout.steps", name), over.Workload.Rollout.Steps)
		}
	}
}
