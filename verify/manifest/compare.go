package manifest

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
)

// Tags of the templates. Any other of one `!` is a hole: the value must be there, and the layer of that name judges it. With a `?` at the end the
// value may be absent.
const (
	tagJSON   = "!json"   // text that is JSON and equal to this
	tagEach   = "!each"   // a list of any length; each item is like the one that is given
	tagOf     = "!of"     // one of these
	tagPeople = "!people" // for people to read, who must not be led astray
)

// compare wants a value to be the expected one.
func (c *comparison) compare(want *yamlnode.Node, have any, path []any) {
	switch tag := strings.TrimSuffix(want.Tag, "?"); {
	case tag == tagJSON:
		c.compareJSON(want, have, path)
	case tag == tagEach:
		c.compareEach(want, have, path)
	case tag == tagOf:
		var values []any
		if err := want.Decode(&values); err != nil || !slices.ContainsFunc(values, func(v any) bool { return same(v, have) }) {
			c.differ(path, "is %s, none of %s", short(have), short(values))
		}
	case tag == tagPeople:
		c.compareText(have, path)
	case hole(want):
	case want.Kind == yamlnode.MappingNode:
		c.compareFields(want, have, path)
	case want.Kind == yamlnode.SequenceNode:
		c.compareItems(want, have, path)
	default:
		var value any
		if err := want.Decode(&value); err != nil || !same(value, have) {
			have, value := apart(have, value)
			c.differ(path, "is %s, not %s", short(have), short(value))
		}
	}
}

func hole(n *yamlnode.Node) bool {
	return strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!")
}

func (c *comparison) compareFields(want *yamlnode.Node, have any, path []any) {
	fields, is := have.(map[string]any)
	if !is {
		c.differ(path, "is %s, not an object with fields", short(have))
		return
	}
	known := map[string]bool{}
	for i := 0; i+1 < len(want.Content); i += 2 {
		key, value := want.Content[i].Value, want.Content[i+1]
		known[key] = true
		at := append(slices.Clip(path), any(key))
		if child, there := fields[key]; there {
			c.compare(value, child, at)
		} else if !strings.HasSuffix(value.Tag, "?") {
			c.differ(at, "is missing")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !known[key] {
			c.differ(append(slices.Clip(path), any(key)), "is there, and nothing in the spec calls for it")
		}
	}
}

func (c *comparison) compareItems(want *yamlnode.Node, have any, path []any) {
	items, is := have.([]any)
	if !is || len(items) != len(want.Content) {
		c.differ(path, "is %s, not a list of %d%s", short(have), len(want.Content), named(want))
		return
	}
	for i, item := range items {
		c.compare(want.Content[i], item, append(slices.Clip(path), any(i)))
	}
}

func (c *comparison) compareEach(want *yamlnode.Node, have any, path []any) {
	items, is := have.([]any)
	if !is || len(items) == 0 {
		c.differ(path, "is %s, not a list", short(have))
		return
	}
	for i, item := range items {
		c.compare(want.Content[0], item, append(slices.Clip(path), any(i)))
	}
}

var (
	// placeholders are what Prometheus and Grafana may fill into a text: labels and the value.
	placeholders = regexp.MustCompile(`\{\{ ?\$?[a-z._]+(?: \| humanize[A-Za-z]*)? ?\}\}`)

	// leading are texts that can lead somewhere else, or ask something.
	leading = regexp.MustCompile(`(?i)\{\{|\}\}|[a-z]:/|javascript:|<[a-z/]|&#`)
)

// compareText wants a text that only says something, at any depth.
func (c *comparison) compareText(have any, path []any) {
	switch v := have.(type) {
	case string:
		if found := leading.FindString(placeholders.ReplaceAllString(v, "")); found != "" {
			c.differ(path, "is %s; what people read there is text and %q no part of it", short(v), found)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			c.compareText(v[key], append(slices.Clip(path), any(key)))
		}
	case []any:
		for i, item := range v {
			c.compareText(item, append(slices.Clip(path), any(i)))
		}
	}
}

func (c *comparison) compareJSON(want *yamlnode.Node, have any, path []any) {
	text, _ := have.(string)
	value, err := unique([]byte(text))
	if err != nil {
		c.differ(path, "is no JSON: %v", err)
		return
	}
	inner := *want
	inner.Tag = ""
	c.compare(&inner, value, path)
}

func (c *comparison) differ(path []any, format string, args ...any) {
	c.report.At(c.object, path, c.spec, "%s", text(path)+" "+fmt.Sprintf(format, args...))
}

// same compares scalars, whatever type their number was read into.
func same(want, have any) bool {
	a, isNumber := number(want)
	b, isToo := number(have)
	if isNumber || isToo {
		return isNumber && isToo && a == b
	}
	return reflect.DeepEqual(want, have)
}

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
