package events

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
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
		case !named.MatchString(f.Name):
			say("%.80q is no name; it is lower-case letters, digits and hyphens, a letter first, no hyphen last, at most 63 characters", f.Name)
		case f.Name == FeedbackReason:
			say("%s is what the reasons call the analysts' verdicts; a feature has a name of its own", f.Name)
		case n != 1:
			say("%s says %d things; it says one of ordinal, number, text, rarity, present, flag and tag", f.Name, n)
		case len(f.Rarity) > 4:
			say("%s is the rarity of %d fields together; one to four have one", f.Name, len(f.Rarity))
		case f.Missing != nil && f.Ordinal == nil && f.Number == nil && f.Text == nil:
			say("%s has a value without the field; missing is of an ordinal, number or text", f.Name)
		case f.Missing != nil && !finite(float32(*f.Missing)):
			say("%s is %v where the field is missing; a value is a finite number", f.Name, *f.Missing)
		case f.Number != nil && !slices.Contains(scales, f.Number.Scale):
			say("%s has the scale %.80q; it is linear or log", f.Name, f.Number.Scale)
		case f.Text != nil && shapes[f.Text.Shape] == nil:
			say("%s has the shape %.80q; it is one of %s", f.Name, f.Text.Shape, strings.Join(slices.Sorted(maps.Keys(shapes)), ", "))
		}
	}
	return wrong
}

// scales of a number; linear is the default.
var scales = []string{"", "linear", "log"}

// named is the schema's rule of a name.
var named = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

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
