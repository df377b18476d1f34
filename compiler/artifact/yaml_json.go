package artifact

import (
	"bytes"
	"encoding"
	"encoding/json"
	"io"
	"reflect"
)

// The long way, for types that marshal themselves: their JSON is read and written again as YAML, in its own order.

func viaText(e *encoder, v reflect.Value, at spot) bool {
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		e.fail("%s: %w", v.Type(), err)
	}
	e.text(string(text), at)
	return true
}

func viaJSON(e *encoder, v reflect.Value, at spot) bool {
	data, err := v.Interface().(json.Marshaler).MarshalJSON()
	if err != nil {
		e.fail("%s: %w", v.Type(), err)
		return true
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	hasValue := e.json(d, at)
	if _, err := d.Token(); e.err == nil && err != io.EOF {
		e.fail("%s: more than one JSON value", v.Type())
	}
	return hasValue
}

// json writes the next value of a JSON text.
func (e *encoder) json(d *json.Decoder, at spot) bool {
	switch t := e.token(d).(type) {
	case json.Delim:
		if t == '{' {
			e.jsonObject(d, at)
		} else {
			e.jsonArray(d, at)
		}
	case string:
		e.text(t, at)
	case json.Number:
		e.number(string(t), at)
	case bool:
		if t {
			e.scalar("true", at)
		} else {
			e.scalar("false", at)
		}
	default:
		return false
	}
	return true
}

func (e *encoder) jsonObject(d *json.Decoder, at spot) {
	if e.enter() {
		m := mapping{at: at}
		for e.err == nil && d.More() {
			key, _ := e.token(d).(string)
			inner := m.begin(e, key, keyOf(key))
			m.end(e, e.json(d, inner))
		}
		m.close(e)
		e.token(d)
	}
	e.leave()
}

func (e *encoder) jsonArray(d *json.Decoder, at spot) {
	if e.enter() {
		l := list{at: at}
		for e.err == nil && d.More() {
			inner := l.begin(e)
			l.end(e, e.json(d, inner))
		}
		l.close(e)
		e.token(d)
	}
	e.leave()
}

// token is nil for JSON's null, and after a failure.
func (e *encoder) token(d *json.Decoder) json.Token {
	t, err := d.Token()
	if err != nil {
		e.fail("JSON of a value that marshals itself: %w", err)
		return nil
	}
	return t
}
