package verdict

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// places finds the lines of keys in JSON. A file is read once, and only if there is something to report.
type places struct {
	files   map[string][]byte
	offsets map[string]map[string]int // by file, by path
}

// of is where a path stands, or the longest beginning of it that is there.
func (p *places) of(file string, path []string) (line, column int) {
	data := p.files[file]
	offset := 0
	if len(path) > 0 {
		known, read := p.offsets[file]
		if !read {
			known = offsetsOf(data)
			if p.offsets == nil {
				p.offsets = map[string]map[string]int{}
			}
			p.offsets[file] = known
		}
		for n := len(path); n > 0; n-- {
			if at, found := known[joined(path[:n])]; found {
				offset = at
				break
			}
		}
	}
	before := data[:offset]
	return 1 + bytes.Count(before, []byte("\n")), offset - bytes.LastIndexByte(before, '\n')
}

func joined(path []string) string { return strings.Join(path, "\x00") }

// offsetsOf are where the keys of an object, and the elements of a list, begin.
func offsetsOf(data []byte) map[string]int {
	w := &walker{dec: json.NewDecoder(bytes.NewReader(data)), data: data, offsets: map[string]int{}}
	w.value(nil)
	return w.offsets
}

type walker struct {
	dec     *json.Decoder
	data    []byte
	offsets map[string]int
}

// next is where the next token begins.
func (w *walker) next() int {
	offset := int(w.dec.InputOffset())
	return offset + len(w.data[offset:]) - len(bytes.TrimLeft(w.data[offset:], " \t\r\n,:"))
}

// value reads one value. It says whether there was one.
func (w *walker) value(path []string) bool {
	token, err := w.dec.Token()
	if err != nil {
		return false
	}
	switch token {
	case json.Delim('{'):
		for w.dec.More() {
			at := w.next()
			key, err := w.dec.Token()
			name, isText := key.(string)
			if err != nil || !isText || !w.member(append(path, name), at) {
				return false
			}
		}
	case json.Delim('['):
		for i := 0; w.dec.More(); i++ {
			if !w.member(append(path, strconv.Itoa(i)), w.next()) {
				return false
			}
		}
	default:
		return true
	}
	_, err = w.dec.Token()
	return err == nil
}

func (w *walker) member(path []string, at int) bool {
	w.offsets[joined(path)] = at
	return w.value(path)
}
