package schema

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// The decoder fills a document from its node tree, as the Go types and their tags demand. It goes on after a problem
// with everything that the problem does not touch, and leaves the value in question zero.

// decoder fills one document.
type decoder struct {
	reporter
	tainted bool // the raw text holds hidden characters, which were reported
}

// place is where a value stands: what messages call it, what is demanded of it, and which node stands for all of it where
// something is missing inside.
type place struct {
	name string
	rule *rule
	head *yaml.Node
}

func (d *decoder) at(n *yaml.Node, rule, format string, args ...any) {
	d.report(n.Line, n.Column, rule, fmt.Sprintf(format, args...))
}

// wrongType reports a node of the wrong shape: at itself, or at its key where nothing was written.
func (d *decoder) wrongType(n *yaml.Node, p place, want string) {
	switch {
	case isNull(n):
		at, otherwise := n, ", or be left out"
		if isEmpty(n) {
			at = p.head
		}
		if p.rule.required {
			otherwise = ""
		}
		d.at(at, ruleWrongType, "%s has no value; it must be %s%s", p.name, want, otherwise)
	case n.Kind == yaml.MappingNode:
		d.at(n, ruleWrongType, "%s must be %s, not a mapping", p.name, want)
	case n.Kind == yaml.SequenceNode:
		d.at(n, ruleWrongType, "%s must be %s, not a list", p.name, want)
	default:
		d.at(n, ruleWrongType, "%s must be %s, not %s", p.name, want, quote(n.Value))
	}
}

// value fills v from n and says whether it could. What the features pass has refused stays zero.
func (d *decoder) value(n *yaml.Node, v reflect.Value, p place) bool {
	if refused(n) {
		return false
	}
	switch v.Kind() {
	case reflect.Pointer:
		target := reflect.New(v.Type().Elem())
		filled := d.value(n, target.Elem(), p)
		if filled {
			v.Set(target)
		}
		return filled
	case reflect.Struct:
		return d.structure(n, v, p)
	case reflect.Slice:
		return d.list(n, v, p)
	case reflect.Map:
		return d.mapping(n, v, p)
	default:
		return d.scalar(n, v, p)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, p place) bool {
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, p, "a mapping")
		return false
	}
	plan := planOf(v.Type())
	given := make([]bool, len(plan.fields))
	for _, e := range d.entries(n) {
		i, known := plan.byName[e.key.Value]
		if !known {
			d.unknownField(e.key, p.name, plan.names)
			continue
		}
		given[i] = true
		f := plan.fields[i]
		d.value(e.value, v.FieldByIndex(f.index), place{f.name, f.rule, e.key})
	}
	for i, f := range plan.fields {
		if f.rule.required && !given[i] {
			d.at(p.head, ruleMissingField, "%s needs %s", p.name, f.name)
		}
	}
	if p.rule.within != nil {
		d.within(n, v.Interface().(Range), p)
	}
	return true
}

func (d *decoder) unknownField(key *yaml.Node, owner string, known []string) {
	if near := didYouMean(key.Value, known); near != "" {
		d.at(key, ruleUnknownField, "%s has no field %s%s", owner, quote(key.Value), near)
		return
	}
	d.at(key, ruleUnknownField, "%s has no field %s; it has %s", owner, quote(key.Value), or(known))
}

// within checks an interval against its bounds, and that it holds something.
func (d *decoder) within(n *yaml.Node, r Range, p place) {
	low, high := p.rule.within[0], p.rule.within[1]
	for _, end := range []*float64{r.AtLeast, r.Below} {
		if end != nil && (*end < low || *end > high) {
			d.at(p.head, ruleBadValue, "both ends of %s must be %g to %g, not %g", p.name, low, high, *end)
		}
	}
	switch {
	case len(n.Content) == 0:
		d.at(p.head, ruleMissingField, "%s needs atLeast, below or both", p.name)
	case r.AtLeast != nil && r.Below != nil && *r.AtLeast >= *r.Below:
		d.at(p.head, ruleBadValue, "%s holds no value: atLeast %g must be less than below %g", p.name, *r.AtLeast, *r.Below)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, p place) bool {
	if n.Kind != yaml.SequenceNode {
		d.wrongType(n, p, "a list")
		return false
	}
	switch {
	case len(n.Content) > 0:
	case p.rule.required:
		d.at(p.head, ruleMissingField, "%s needs at least one entry", p.name)
	default:
		// To one reader it means none, to another what leaving it out means, which is often all.
		d.at(p.head, ruleBadValue, "%s is an empty list; leave it out, or list something", p.name)
	}
	items := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		head := item
		if isEmpty(item) {
			head = p.head
		}
		d.value(item, items.Index(i), place{fmt.Sprintf("%s[%d]", p.name, i), p.rule.items, head})
	}
	v.Set(items)
	return true
}

// mapping fills a map, whose keys are names that the author gives.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, p place) bool {
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, p, "a mapping")
		return false
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range d.entries(n) {
		keyed := d.key(e.key, p)
		value := reflect.New(v.Type().Elem()).Elem()
		filled := d.value(e.value, value, place{p.name + "." + escape(shorten(e.key.Value)), p.rule.items, e.key})
		if keyed && filled {
			v.SetMapIndex(reflect.ValueOf(e.key.Value), value)
		}
	}
	return true
}

func (d *decoder) key(key *yaml.Node, p place) bool {
	name := "a key of " + p.name
	switch {
	case d.unfit(key):
	case isPlain(key) && mistakable(key.Value) != "":
		d.quoteIt(key, name)
	case p.rule.keys != nil && !p.rule.keys.matches(key.Value):
		d.badFormat(key, name, p.rule.keys)
	default:
		return true
	}
	return false
}

type entry struct{ key, value *yaml.Node }

// entries are the pairs of a mapping: those with a key of text that was not given before. Keys that differ only in case
// count as the same, since some readers (encoding/json among them) take them for that.
func (d *decoder) entries(n *yaml.Node) []entry {
	list := make([]entry, 0, len(n.Content)/2)
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if refused(key) || isMerge(key) {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			d.at(key, ruleWrongType, "a key must be text, not a list or a mapping")
			continue
		}
		folded := strings.Map(fold, key.Value)
		if other := first[folded]; other != nil {
			d.duplicate(key, other)
			continue
		}
		first[folded] = key
		list = append(list, entry{key, n.Content[i+1]})
	}
	return list
}

func (d *decoder) duplicate(key, first *yaml.Node) {
	if key.Value == first.Value {
		d.at(key, ruleDuplicateKey, "%s is given twice, first in line %d", quote(key.Value), first.Line)
		return
	}
	d.at(key, ruleDuplicateKey, "%s and %s in line %d differ only in upper and lower case",
		quote(key.Value), quote(first.Value), first.Line)
}

// fold is the same for all cases of a letter, those beyond ASCII included: K and the Kelvin sign.
func fold(c rune) rune {
	least := c
	for other := unicode.SimpleFold(c); other != c; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}

// features reports what the spec does without: anchors, aliases, merge keys and tags let a reader see something else than
// what stands on the line, and depth is how parsers are brought down.
func (d *decoder) features(n *yaml.Node, depth int) {
	switch {
	case depth > maxDepth:
		d.at(n, ruleTooLarge, tooDeep)
		return
	case n.Kind == yaml.AliasNode:
		d.at(n, ruleFeature, "an alias (*%s) is not allowed; write the value out", escape(shorten(n.Value)))
	case n.Anchor != "":
		d.at(n, ruleFeature, "an anchor (&%s) is not allowed; write the value out where it is needed", escape(shorten(n.Anchor)))
	case isTagged(n):
		d.at(n, ruleFeature, "a tag (%s) is not allowed; a value's type follows from its field", escape(shorten(n.Tag)))
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && isMerge(child) {
			d.at(child, ruleFeature, "a merge key (<<) is not allowed; write the fields out")
		}
		d.features(child, depth+1)
	}
}

func refused(n *yaml.Node) bool  { return n.Kind == yaml.AliasNode || isTagged(n) }
func isTagged(n *yaml.Node) bool { return n.Style&yaml.TaggedStyle != 0 || n.Tag == "!" }

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && isPlain(key)
}
