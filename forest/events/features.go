package events

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"agentc/schema"
)

// FeatureError is a feature that says nothing, or two things. Index is its place in the list.
type FeatureError struct {
	Index   int
	Message string
}

func (e *FeatureError) Error() string { return fmt.Sprintf("features[%d]: %s", e.Index, e.Message) }

// Check says what is wrong with features, each by its place.
func Check(spec *schema.FeaturesSpec) []*FeatureError {
	var wrong []*FeatureError
	seen := map[string]int{}
	for i := range spec.Features {
		f := &spec.Features[i]
		say := func(format string, args ...any) {
			wrong = append(wrong, &FeatureError{i, fmt.Sprintf(format, args...)})
		}
		if first, twice := seen[f.Name]; twice {
			say("%s is the name of features[%d] too", f.Name, first)
		}
		seen[f.Name] = i
		switch n := says(f); {
		case n != 1:
			say("%s says %d things; it says one of ordinal, number, text, rarity, present, flag and tag", f.Name, n)
		case len(f.Rarity) > 4:
			say("%s is the rarity of %d fields together; one to four have one", f.Name, len(f.Rarity))
		case f.Missing != nil && f.Ordinal == nil && f.Number == nil && f.Text == nil:
			say("%s has a value without the field; missing is of an ordinal, number or text", f.Name)
		case f.Missing != nil && !finite(float32(*f.Missing)):
			say("%s is %v where the field is missing; a value is a finite number", f.Name, *f.Missing)
		}
	}
	return wrong
}

// value of one feature, from an event. tables hold what was counted in the training.
func value(f *schema.Feature, e *Event, table *Table) float32 {
	missing := float32(-1)
	if f.Missing != nil {
		missing = float32(*f.Missing)
	}
	switch {
	case f.Ordinal != nil:
		if text, there := e.Get(f.Ordinal.Field); there {
			if i := slices.Index(f.Ordinal.Order, text); i >= 0 {
				return float32(i)
			}
		}
		return missing
	case f.Number != nil:
		return number(f.Number, e, missing)
	case f.Text != nil:
		text, there := e.Get(f.Text.Field)
		if !there {
			return missing
		}
		return shapes[f.Text.Shape](text)
	case f.Rarity != nil:
		return table.rarity(keyOf(f, e))
	case f.Present != "":
		_, there := e.Get(f.Present)
		return bit(there)
	case f.Flag != nil:
		text, there := e.Get(f.Flag.Field)
		return bit(there && slices.Contains(f.Flag.Values, text))
	default:
		return bit(slices.ContainsFunc(e.Tags, func(tag string) bool { return strings.HasPrefix(tag, f.Tag) }))
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
func number(n *schema.Number, e *Event, missing float32) float32 {
	text, there := e.Get(n.Field)
	if !there {
		return missing
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		is, err := strconv.ParseBool(text)
		if err != nil {
			return missing
		}
		v = float64(bit(is))
	}
	if n.Scale == "log" {
		v = math.Copysign(math.Log1p(math.Abs(v)), v)
	}
	if x := float32(v); finite(x) {
		return x
	}
	return missing
}

// keyOf joins the values whose rarity is asked for. What is missing is a value that no text is.
func keyOf(f *schema.Feature, e *Event) string {
	var b strings.Builder
	for i, name := range f.Rarity {
		if i > 0 {
			b.WriteByte('\x1f')
		}
		if text, there := e.Get(name); there {
			b.WriteString(strings.ToValidUTF8(strings.NewReplacer("\x1f", " ", "\x00", " ").Replace(text), "\uFFFD"))
		} else {
			b.WriteByte('\x00')
		}
	}
	return b.String()
}

// says counts the things that a feature says.
func says(f *schema.Feature) int {
	n := 0
	for _, said := range []bool{f.Ordinal != nil, f.Number != nil, f.Text != nil, f.Rarity != nil, f.Present != "", f.Flag != nil, f.Tag != ""} {
		if said {
			n++
		}
	}
	return n
}
