package verdict

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"agentc/compiler/claims"

	"github.com/open-policy-agent/opa/v1/ast"
)

// value is one of the two numbers that are known only at run time, as it comes in the input.
type value struct {
	sent  ast.Value // nil: nothing is sent
	known *float64  // what counts; nil where nothing, or nothing that counts, is sent
}

// situation is what is known of a call beside who asks whom for what.
type situation struct{ confidence, anomaly value }

// String tells situations apart.
func (s situation) String() string { return s.confidence.String() + " " + s.anomaly.String() }

func (v value) String() string {
	if v.sent == nil {
		return ""
	}
	return v.sent.String()
}

// words say of a situation what a reader must know.
func (s situation) words() string {
	var parts []string
	for _, part := range []struct {
		name string
		value
	}{{"confidence", s.confidence}, {"anomaly", s.anomaly}} {
		switch {
		case part.known != nil:
			parts = append(parts, fmt.Sprintf("%s %v", part.name, *part.known))
		case part.sent != nil:
			parts = append(parts, fmt.Sprintf("the %s %v", part.name, part.sent))
		}
	}
	return strings.Join(parts, " and ")
}

// The scales of the two numbers begin at 0.
const (
	topConfidence = 1
	topAnomaly    = 100
)

func confidenceOf(f float64) value { return value{number(f), onScale(f, topConfidence)} }
func anomalyOf(f float64) value    { return value{percentile(number(f)), onScale(f, topAnomaly)} }

func onScale(f, top float64) *float64 {
	if f < 0 || f > top {
		return nil
	}
	return &f
}

func number(f float64) ast.Value { return ast.FloatNumberTerm(f).Value }

func percentile(v ast.Value) ast.Value {
	return ast.NewObject([2]*ast.Term{ast.InternedTerm("percentile"), ast.NewTerm(v)})
}

// noConfidence and noAnomaly are what looks like a value and is none.
var (
	noConfidence = []ast.Value{number(-0.1), number(1.1), ast.String("0.9"), ast.Boolean(true), ast.NullValue, percentile(number(0.9))}
	noAnomaly    = []ast.Value{percentile(number(-1)), percentile(number(101)), percentile(ast.String("95")), percentile(ast.NullValue),
		ast.NewObject(), number(95), ast.NullValue}
)

// mostPairs is how many situations are made of all values of one number with all of the other. The rules of some hundred make more, which
// would take long; then each rule is tried at its own ends only.
const mostPairs = 256

// situationsOf are what there is to ask of a list of rules: that nothing is known; both sides of each end of each range, with the other number
// inside, outside and unknown; and what counts as unknown.
func situationsOf(rules []*claims.Rule) []situation {
	all := []situation{{}}
	add := func(confidences, anomalies []value) {
		for _, c := range confidences {
			for _, a := range anomalies {
				all = append(all, situation{c, a})
			}
		}
	}
	confidences, anomalies := valuesOf(rules)
	if len(confidences)*len(anomalies) <= mostPairs {
		add(confidences, anomalies)
	} else {
		for i := range rules {
			add(valuesOf(rules[i : i+1]))
		}
	}
	for _, sent := range noConfidence {
		add([]value{{sent: sent}}, []value{{}, anomalyOf(topAnomaly)})
	}
	for _, sent := range noAnomaly {
		add([]value{{}, confidenceOf(topConfidence)}, []value{{sent: sent}})
	}
	return unique(all)
}

// valuesOf are the values of each number at which some rule changes, and first that it is not known.
func valuesOf(rules []*claims.Rule) (confidences, anomalies []value) {
	confidences, anomalies = []value{{}}, []value{{}}
	for _, r := range rules {
		for _, f := range ends(r.Confidence, topConfidence) {
			confidences = append(confidences, confidenceOf(f))
		}
		for _, f := range ends(r.Anomaly, topAnomaly) {
			anomalies = append(anomalies, anomalyOf(f))
		}
	}
	return confidences, anomalies
}

// ends are both sides of each end of a range, and the ends of the scale.
func ends(r *claims.Range, top float64) []float64 {
	if r == nil {
		return nil
	}
	all := []float64{0, top}
	for _, end := range []*float64{r.AtLeast, r.Below} {
		if end == nil {
			continue
		}
		if *end > 0 {
			all = append(all, math.Nextafter(*end, 0))
		}
		all = append(all, *end)
	}
	return all
}

func unique(all []situation) []situation {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(s situation) bool {
		key := s.String()
		double := seen[key]
		seen[key] = true
		return double
	})
}
