package delivery

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"agentc/verify/object"
)

// anything stands for a value that changes nothing of what is deployed, or that is judged elsewhere.
type anything struct{}

// compare wants an object to have these fields and no others: a field that we do not think of (an ignored difference, a role, a second
// source) must not pass because nobody thought of it.
func (j *judging) compare(o *object.Object, got any, want map[string]any, path ...any) {
	fields, _ := got.(map[string]any)
	keys := maps.Clone(want)
	for key, value := range fields {
		if _, is := keys[key]; !is && value != nil {
			keys[key] = nil
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		at := append(slices.Clip(path), key)
		switch w := keys[key].(type) {
		case anything:
		case map[string]any:
			j.compare(o, fields[key], w, at...)
		default:
			if !reflect.DeepEqual(fields[key], keys[key]) {
				j.At(o, at, j.claimed.At, "%s is %s, not %s", key, show(fields[key]), show(keys[key]))
			}
		}
	}
}

// show writes a value for people: `["a"]`, `true`, `nothing`.
func show(v any) string {
	if v == nil {
		return "nothing"
	}
	if text, is := v.(string); is {
		return text
	}
	data, _ := json.Marshal(v)
	return string(data)
}
