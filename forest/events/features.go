package events

import (
	"fmt"

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
		}
	}
	return wrong
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
