package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// rule is what a `rule` tag demands of a value.
type rule struct {
	required bool
	words    []string // enum
	format   *format
	keys     *format // of the keys of a map
	items    *rule   // of the items of a list and the values of a map
	min, max *limit  // of numbers and durations, and of the length of text in characters
	within   *[2]float64
}

// limit is a bound as the tag spells it and as a number: of characters, or of nanoseconds.
type limit struct {
	text  string
	value float64
}

// field is one field of a struct type as documents know it.
type field struct {
	name  string
	index []int
	rule  *rule
}

// plan is what the decoder knows of a struct type.
type plan struct {
	fields []field // in the order of the type
	names  []string
	byName map[string]int
}

var plans sync.Map // reflect.Type → *plan

// planOf reads the tags of a struct type once. A tag that it does not understand is our own mistake, which a test over
// all types finds.
func planOf(t reflect.Type) *plan {
	if known, ok := plans.Load(t); ok {
		return known.(*plan)
	}
	p := &plan{byName: map[string]int{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" {
			continue
		}
		r, err := parseRule(f.Tag.Get("rule"), f.Type)
		if err != nil {
			panic(fmt.Sprintf("%s.%s: %v", t.Name(), f.Name, err))
		}
		p.byName[name] = len(p.fields)
		p.names = append(p.names, name)
		p.fields = append(p.fields, field{name: name, index: f.Index, rule: r})
	}
	known, _ := plans.LoadOrStore(t, p)
	return known.(*plan)
}

// parseRule reads a tag: words and key=value pairs, separated by commas.
func parseRule(tag string, t reflect.Type) (*rule, error) {
	r := &rule{items: &rule{}}
	for _, word := range strings.FieldsFunc(tag, func(c rune) bool { return c == ',' }) {
		if err := r.add(word, t); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *rule) add(word string, t reflect.Type) (err error) {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "required":
		r.required = true
	case "enum":
		r.words = strings.Split(value, "|")
	case "min":
		r.min, err = parseLimit(value, t)
	case "max":
		r.max, err = parseLimit(value, t)
	case "within":
		r.within, err = parseWithin(value)
	case "keys":
		r.keys, err = knownFormat(value)
	case "items":
		r.items.format, err = knownFormat(value)
	default:
		r.format, err = knownFormat(word)
	}
	return err
}

func knownFormat(name string) (*format, error) {
	f := formatNamed(name)
	if f == nil {
		return nil, fmt.Errorf("unknown word %q in the rule tag", name)
	}
	return f, nil
}

func parseLimit(text string, t reflect.Type) (*limit, error) {
	if t == durationType {
		d, err := time.ParseDuration(text)
		return &limit{text, float64(d)}, err
	}
	value, err := strconv.ParseFloat(text, 64)
	return &limit{text, value}, err
}

func parseWithin(text string) (*[2]float64, error) {
	low, high, _ := strings.Cut(text, "..")
	from, err := strconv.ParseFloat(low, 64)
	if err != nil {
		return nil, err
	}
	to, err := strconv.ParseFloat(high, 64)
	return &[2]float64{from, to}, err
}

// outside says which bounds a value breaks, to follow "must be".
func (r *rule) outside(value float64) string {
	low, high := r.min != nil && value < r.min.value, r.max != nil && value > r.max.value
	switch {
	case !low && !high:
		return ""
	case r.min != nil && r.max != nil:
		return r.min.text + " to " + r.max.text
	case low:
		return "at least " + r.min.text
	default:
		return "at most " + r.max.text
	}
}

// refuses says whether text would not do even in quotes.
func (r *rule) refuses(s string) bool {
	return r.words != nil && !slices.Contains(r.words, s) || r.format != nil && !r.format.matches(s)
}
