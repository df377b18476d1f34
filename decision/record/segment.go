package record

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// segmentSuffix of the files, whose names begin with the number of their first record, so that they sort.
const segmentSuffix = ".jsonl"

func segmentName(first int64) string { return fmt.Sprintf("%016d%s", first, segmentSuffix) }

// segment is the file that is written to.
type segment struct {
	file *os.File
	size int64
}

// openSegment goes on in the last one that has room, or begins a new one.
func openSegment(dir string, next int64) (*segment, error) {
	names, err := segments(dir)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, segmentName(next))
	if len(names) > 0 {
		last := names[len(names)-1]
		info, err := os.Stat(last)
		if err != nil {
			return nil, err
		}
		if info.Size() < maxSegment {
			name = last
		}
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &segment{file, info.Size()}, nil
}

func (s *segment) append(lines []byte) error {
	if _, err := s.file.Write(lines); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.size += int64(len(lines))
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// segments of a log, in order.
func segments(dir string) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	slices.Sort(names)
	return names, err
}

// link is what the chain knows of a line.
type link struct {
	Seq  int64  `json:"seq"`
	Prev string `json:"prev_hash"`
	Kind string `json:"kind"`
}

// follow reads the lines of a segment, and says for each whether it is the next of the chain. It ends with the first fault of the function, and with half a line,
// whose bytes it returns.
func follow(name string, line func(n int, text []byte) error) (half []byte, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 256<<10)
	for n := 1; ; n++ {
		text, err := longLine(r)
		switch {
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if err := line(n, text); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
}

// longLine without its end. io.EOF comes with what stands behind the last one.
func longLine(r *bufio.Reader) (text []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if text = append(text, part...); len(text) > 2*maxLine {
			return nil, fmt.Errorf("a line is longer than %d bytes", 2*maxLine)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimSuffix(text, []byte("\n")), err
	}
}

// next is the place after a line, if it is the next of the chain.
func (p place) next(text []byte) (place, link, error) {
	var k link
	if err := json.Unmarshal(text, &k); err != nil {
		return p, k, errors.New("the line is no JSON")
	}
	switch {
	case k.Seq != p.seq+1:
		return p, k, fmt.Errorf("the record %d comes after %d", k.Seq, p.seq)
	case k.Prev != hex.EncodeToString(p.head[:]):
		return p, k, fmt.Errorf("the record %d does not go on where %d ended: one of the two was changed", k.Seq, p.seq)
	}
	return place{k.Seq, sha256.Sum256(text)}, k, nil
}

// lastPlace is the end of the chain in a folder. Of a segment that is not the last only the last line is looked at: Verify looks at all. Half a line at the very end is cut off.
func lastPlace(dir string) (p place, cut *Cut, err error) {
	names, err := segments(dir)
	if err != nil || len(names) == 0 {
		return p, nil, err
	}
	last := names[len(names)-1]
	if len(names) > 1 {
		before := names[len(names)-2]
		if p, err = endOf(before); err != nil {
			return p, nil, err
		}
	} else if p.seq, err = firstSeq(last); err != nil {
		return p, nil, err
	}
	begun := p.seq
	half, err := follow(last, func(n int, text []byte) error {
		if n == 1 && len(names) == 1 && begun > 0 { // older segments were moved away
			var k link
			if json.Unmarshal(text, &k) == nil {
				p.head = headOf(k.Prev)
			}
		}
		p, _, err = p.next(text)
		return err
	})
	if err != nil || len(half) == 0 {
		return p, nil, err
	}
	info, err := os.Stat(last)
	if err != nil {
		return p, nil, err
	}
	if err := os.Truncate(last, info.Size()-int64(len(half))); err != nil {
		return p, nil, err
	}
	return p, &Cut{Bytes: len(half), File: filepath.Base(last)}, nil
}

// firstSeq is the number before a segment's first record, by its name.
func firstSeq(name string) (int64, error) {
	var first int64
	base := strings.TrimSuffix(filepath.Base(name), segmentSuffix)
	if _, err := fmt.Sscanf(base, "%d", &first); err != nil || first < 1 || segmentName(first) != filepath.Base(name) {
		return 0, fmt.Errorf("%s is not called as a segment is", name)
	}
	return first - 1, nil
}

// endOf a segment that is complete: the place after its last line.
func endOf(name string) (p place, err error) {
	var last []byte
	half, err := follow(name, func(_ int, text []byte) error {
		last = append(last[:0], text...)
		return nil
	})
	switch {
	case err != nil:
		return p, err
	case len(half) > 0 || len(last) == 0:
		return p, fmt.Errorf("%s ends in the middle of a line, and is not the last segment", name)
	}
	var k link
	if err := json.Unmarshal(last, &k); err != nil {
		return p, fmt.Errorf("%s: the last line is no JSON", name)
	}
	return place{k.Seq, sha256.Sum256(last)}, nil
}

func placeOf(seq int64, text []byte) place { return place{seq, sha256.Sum256(text)} }

// headOf a line's own word; of a word that is none, nothing follows.
func headOf(prev string) (head [sha256.Size]byte) {
	if raw, err := hex.DecodeString(prev); err == nil && len(raw) == len(head) {
		copy(head[:], raw)
	}
	return head
}
