package mattermost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readable writes JSON on lines, each of its texts as visible does it: the only line breaks are those between members. It says whether that is all of it,
// or cut at a limit.
func readable(data []byte, limit int) (text string, whole bool, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	w := &writer{d: d, limit: 4 * limit} // bytes: a character has up to four
	if err := w.value(0); err != nil && !errors.Is(err, errLong) {
		return "", false, err
	}
	if _, err := d.Token(); err != io.EOF && w.Len() <= w.limit {
		return "", false, fmt.Errorf("something stands behind the value")
	}
	text, left := cut(w.String(), limit)
	return text, left == 0 && w.Len() <= w.limit, nil
}

type writer struct {
	strings.Builder
	d     *json.Decoder
	limit int
}

var errLong = errors.New("it is too long")

// deepest that is shown.
const deepest = 110

func (w *writer) value(depth int) error {
	if depth > deepest {
		return fmt.Errorf("it is nested deeper than %d", deepest)
	}
	if w.Len() > w.limit {
		return errLong
	}
	t, err := w.d.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case json.Delim:
		return w.members(v, depth)
	case string:
		w.text(v)
	case json.Number:
		w.WriteString(visible(v.String()))
	default: // true, false, null
		if v == nil {
			v = "null"
		}
		fmt.Fprint(w, v)
	}
	return nil
}

func (w *writer) text(s string) {
	w.WriteString(`"` + strings.ReplaceAll(visible(s), `"`, `\"`) + `"`)
}

func (w *writer) members(open json.Delim, depth int) error {
	w.WriteString(open.String())
	first := true
	for ; w.d.More(); first = false {
		if !first {
			w.WriteByte(',')
		}
		w.line(depth + 1)
		if open == '{' {
			name, err := w.d.Token()
			if err != nil {
				return err
			}
			w.text(fmt.Sprint(name))
			w.WriteString(": ")
		}
		if err := w.value(depth + 1); err != nil {
			return err
		}
	}
	if !first {
		w.line(depth)
	}
	end, err := w.d.Token()
	if err == nil {
		fmt.Fprint(w, end)
	}
	return err
}

func (w *writer) line(depth int) { w.WriteString("\n" + strings.Repeat("  ", depth)) }
