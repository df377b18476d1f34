// Package explain answers a person's questions about a compiled fleet: what an agent is and where each value of it comes
// from, where a generated line comes from, and why one agent may or may not ask another for something.
package explain

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// row is one value of an agent, as the fleet sees it.
type row struct {
	path, value, from string
}

// values holds a path's rows, one for each environment that has it.
type values map[string]row // by environment

// Agent prints one agent as the fleet sees it: every value with the line, the environment, the platform or the default
// that set it. Where environments differ, each is shown.
func Agent(w io.Writer, fleet *model.Fleet, name string) error {
	var order []string
	byPath := map[string]values{}
	for _, env := range fleet.Environments {
		a := env.Agent(name)
		if a == nil {
			return fmt.Errorf("no agent %q in environment %s", name, env.Name)
		}
		last := 0
		for _, r := range rows(a) {
			if byPath[r.path] == nil {
				byPath[r.path] = values{}
				order = slices.Insert(order, last, r.path) // beside its neighbours, not at the end
			}
			last = slices.Index(order, r.path) + 1
			byPath[r.path][env.Name] = r
		}
	}
	fmt.Fprintf(w, "%s, as the fleet %s sees it\n", name, fleet.Name)
	var lines []row
	for _, path := range order {
		lines = append(lines, join(fleet, byPath[path])...)
	}
	printRows(w, lines)
	return nil
}

// join makes one line of what is the same in every environment.
func join(fleet *model.Fleet, v values) []row {
	var lines []row
	same := true
	for _, env := range fleet.Environments {
		r, ok := v[env.Name]
		same = same && ok && r == v[fleet.Environments[0].Name]
		if ok {
			r.path += " (" + env.Name + ")"
			lines = append(lines, r)
		}
	}
	if same {
		return []row{v[fleet.Environments[0].Name]}
	}
	return lines
}

func printRows(w io.Writer, rows []row) {
	widest := [2]int{}
	for _, r := range rows {
		widest[0] = max(widest[0], min(len(r.path), 48))
		widest[1] = max(widest[1], min(len(r.value), 56))
	}
	for _, r := range rows {
		fmt.Fprintf(w, "  %-*s  %-*s  %s\n", widest[0], r.path, widest[1], short(r.value), r.from)
	}
}

// short cuts prose, which the spec holds in full; an image or a path stays whole.
func short(value string) string {
	const most = 56
	if runes := []rune(value); len(runes) > most && strings.Contains(value, " ") {
		return string(runes[:most-1]) + "…"
	}
	return value
}

// rows lists the values of an agent: first what follows from its name, then its spec.
func rows(a *model.Agent) []row {
	all := []row{
		{"namespace", a.Namespace, "from the fleet's and the agent's name"},
		{"identity", a.SPIFFE, "from the environment's trust domain"},
		{"host", a.Host, "from the namespace and the cluster's domain"},
	}
	walk(reflect.ValueOf(a.Spec()), "", func(path, value string) {
		all = append(all, row{path, value, where(a, path)})
	})
	return all
}

// where says what set a value.
func where(a *model.Agent, path string) string {
	src := a.Source(path)
	if src.Layer == "default" {
		return "default: " + reason(path)
	}
	at := src.Position().String()
	if src.Layer == "" {
		return at
	}
	return at + " (" + src.Layer + ")"
}

func reason(path string) string {
	for _, d := range model.Defaults {
		if d.Path == path || strings.HasPrefix(path, d.Path+"[") {
			return d.Reason
		}
	}
	return "not set"
}

// walk visits every value that is set, in the order of the types, with maps sorted.
func walk(v reflect.Value, path string, visit func(path, value string)) {
	switch d := v.Interface().(type) {
	case schema.Duration:
		if d != 0 {
			visit(path, d.String())
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			walk(v.Field(i), strings.TrimPrefix(path+"."+name, "."), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		for _, k := range keys {
			walk(v.MapIndex(k), path+"."+k.String(), visit)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			visit(path, fmt.Sprint(v.Elem().Interface()))
		}
	default:
		if !v.IsZero() {
			visit(path, fmt.Sprint(v.Interface()))
		}
	}
}
