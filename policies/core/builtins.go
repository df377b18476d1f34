package core

// Builtins are those that Rego in a bundle may call, the reviewers' and the core's: pure functions whose cost is bounded by what they are given. Not among
// them: what reaches out (http.send, net.*), what differs from call to call (time.now_ns, rand.*, uuid.*, opa.runtime), what
// makes much out of little (numbers.range, graph.*), what parses languages or keys (io.jwt.*, crypto.x509.*, graphql.*,
// json.match_schema, which fetches remote schemas), and what only prints (print, trace).
var Builtins = []string{
	// Comparison, assignment, membership, arithmetic.
	"assign", "eq", "equal", "neq", "gt", "gte", "lt", "lte", "internal.member_2", "internal.member_3",
	"plus", "minus", "mul", "div", "rem", "abs", "ceil", "floor", "round",

	// Collections.
	"count", "sum", "max", "min", "sort", "and", "or", "intersection", "union",
	"array.concat", "array.reverse", "array.slice",
	"object.filter", "object.get", "object.keys", "object.remove", "object.subset", "object.union",

	// Text.
	"concat", "contains", "endswith", "startswith", "format_int", "indexof", "lower", "upper", "replace", "split", "sprintf",
	"substring", "trim", "trim_left", "trim_prefix", "trim_right", "trim_space", "trim_suffix", "strings.any_prefix_match",
	"strings.any_suffix_match", "regex.match", "glob.match", "internal.template_string",

	// Types.
	"is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "to_number", "type_name",

	// A time that the input holds. Hours and weekdays depend on the machine's time zones: whoever asks puts them into the input.
	"time.parse_rfc3339_ns",
}
