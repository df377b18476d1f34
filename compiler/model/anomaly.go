package model

import (
	"cmp"
	"slices"

	"agentc/schema"
)

func resolveAnomaly(env *Environment, doc *schema.Document) *Anomaly {
	w := doc.Policy.Spec.Anomaly
	a := &Anomaly{
		Always:    sorted(w.Always, func(s string) string { return s }),
		Overrides: unique(w.Overrides, func(o schema.Override) string { return o.ID }),
		From:      schema.Ref{Doc: doc, Path: "spec.anomaly"},
	}
	policy := class(schema.AnomalyClass{ID: PolicyClass, Percentile: w.Percentile, Bounds: w.Bounds, PerHour: w.PerHour, Shadow: w.Shadow, Sample: w.Sample}, &Class{}, a.From)
	for i, c := range w.Classes {
		a.Classes = append(a.Classes, class(c, policy, schema.Ref{Doc: doc, Path: index("spec.anomaly.classes", i)}))
	}
	a.Classes = unique(a.Classes, func(c *Class) string { return c.ID })
	slices.SortStableFunc(a.Classes, moreParticular)
	a.Classes = append(a.Classes, policy)
	for i, f := range w.Forests {
		if agent := env.Agent(f.Agent); agent != nil && agent.Doc.Agent.Spec.Forest != "" {
			a.Forests = append(a.Forests, resolveForest(env.Fleet.Written, agent, f, schema.Ref{Doc: doc, Path: index("spec.anomaly.forests", i)}))
		}
	}
	a.Forests = unique(a.Forests, func(f *Forest) string { return f.Agent.Name })
	return a
}

// class as it is written, with the policy's for what it leaves out.
func class(w schema.AnomalyClass, policy *Class, from schema.Ref) *Class {
	c := *policy
	c.ID, c.Match, c.From = w.ID, w.EventMatch, from
	c.Percentile = or(w.Percentile, 0)
	if w.Bounds != nil {
		c.Min, c.Max = or(w.Bounds.Min, c.Min), or(w.Bounds.Max, c.Max)
	}
	c.PerHour, c.Sample = or(w.PerHour, c.PerHour), or(w.Sample, c.Sample)
	if w.Shadow != nil {
		c.Shadow = w.Shadow
	}
	return &c
}

// moreParticular is the order in which classes are asked: first those that name most of what an event is, and of these the one that passes on
// most of them.
func moreParticular(a, b *Class) int {
	return cmp.Or(cmp.Compare(names(b.Match), names(a.Match)), cmp.Compare(a.Percentile, b.Percentile))
}

func names(m schema.EventMatch) int {
	n := 0
	for _, value := range []string{m.Source, m.Priority, m.Agent, m.Namespace} {
		if value != "" {
			n++
		}
	}
	return n
}

func resolveForest(src *schema.Source, agent *Agent, w schema.AgreedForest, from schema.Ref) *Forest {
	f := &Forest{Agent: agent, Agreed: w.Digest, From: from}
	f.Model = file(src, schema.Ref{Doc: agent.Doc, Path: "spec.forest"}, agent.Doc.Agent.Spec.Forest)
	if w.Feedback != "" {
		feedback := file(src, schema.Ref{Doc: from.Doc, Path: from.Path + ".feedback"}, w.Feedback)
		f.Feedback = &feedback
	}
	return f
}

func file(src *schema.Source, from schema.Ref, path string) File {
	read := src.Artifact(from.Doc, path)
	return File{Path: from.Doc.Folder + "/" + path, SHA256: read.SHA256, Data: read.Data, From: from}
}

func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}
