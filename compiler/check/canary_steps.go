package check

import "agentc/schema"

// canarySteps refuses a step that says nothing, or two things.
func canarySteps(p *pass) {
	look := func(ref schema.Ref, steps []schema.Step) {
		for i := range steps {
			step := at(ref, "[%d]", i)
			weight, pause := step.Doc.Has(step.Path+".weight"), step.Doc.Has(step.Path+".pause")
			if weight == pause {
				p.report(step, "a step has either a weight or a pause, as in {weight: 20} or {pause: 10m}; this one has %s", count[weight])
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

// count says what a step has, where it has both or neither.
var count = map[bool]string{true: "both", false: "neither"}
