package artifact

import (
	"cmp"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Sizes encodes the objects and says how long each file of theirs becomes, in bytes. The work is not lost: the objects keep
// their bytes, and Tree.Add uses them.
func Sizes(objects []Object) (map[string]int, error) {
	if err := encode(objects); err != nil {
		return nil, err
	}
	sizes := map[string]int{}
	for i := range objects {
		file, size := objects[i].File, len(objects[i].yaml)
		if _, started := sizes[file]; started {
			size += len(separator)
		} else {
			size += len(header)
		}
		sizes[file] += size
	}
	return sizes, nil
}

// encode gives every object its bytes, on all processors. Of several failures it returns the first in the order of the
// objects, so that runs agree.
func encode(objects []Object) error {
	errs := make([]error, len(objects))
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var e encoder
			for i := int(taken.Add(1)) - 1; i < len(objects); i = int(taken.Add(1)) - 1 {
				errs[i] = objects[i].encode(&e)
			}
		})
	}
	wg.Wait()
	return cmp.Or(errs...)
}

func (o *Object) encode(e *encoder) error {
	if o.yaml != nil {
		return nil
	}
	e.trace = nil
	if err := e.document(o.Value); err != nil {
		return fmt.Errorf("%s: %s: %w", o.File, identify(o.Value), err)
	}
	o.yaml = append([]byte(nil), e.out...)
	return nil
}
