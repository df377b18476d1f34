package events

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"agentc/schema"
)

// rows makes rows of events, one at a time. Of an event every field is looked at once, however many features ask for it, and however many fields a
// hostile one has.
type rows struct {
	columns []column
	places  map[string]int // of the fields that the features ask for
	values  []found        // of the event at hand, by place
	key     []byte
	row     []float32
}

// column is a feature that knows where to look.
type column struct {
	*schema.Feature
	fields  []int // their places
	missing float32
	shape   func(string) float32
	table   *Table
}

// found is what an event has in a field.
type found struct {
	own, output int // the number of the last one of this name, from 1; 0 where there is none
	text        string
	there       bool
}

func rowsOf(m *Model) *rows {
	n := len(m.Spec.Features)
	r := &rows{columns: make([]column, n), places: map[string]int{}, row: make([]float32, n)}
	for i := range m.Spec.Features {
		f := &m.Spec.Features[i]
		c := column{Feature: f, missing: -1, table: m.Tables[i]}
		for _, name := range asks(f) {
			c.fields = append(c.fields, r.place(name))
		}
		if f.Missing != nil {
			c.missing = float32(*f.Missing)
		}
		if f.Text != nil {
			c.shape = shapes[f.Text.Shape]
		}
		r.columns[i] = c
	}
	r.values = make([]found, len(r.places))
	return r
}

// asks names the fields that a feature asks for.
func asks(f *schema.Feature) []string {
	switch {
	case f.Ordinal != nil:
		return []string{f.Ordinal.Field}
	case f.Number != nil:
		return []string{f.Number.Field}
	case f.Text != nil:
		return []string{f.Text.Field}
	case f.Rarity != nil:
		return f.Rarity
	case f.Present != "":
		return []string{f.Present}
	case f.Flag != nil:
		return []string{f.Flag.Field}
	default:
		return nil // a tag is no field
	}
}

func (r *rows) place(name string) int {
	if _, known := r.places[name]; !known {
		r.places[name] = len(r.places)
	}
	return r.places[name]
}

// read finds the fields of an event that are asked for, as Event.Get does.
func (r *rows) read(e *Event) {
	clear(r.values)
	for i := range e.fields {
		at, asked := r.places[e.fields[i].name]
		switch {
		case !asked:
		case i < e.own:
			r.values[at].own = i + 1
		default:
			r.values[at].output = i + 1
		}
	}
	for i := range r.values {
		v := &r.values[i]
		if v.text, v.there = e.at(v.own); !v.there {
			v.text, v.there = e.at(v.output)
		}
	}
}

// of an event, good until the next.
func (r *rows) of(e *Event) []float32 {
	r.read(e)
	for i := range r.columns {
		r.row[i] = r.value(&r.columns[i], e)
	}
	return r.row
}

func (r *rows) value(c *column, e *Event) float32 {
	switch {
	case c.Rarity != nil:
		return c.table.rarity(r.keyOf(c.fields))
	case c.Tag != "":
		return bit(slices.ContainsFunc(e.Tags, func(tag string) bool { return strings.HasPrefix(tag, c.Tag) }))
	}
	v := r.values[c.fields[0]]
	switch {
	case c.Present != "":
		return bit(v.there)
	case c.Flag != nil:
		return bit(v.there && slices.Contains(c.Flag.Values, v.text))
	case !v.there:
		return c.missing
	case c.Ordinal != nil:
		if i := slices.Index(c.Ordinal.Order, v.text); i >= 0 {
			return float32(i)
		}
		return c.missing
	case c.Number != nil:
		return c.number(v.text)
	default:
		return c.shape(v.text)
	}
}

func bit(is bool) float32 {
	if is {
		return 1
	}
	return 0
}

func finite(x float32) bool { return math.Float32bits(x)&0x7f800000 != 0x7f800000 }

// number reads decimals, hexadecimals and booleans, as Falco prints them. What is none counts as missing.
func (c *column) number(text string) float32 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		is, err := strconv.ParseBool(text)
		if err != nil {
			return c.missing
		}
		v = float64(bit(is))
	}
	if c.Number.Scale == "log" {
		v = math.Copysign(math.Log1p(math.Abs(v)), v)
	}
	if x := float32(v); finite(x) {
		return x
	}
	return c.missing
}

// keyOf joins the values whose rarity is asked for; it is good until the next.
func (r *rows) keyOf(fields []int) []byte {
	r.key = r.key[:0]
	for i, at := range fields {
		r.key = appendValue(r.key, i, r.values[at].text, r.values[at].there)
	}
	return r.key
}

// keyOf joins the values whose rarity a feature asks for.
func keyOf(f *schema.Feature, e *Event) string {
	var key []byte
	for i, name := range f.Rarity {
		text, there := e.Get(name)
		key = appendValue(key, i, text, there)
	}
	return string(key)
}

// appendValue adds the value at a place of a key. What is missing is a value that no text is.
func appendValue(key []byte, place int, text string, there bool) []byte {
	if place > 0 {
		key = append(key, '\x1f')
	}
	if !there {
		return append(key, '\x00')
	}
	from := len(key)
	key = append(key, text...)
	for i, c := range key[from:] {
		if c == '\x1f' || c == '\x00' {
			key[from+i] = ' '
		}
	}
	return key
}
