package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kept of an input, and only where it is no object and no list: nobody's text. Everything else is a stranger's.
var kept = []string{
	"/subject/type", "/subject/id", "/action/name", "/resource/type", "/resource/id",
	"/context/trace_id", "/context/confidence", "/context/anomaly/percentile", "/context/hour", "/context/today",
}

// Limits of what a stranger can have written: names are text, too.
const (
	maxScalar = 512 // bytes of a text that is kept by default
	maxNamed  = 16  // members of one object that are named when dropped
	maxName   = 64  // bytes of a name
)

// keep is a tree of what is written of an input.
type keep struct {
	below  map[string]*keep
	scalar bool // a leaf that may hold text, a number, true or false
	all    bool // somebody asked for whatever is there
}

func newKeep(more []string) (*keep, error) {
	root := &keep{}
	for _, pointer := range kept {
		root.at(pointer).scalar = true
	}
	for _, pointer := range more {
		if !strings.HasPrefix(pointer, "/") {
			return nil, fmt.Errorf("what is kept of inputs is named by JSON pointers such as /context/parameters/namespace, not %q", pointer)
		}
		root.at(pointer).all = true
	}
	return root, nil
}

var (
	unescape = strings.NewReplacer("~1", "/", "~0", "~")
	escape   = strings.NewReplacer("~", "~0", "/", "~1")
)

func (k *keep) at(pointer string) *keep {
	for name := range strings.SplitSeq(pointer[1:], "/") {
		name = unescape.Replace(name)
		if k.below == nil {
			k.below = map[string]*keep{}
		}
		if k.below[name] == nil {
			k.below[name] = &keep{}
		}
		k = k.below[name]
	}
	return k
}

// of an object gives what is kept, and names the rest below a pointer.
func (k *keep) of(object map[string]any, pointer string) (left map[string]any, erased []string) {
	left = map[string]any{}
	var dropped []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		k, value := k.below[name], object[name]
		inner, is := value.(map[string]any)
		switch {
		case k == nil:
			dropped = append(dropped, name)
		case k.all || k.scalar && isScalar(value):
			left[name] = value
		case is && k.below != nil:
			some, without := k.of(inner, pointer+"/"+escape.Replace(name))
			left[name], erased = some, append(erased, without...)
		default:
			dropped = append(dropped, name)
		}
	}
	return left, append(erased, named(dropped, pointer)...)
}

// named gives pointers to members, as long as a stranger cannot write a letter with them.
func named(names []string, pointer string) (pointers []string) {
	more := false
	for i, name := range names {
		if i >= maxNamed || len(name) > maxName {
			more = true
			continue
		}
		pointers = append(pointers, pointer+"/"+escape.Replace(name))
	}
	if more {
		pointers = append(pointers, pointer+"/*")
	}
	return pointers
}

func isScalar(value any) bool {
	switch v := value.(type) {
	case map[string]any, []any:
		return false
	case string:
		return len(v) <= maxScalar
	}
	return true
}
