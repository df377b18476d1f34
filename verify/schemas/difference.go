package schemas

import (
	"fmt"
	"reflect"

	"github.com/google/go-cmp/cmp"
)

// Differences lists where an object as written and as stored differ, by field path.
func Differences(written, stored map[string]any) []Difference {
	var r reporter
	cmp.Equal(written, stored, cmp.Reporter(&r))
	return r.found
}

// Difference is one field that is not the same on both sides. A side that does not have it is nil.
type Difference struct {
	Path            string
	Written, Stored any
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: written %v, stored %v", d.Path, d.Written, d.Stored)
}

type reporter struct {
	path  cmp.Path
	found []Difference
}

func (r *reporter) PushStep(step cmp.PathStep) { r.path = append(r.path, step) }
func (r *reporter) PopStep()                   { r.path = r.path[:len(r.path)-1] }

func (r *reporter) Report(result cmp.Result) {
	if result.Equal() {
		return
	}
	written, stored := r.path.Last().Values()
	r.found = append(r.found, Difference{Path: fieldPath(r.path), Written: valueOf(written), Stored: valueOf(stored)})
}

func valueOf(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	return v.Interface()
}

// fieldPath writes `spec.ports[0].name`. The place of an item is that on the written side, if it is there.
func fieldPath(path cmp.Path) string {
	text := ""
	for _, step := range path {
		switch step := step.(type) {
		case cmp.MapIndex:
			text += "." + step.Key().String()
		case cmp.SliceIndex:
			written, stored := step.SplitKeys()
			text += fmt.Sprintf("[%d]", place(written, stored))
		}
	}
	return text
}

func place(written, stored int) int {
	if written < 0 {
		return stored
	}
	return written
}
