package git

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// checkPack refuses a pack with an object that is too large, before anything holds one whole: compressed, a thousand times as
// much fits into a small pack. The sizes that objects state are enough to look at, since go-git unpacks no object beyond its own.
func checkPack(pack []byte) error {
	scanner := packfile.NewScanner(bytes.NewReader(pack))
	_, count, err := scanner.Header()
	if err != nil {
		return err
	}
	for range count {
		object, err := scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		if object.Length > maxObject {
			return tooLarge()
		}
		var start head
		if _, _, err := scanner.NextObject(&start); err != nil {
			return err
		}
		if object.Type.IsDelta() && start.result() > maxObject {
			return tooLarge()
		}
	}
	return nil
}

func tooLarge() error {
	return &Failure{Cause: Broken, Detail: fmt.Sprintf("its pack holds a file or a folder of more than %d MiB", maxObject>>20)}
}

// head keeps the beginning of what is written to it: the two sizes that a delta begins with, of what it changes and of what
// comes out.
type head struct{ kept []byte }

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), 2*binary.MaxVarintLen64-len(h.kept))]...)
	return len(p), nil
}

// result is the second size. Of what is none, go-git makes nothing either.
func (h *head) result() uint64 {
	_, n := binary.Uvarint(h.kept)
	size, _ := binary.Uvarint(h.kept[max(n, 0):])
	return size
}
