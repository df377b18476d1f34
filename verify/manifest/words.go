package manifest

import (
	"encoding/json"
	"fmt"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
)

// text is a path as people write it: `spec.template.spec.containers[0].env`.
func text(path []any) string {
	var b strings.Builder
	for i, step := range path {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case string:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s)
		}
	}
	return b.String()
}

// named are the names of what a list ought to hold, for a message.
func named(want *yamlnode.Node) string {
	var names []string
	for _, item := range want.Content {
		var id struct{ Name string }
		if item.Kind != yamlnode.MappingNode || item.Decode(&id) != nil || id.Name == "" {
			return ""
		}
		names = append(names, id.Name)
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

// apart cuts what two long texts begin with, but for a few words, so that a message shows where they differ.
func apart(a, b any) (any, any) {
	x, isText := a.(string)
	y, isToo := b.(string)
	if !isText || !isToo {
		return a, b
	}
	r, s := []rune(x), []rune(y)
	same := 0
	for same < min(len(r), len(s)) && r[same] == s[same] {
		same++
	}
	const before = 30
	if same <= before {
		return a, b
	}
	return "…" + string(r[same-before:]), "…" + string(s[same-before:])
}

// short is a value for a message.
func short(value any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	text := strings.TrimSpace(b.String())
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return text
}
