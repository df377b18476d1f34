// Package policy is the prefilter's part of a compiled bundle: the threshold, which Rego answers, and the forests. It trusts the bundle: whoever
// takes one from a stranger verifies it first.
package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"time"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/forest/prefilter"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// Policy answers for one bundle.
type Policy struct {
	files     map[string][]byte
	threshold rego.PreparedEvalQuery
}

// Load an unpacked bundle, whose files are named from its root: `agentc/data.json`.
func Load(ctx context.Context, files map[string][]byte) (*Policy, error) {
	var data map[string]any
	d := json.NewDecoder(bytes.NewReader(files["agentc/data.json"]))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		return nil, fmt.Errorf("agentc/data.json: %w", err)
	}
	options := []func(*rego.Rego){
		rego.Query("data.agentc.threshold"), rego.StrictBuiltinErrors(true), rego.SetRegoVersion(ast.RegoV1),
		rego.Store(inmem.NewFromObject(map[string]any{"agentc": data})),
	}
	for name, text := range files {
		if path.Ext(name) == ".rego" {
			options = append(options, rego.Module(name, string(text)))
		}
	}
	threshold, err := rego.New(options...).PrepareForEval(ctx)
	if err != nil {
		return nil, err
	}
	return &Policy{files, threshold}, nil
}

// Read the files of an unpacked bundle in a folder.
func Read(dir fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(dir, name)
		return err
	})
	return files, err
}

// Limit of an event at a time; at the zero time neither day nor hour is known.
func (p *Policy) Limit(ctx context.Context, about prefilter.About, at time.Time) (prefilter.Limit, error) {
	event := map[string]any{}
	for name, value := range map[string]string{"source": about.Source, "priority": about.Priority, "agent": about.Agent, "namespace": about.Namespace} {
		if value != "" {
			event[name] = value
		}
	}
	now := map[string]any{}
	if at = at.UTC(); !at.IsZero() {
		now["today"], now["hour"] = at.Format(time.DateOnly), at.Hour()
	}
	results, err := p.threshold.Eval(ctx, rego.EvalInput(map[string]any{"event": event, "context": now}), rego.EvalRuleIndexing(false)) // a builtin that fails is an error
	if err != nil {
		return prefilter.Limit{}, err
	}
	if len(results) != 1 {
		return prefilter.Limit{}, fmt.Errorf("the bundle has no threshold for %+v", about)
	}
	text, err := json.Marshal(results[0].Expressions[0].Value)
	if err != nil {
		return prefilter.Limit{}, err
	}
	var limit prefilter.Limit
	return limit, json.Unmarshal(text, &limit)
}

// Forest before an agent, with what was taught to it; nil where there is none.
func (p *Policy) Forest(agent string) (*events.Model, error) {
	name := "forests/" + agent
	file, there := p.files[name+".json"]
	if !there {
		return nil, nil
	}
	m, err := events.Read(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s.json: %w", name, err)
	}
	taught, there := p.files[name+".feedback.json"]
	if !there {
		return m, nil
	}
	fb, err := forest.ReadFeedback(bytes.NewReader(taught))
	if err == nil {
		m, err = m.With(fb)
	}
	if err != nil {
		return nil, fmt.Errorf("%s.feedback.json: %w", name, err)
	}
	return m, nil
}
