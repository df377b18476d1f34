package check

import (
	"bytes"

	"agentc/compiler/model"
	"agentc/forest"
	"agentc/forest/events"
	"agentc/schema"
)

// forestFile refuses a model that cannot be read, or feedback that belongs to another: agentd would refuse the bundle with it.
func forestFile(p *pass) {
	for _, doc := range p.Written.Agents {
		if file := p.forestOf(doc); file.Data != nil {
			if _, err := events.Read(bytes.NewReader(file.Data)); err != nil {
				p.report(in(doc, "spec.forest"), "%s is no forest: %v; agentc forest train writes one", doc.Agent.Spec.Forest, err)
			}
		}
	}
	for _, env := range p.Environments {
		if env.Policy.Anomaly == nil {
			continue
		}
		for _, f := range env.Policy.Anomaly.Forests {
			if err := p.feedback(f); err != nil {
				p.reportIn(env, f.Feedback.From, "%s is no feedback of %s: %v; agentc forest train --feedback writes it", f.Feedback.Path, f.Model.Path, err)
			}
		}
	}
}

// feedback says what is wrong with that of a forest. Where the forest itself is not the one that was agreed to, that is said first.
func (p *pass) feedback(f *model.Forest) error {
	m := p.forest(f.Agent.Doc)
	if m == nil || f.Feedback == nil || f.Feedback.Data == nil || "sha256:"+f.Model.SHA256 != f.Agreed {
		return nil
	}
	fb, err := forest.ReadFeedback(bytes.NewReader(f.Feedback.Data))
	if err == nil {
		_, err = m.With(fb)
	}
	return err
}

// forestOf is the file of the model before an agent; empty where there is none, or none that could be read.
func (p *pass) forestOf(doc *schema.Document) schema.ArtifactFile {
	if doc.Agent.Spec.Forest == "" {
		return schema.ArtifactFile{}
	}
	return p.Written.Artifact(doc, doc.Agent.Spec.Forest)
}

// forest is the model before an agent, nil where there is none that can be read.
func (p *pass) forest(doc *schema.Document) *events.Model {
	m, err := events.Read(bytes.NewReader(p.forestOf(doc).Data))
	if err != nil {
		return nil
	}
	return m
}
