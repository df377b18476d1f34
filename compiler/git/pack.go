package git

import (
	"bytes"
	"runtime"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/memory"
)

// encoded is an object as it goes into a pack.
type encoded struct {
	kind plumbing.ObjectType
	id   plumbing.Hash
	data []byte
}

// Pack holds everything of the next commit that the branch does not have. Objects are not packed as differences to each other:
// the remote packs anew whatever it keeps.
func (b *Built) Pack(c *Commit) ([]byte, error) {
	const wholeObjects = 0
	store := memory.NewStorage()
	var ids []plumbing.Hash
	for _, o := range append(b.objects[:len(b.objects):len(b.objects)], encoded{plumbing.CommitObject, c.Hash, c.Data}) {
		object := store.NewEncodedObject()
		object.SetType(o.kind)
		w, err := object.Writer()
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(o.data); err != nil {
			return nil, err
		}
		id, err := store.SetEncodedObject(object)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	var pack bytes.Buffer
	_, err := packfile.NewEncoder(&pack, store, false).Encode(ids, wholeObjects)
	return pack.Bytes(), err
}

// inParts does a job for the numbers below n, in as many parts at once as there are processors, and returns the parts'
// results in order.
func inParts[T any](n int, do func(from, to int) T) []T {
	results := make([]T, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = do(n*i/len(results), n*(i+1)/len(results)) })
	}
	wg.Wait()
	return results
}
