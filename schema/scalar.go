package schema

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"k8s.io/apimachinery/pkg/api/resource"
)

// maxText bounds one value, in bytes.
const maxText = 64 << 10

// scalar fills v from a node that must hold a single value.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, p place) bool {
	want := wanted(v.Type())
	if n.Kind != yaml.ScalarNode || isEmpty(n) || isNull(n) && v.Type() != stringType {
		d.wrongType(n, p, want)
		return false
	}
	if d.unfit(n) {
		return false
	}
	switch {
	case v.Type() == durationType:
		return d.duration(n, v, p)
	case v.Type() == quantityType:
		return d.quantity(n, v, p)
	case v.Kind() == reflect.String:
		return d.text(n, v, p)
	case !isPlain(n):
		d.at(n, ruleWrongType, "%s must be %s, not text; remove the quotes", p.name, want)
		return false
	case v.Kind() == reflect.Bool:
		return d.boolean(n, v, p)
	case v.Kind() == reflect.Float64:
		return d.decimal(n, v, p)
	default:
		return d.whole(n, v, p)
	}
}

// wanted is what a type is called in messages, to follow "must be".
func wanted(t reflect.Type) string {
	switch {
	case t == durationType:
		return durationFormat.want
	case t == quantityType:
		return quantityFormat.want
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Int32:
		return "a whole number"
	}
	panic("the spec has no values of type " + t.String())
}

// unfit reports a value that no type takes.
func (d *decoder) unfit(n *yaml.Node) bool {
	if len(n.Value) > maxText {
		d.at(n, ruleTooLarge, "this value has %d bytes; it must have at most %d", len(n.Value), maxText)
		return true
	}
	what := hiddenIn(n.Value)
	if what != "" && !d.tainted { // else the file's own characters are to blame, and were named
		d.at(n, ruleBadText, "%s, even where it is written as an escape; remove it", what)
	}
	return what != ""
}

func (d *decoder) text(n *yaml.Node, v reflect.Value, p place) bool {
	s, r := n.Value, p.rule
	length := utf8.RuneCountInString(s)
	switch {
	case isPlain(n) && !(r.format == formatNamed("date")) && mistakable(s) != "" && !r.refuses(s):
		d.quoteIt(n, p.name)
	case r.words != nil && !slices.Contains(r.words, s):
		d.at(n, ruleBadValue, "%s is %s; it must be %s%s", p.name, quote(s), or(r.words), didYouMean(s, r.words))
	case r.format != nil && !r.format.matches(s):
		d.badFormat(n, p.name, r.format)
	case s == "" && r.required:
		d.at(n, ruleBadValue, "%s must not be empty", p.name)
	case r.outside(float64(length)) != "":
		d.at(n, ruleBadValue, "%s has %d characters; it must have %s", p.name, length, r.outside(float64(length)))
	default:
		v.SetString(s)
		return true
	}
	return false
}

func (d *decoder) badFormat(n *yaml.Node, name string, f *format) {
	if f.words != nil {
		d.at(n, ruleBadValue, "%s is %s; it must be %s%s", name, quote(n.Value), or(f.words), didYouMean(n.Value, f.words))
		return
	}
	d.at(n, ruleBadValue, "%s is %s; it must be %s", name, quote(n.Value), f.want)
}

func (d *decoder) quoteIt(n *yaml.Node, name string) {
	d.at(n, ruleQuoteIt, "%s must be text, and some readers of YAML take %s for %s; write %s",
		name, n.Value, mistakable(n.Value), quote(n.Value))
}

func (d *decoder) boolean(n *yaml.Node, v reflect.Value, p place) bool {
	switch n.Value {
	case "true":
		v.SetBool(true)
	case "false":
	default:
		d.at(n, ruleWrongType, "%s must be true or false, not %s", p.name, quote(n.Value))
		return false
	}
	return true
}

var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

func (d *decoder) whole(n *yaml.Node, v reflect.Value, p place) bool {
	if !wholeNumber.MatchString(n.Value) {
		d.at(n, ruleWrongType, "%s must be a whole number in plain decimal digits, not %s", p.name, quote(n.Value))
		return false
	}
	number, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		d.at(n, ruleWrongType, "%s must be a whole number, and %s does not fit into 64 bits", p.name, quote(n.Value))
		return false
	}
	if !d.bounded(n, float64(number), p) {
		return false
	}
	if v.OverflowInt(number) {
		d.at(n, ruleBadValue, "%s is %d; it must be at most %d", p.name, number, math.MaxInt32)
		return false
	}
	v.SetInt(number)
	return true
}

var decimalNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

func (d *decoder) decimal(n *yaml.Node, v reflect.Value, p place) bool {
	number, err := strconv.ParseFloat(n.Value, 64)
	if !decimalNumber.MatchString(n.Value) || err != nil {
		d.at(n, ruleWrongType, "%s must be a number in plain decimal digits, such as 0.75, not %s", p.name, quote(n.Value))
		return false
	}
	if !d.bounded(n, number, p) {
		return false
	}
	v.SetFloat(number)
	return true
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value, p place) bool {
	span, err := time.ParseDuration(n.Value)
	if !durationFormat.matches(n.Value) || err != nil {
		d.badFormat(n, p.name, durationFormat)
		return false
	}
	if span <= 0 {
		d.at(n, ruleBadValue, "%s is %s; it must be more than zero", p.name, quote(n.Value))
		return false
	}
	if !d.bounded(n, float64(span), p) {
		return false
	}
	v.SetInt(int64(span))
	return true
}

// quantity takes `cpu: 2` as well as `cpu: "2"`: here the digits mean the same to every reader.
func (d *decoder) quantity(n *yaml.Node, v reflect.Value, p place) bool {
	if isPlain(n) && mistakable(n.Value) != "" && !decimalNumber.MatchString(n.Value) {
		d.quoteIt(n, p.name)
		return false
	}
	amount, err := resource.ParseQuantity(n.Value)
	if !quantityFormat.matches(n.Value) || err != nil {
		d.badFormat(n, p.name, quantityFormat)
		return false
	}
	if amount.Sign() <= 0 {
		d.at(n, ruleBadValue, "%s is %s; it must be more than zero", p.name, quote(n.Value))
		return false
	}
	v.SetString(amount.String())
	return true
}

func (d *decoder) bounded(n *yaml.Node, value float64, p place) bool {
	allowed := p.rule.outside(value)
	if allowed != "" {
		d.at(n, ruleBadValue, "%s is %s; it must be %s", p.name, n.Value, allowed)
	}
	return allowed == ""
}

func isPlain(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// isEmpty says that nothing stands where a value should.
func isEmpty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == "" && isPlain(n) }

// isNull says that a node is YAML's null. Where text is meant, `null` and `~` lack quotes instead.
func isNull(n *yaml.Node) bool {
	return isEmpty(n) || n.Kind == yaml.ScalarNode && isPlain(n) && mistakable(n.Value) == "nothing"
}

// What plain scalars mean to some reader: the union of YAML 1.1's types (yaml.org/type), of the core schema of YAML 1.2,
// and of what the common libraries add (`0o17`, `1e3`, upper case).
var mistakes = []struct {
	as      string
	pattern *regexp.Regexp
}{
	{"nothing", regexp.MustCompile(`^(?i:~|null)$`)},
	{"a boolean", regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false)$`)},
	{"a number", regexp.MustCompile(`^[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9_]+)([eE][-+]?[0-9]+)?$`)},
	{"a number", regexp.MustCompile(`^[-+]?0([xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+)$`)},
	{"a number", regexp.MustCompile(`^([-+]?\.(?i:inf)|\.(?i:nan))$`)},
	{"a number of base 60", regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)},
	{"a date", regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?[ \t]*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?)?)?$`)},
	{"a sign of YAML's own", regexp.MustCompile(`^(=|<<)$`)},
}

// mistakable says what some reader takes a plain scalar for instead of text, or nothing.
func mistakable(s string) string {
	if s == "" || !strings.ContainsRune("~nNyYoOtTfF+-.=<0123456789", rune(s[0])) {
		return ""
	}
	for _, m := range mistakes {
		if m.pattern.MatchString(s) {
			return m.as
		}
	}
	return ""
}
