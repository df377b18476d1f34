package manifest

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/judge"

	yamlnode "go.yaml.in/yaml/v3"
)

// wanted is one object as it is expected.
type wanted struct {
	node *yamlnode.Node
	file string // where it would be, below the environment's folder
	at   claims.At
}

//go:embed templates/*.yaml
var files embed.FS

var templates = template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/*.yaml"))

// expected are all objects that the claims of an environment call for.
func expected(env *judge.Environment) (map[index.Key]*wanted, error) {
	f := &fleet{env: env, all: map[index.Key]*wanted{}}
	s, err := newScope(env)
	if err != nil {
		return nil, err
	}
	f.add("admission.yaml", "manifests/cluster.yaml", env.At, s)
	for _, n := range s.Namespaces() {
		f.add("namespace.yaml", "manifests/"+n.Namespace+"/_namespace.yaml", n.at, n)
	}
	for i := range env.Workloads {
		w := &env.Workloads[i]
		name := "agent.yaml"
		if w == s.System {
			name = "agentd.yaml"
		}
		f.add(name, "manifests/"+w.Namespace+"/"+w.Name+".yaml", w.At, s.of(w))
	}
	if env.Platform.Observed {
		f.add("observation.yaml", "manifests/"+s.System.Namespace+"/observation.yaml", env.At, s)
	}
	f.add("delivery.yaml", "delivery/applications.yaml", env.Environment.Delivery.At, s)
	return f.all, f.err
}

// fleet collects what is expected; its first error stays.
type fleet struct {
	env *judge.Environment
	all map[index.Key]*wanted
	err error
}

func (f *fleet) add(name, file string, at claims.At, data any) {
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, name, data); err != nil {
		f.err = errors.Join(f.err, err)
		return
	}
	for docs := yamlnode.NewDecoder(&text); ; {
		var doc yamlnode.Node
		switch err := docs.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			f.err = errors.Join(f.err, fmt.Errorf("%s: %w", name, err))
			return
		}
		node := doc.Content[0]
		var id struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string
			Metadata   struct{ Name, Namespace string }
		}
		if err := node.Decode(&id); err != nil {
			f.err = errors.Join(f.err, fmt.Errorf("%s: %w", name, err))
			return
		}
		group, _, grouped := strings.Cut(id.APIVersion, "/")
		if !grouped {
			group = ""
		}
		key := index.Key{Group: group, Kind: id.Kind, Namespace: id.Metadata.Namespace, Name: id.Metadata.Name}
		f.all[key] = &wanted{node, file, at}
	}
}
