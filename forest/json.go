package forest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// How a file is read that somebody else wrote. encoding/json makes room for a list element by element, before anybody can say that there are too
// many: of `{},` it makes a tree that is forty times as large. Here it only says whether a text is JSON. A list is counted first, refused if no forest needs
// one so long, and given its room at once; a member that is unknown, or there twice, ends the reading. So a file costs a few times its size.

// ReadAll reads what is no larger than a limit. It copies once, where io.ReadAll would copy again and again.
func ReadAll(r io.Reader, limit int, what string) ([]byte, error) {
	var chunks [][]byte
	chunk := []byte{}
	for size := 0; ; {
		if len(chunk) == cap(chunk) {
			chunks, chunk = append(chunks, chunk), make([]byte, 0, 1<<16)
		}
		n, err := r.Read(chunk[len(chunk):cap(chunk)])
		chunk = chunk[:len(chunk)+n]
		if size += n; size > limit {
			return nil, fmt.Errorf("the %s is larger than %d MiB", what, limit>>20)
		}
		if errors.Is(err, io.EOF) {
			return bytes.Join(append(chunks, chunk), nil), nil
		} else if err != nil {
			return nil, err
		}
	}
}

// members says what to do with the value of each member that an object may have. It is used up by the object.
type members map[string]func(value []byte) error

// parse reads an object, which is all of a text.
func parse(text []byte, all members) error {
	var grammar passed
	if err := json.Unmarshal(text, &grammar); err != nil {
		return err
	}
	return object(bytes.TrimSpace(text), all)
}

// passed is any JSON, of which nothing is kept.
type passed struct{}

func (*passed) UnmarshalJSON([]byte) error { return nil }

// pass over a member that is of no use.
func pass([]byte) error { return nil }

// object reads one, of a text that is JSON.
func object(text []byte, all members) error {
	if text[0] != '{' {
		return fmt.Errorf("%.40q is no object", text)
	}
	return parts(text, func(part []byte) error {
		end := quoted(part, 0)
		name := part[1 : end-1]
		read, known := all[string(name)]
		switch {
		case !known:
			return fmt.Errorf("json: unknown field %.40q", name)
		case read == nil:
			return fmt.Errorf("the field %q is there twice", name)
		}
		all[string(name)] = nil
		colon := end + bytes.IndexByte(part[end:], ':')
		if err := read(bytes.TrimSpace(part[colon+1:])); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// parts gives each element of a list, or each member of an object, to a function.
func parts(text []byte, each func(part []byte) error) error {
	inner := bytes.TrimSpace(text[1 : len(text)-1])
	if len(inner) == 0 {
		return nil
	}
	depth, from := 0, 0
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			i = quoted(inner, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth > 0 {
				continue
			}
			if err := each(bytes.TrimSpace(inner[from:i])); err != nil {
				return err
			}
			from = i + 1
		}
	}
	return each(bytes.TrimSpace(inner[from:]))
}

// quoted is where a string ends that begins at a place.
func quoted(text []byte, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// longest number of a file, generously: encoding/json repeats one that is wrong.
const longest = 400

// scalar reads a number or a text.
func scalar[T int | float64 | string](into *T) func([]byte) error {
	return func(text []byte) error {
		if len(text) > longest && text[0] != '"' {
			return fmt.Errorf("%.40q… is longer than any number", text)
		}
		return json.Unmarshal(text, into)
	}
}

// list reads a list of so many elements at most.
func list[T any](into *[]T, most int, one, many string, read func(text []byte, into *T) error) func([]byte) error {
	return func(text []byte) error {
		if string(text) == "null" {
			return nil
		} else if text[0] != '[' {
			return fmt.Errorf("%.40q is no list", text)
		}
		n := 0
		if err := parts(text, func([]byte) error { n++; return nil }); err != nil {
			return err
		}
		if n > most {
			return fmt.Errorf("%d %s; up to %d are possible", n, many, most)
		}
		elements := make([]T, 0, n)
		err := parts(text, func(part []byte) error {
			var element T
			if err := read(part, &element); err != nil {
				return fmt.Errorf("%s %d: %w", one, len(elements), err)
			}
			elements = append(elements, element)
			return nil
		})
		*into = elements
		return err
	}
}

func texts(into *[]string, most int, one, many string) func([]byte) error {
	return list(into, most, one, many, func(text []byte, into *string) error { return scalar(into)(text) })
}

// Lists of numbers have no limit of their own: a number is hardly larger than its text.

func int32s(into *[]int32) func([]byte) error {
	return numbers(into, "a whole number of 32 bits", func(text []byte) (int32, error) {
		n, err := strconv.ParseInt(string(text), 10, 32)
		return int32(n), err
	})
}

func ints(into *[]int) func([]byte) error {
	return numbers(into, "a whole number of 64 bits", func(text []byte) (int, error) { return strconv.Atoi(string(text)) })
}

func float32s(into *[]float32) func([]byte) error {
	return numbers(into, "a finite number of 32 bits", func(text []byte) (float32, error) {
		x, err := strconv.ParseFloat(string(text), 32)
		return float32(x), err
	})
}

func float64s(into *[]float64) func([]byte) error {
	return numbers(into, "a finite number", func(text []byte) (float64, error) { return strconv.ParseFloat(string(text), 64) })
}

func numbers[T int | int32 | float32 | float64](into *[]T, what string, parse func(text []byte) (T, error)) func([]byte) error {
	return func(text []byte) error {
		if string(text) == "null" {
			return nil
		} else if text[0] != '[' {
			return fmt.Errorf("%.40q is no list", text)
		}
		if bytes.IndexByte(text, '"') >= 0 { // whose commas would count
			return fmt.Errorf("a text is not %s", what)
		}
		elements := make([]T, 0, bytes.Count(text, []byte(","))+1)
		err := parts(text, func(part []byte) error {
			x, err := parse(part)
			if err != nil {
				return fmt.Errorf("%.40q is not %s", part, what)
			}
			elements = append(elements, x)
			return nil
		})
		*into = elements
		return err
	}
}

// same takes what is written, and refuses what is not the text that it holds.
type same struct{ rest []byte }

var errOther = errors.New("it was edited, or written by something else")

func (s *same) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(s.rest, p) {
		return 0, errOther
	}
	s.rest = s.rest[len(p):]
	return len(p), nil
}

// canonical says whether what a function writes is a text, to the byte.
func canonical(text []byte, write func(io.Writer) error) error {
	s := &same{text}
	if err := write(s); err != nil {
		return err
	}
	if len(s.rest) > 0 {
		return errOther
	}
	return nil
}
