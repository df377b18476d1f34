package verdict

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/google/go-cmp/cmp"
)

// difference is one place where data is not what it should be.
type difference struct {
	path      []string
	want, got any
	missing   bool // nothing is there
	extra     bool // nothing should be there
}

func (d difference) String() string {
	switch place := keyPath(d.path); {
	case d.missing:
		return fmt.Sprintf("%s is missing, and the spec says %s", place, short(d.want))
	case d.extra:
		return fmt.Sprintf("%s is %s, and the spec knows nothing of it", place, short(d.got))
	default:
		return fmt.Sprintf("%s is %s, and the spec says %s", place, short(d.got), short(d.want))
	}
}

// short is a value as JSON, cut where it is long.
func short(v any) string {
	const most = 100
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if text := []rune(string(data)); len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(data)
}

// differences of two values of JSON, by path. Both are compared as OPA holds them: that way neither a key in other letters nor a key that
// stands there twice can look to the judge like something else than to OPA.
func differences(want, got map[string]any) []difference {
	r := &reporter{}
	cmp.Equal(want, got, cmp.Reporter(r))
	slices.SortStableFunc(r.found, func(a, b difference) int { return slices.Compare(a.path, b.path) })
	return r.found
}

// reporter is what cmp tells of each step and each difference.
type reporter struct {
	path  cmp.Path
	found []difference
}

func (r *reporter) PushStep(step cmp.PathStep) { r.path = append(r.path, step) }
func (r *reporter) PopStep()                   { r.path = r.path[:len(r.path)-1] }

func (r *reporter) Report(result cmp.Result) {
	if result.Equal() {
		return
	}
	want, got := r.path.Last().Values()
	r.found = append(r.found, difference{
		path: keys(r.path), want: valueOf(want), got: valueOf(got), missing: !got.IsValid(), extra: !want.IsValid(),
	})
}

func valueOf(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	return v.Interface()
}

func keys(path cmp.Path) []string {
	var all []string
	for _, step := range path {
		switch step := step.(type) {
		case cmp.MapIndex:
			all = append(all, step.Key().String())
		case cmp.SliceIndex:
			want, got := step.SplitKeys()
			all = append(all, strconv.Itoa(max(want, got)))
		}
	}
	return all
}
