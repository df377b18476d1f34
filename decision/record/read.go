package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Read gives every record of a log, in order, without verifying any. Lines that are no records are passed over and counted.
func Read(dir string, each func(Entry) error) (passed int, err error) {
	segments, err := segmentsOf(logOf(dir))
	if err != nil {
		return 0, fmt.Errorf("%s has no decision log: %w", dir, err)
	}
	for _, s := range segments {
		n, err := readSegment(s.file, each)
		if passed += n; err != nil {
			return passed, err
		}
	}
	return passed, nil
}

func readSegment(name string, each func(Entry) error) (passed int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for r := newLineReader(f); ; {
		line, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return passed, nil
		case errors.Is(err, errLong): // its rest is read as a line, and passed over as well
			passed++
			continue
		case err != nil:
			return passed, err
		}
		var e Entry
		if json.Unmarshal(line, &e) != nil {
			passed++
			continue
		}
		if err := each(e); err != nil {
			return passed, err
		}
	}
}
