package artifact

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// encodeFunc writes the values of one type, and reports false, with nothing written, for what is null in JSON.
type encodeFunc func(e *encoder, v reflect.Value, at spot) bool

var encoders sync.Map // reflect.Type → encodeFunc

func encoderOf(t reflect.Type) encodeFunc {
	if known, ok := encoders.Load(t); ok {
		return known.(encodeFunc)
	}
	made, _ := encoders.LoadOrStore(t, newEncoder(t))
	return made.(encodeFunc)
}

// later is the encoder of a type, looked up on first use: types may contain themselves.
func later(t reflect.Type) func() encodeFunc {
	return sync.OnceValue(func() encodeFunc { return encoderOf(t) })
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// newEncoder chooses as encoding/json does: MarshalJSON before MarshalText before the kind; a method on the pointer counts
// only where the value has an address.
func newEncoder(t reflect.Type) encodeFunc {
	if f := shortcut(t); f != nil {
		return f
	}
	f := kindEncoder(t)
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return f // what it leads to decides
	}
	f = withMethod(t, textMarshaler, viaText, f)
	return withMethod(t, jsonMarshaler, viaJSON, f)
}

func withMethod(t, method reflect.Type, via, otherwise encodeFunc) encodeFunc {
	switch {
	case t.Implements(method):
		return via
	case reflect.PointerTo(t).Implements(method):
		return func(e *encoder, v reflect.Value, at spot) bool {
			if v.CanAddr() {
				return via(e, v.Addr(), at)
			}
			return otherwise(e, v, at)
		}
	}
	return otherwise
}

// shortcut writes the types of the Kubernetes API that have MarshalJSON and are frequent, without the detour over JSON.
// A Quantity is copied first, since String changes it and objects are encoded in parallel.
func shortcut(t reflect.Type) encodeFunc {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return func(e *encoder, v reflect.Value, at spot) bool {
			q := as[resource.Quantity](v)
			e.text(q.String(), at)
			return true
		}
	case reflect.TypeFor[metav1.Duration]():
		return func(e *encoder, v reflect.Value, at spot) bool {
			e.text(as[metav1.Duration](v).Duration.String(), at)
			return true
		}
	case reflect.TypeFor[metav1.Time]():
		return encodeTime
	case reflect.TypeFor[intstr.IntOrString]():
		return encodeIntOrString
	case reflect.TypeFor[json.Number]():
		return func(e *encoder, v reflect.Value, at spot) bool {
			e.number(v.String(), at)
			return true
		}
	}
	return nil
}

func as[T any](v reflect.Value) T {
	if v.CanAddr() {
		return *v.Addr().Interface().(*T)
	}
	return v.Interface().(T)
}

func encodeTime(e *encoder, v reflect.Value, at spot) bool {
	t := as[metav1.Time](v)
	if t.IsZero() {
		return false
	}
	e.text(t.UTC().Format(time.RFC3339), at)
	return true
}

func encodeIntOrString(e *encoder, v reflect.Value, at spot) bool {
	switch x := as[intstr.IntOrString](v); x.Type {
	case intstr.Int:
		e.integer(int64(x.IntVal), at)
	case intstr.String:
		e.text(x.StrVal, at)
	default:
		e.fail("IntOrString of the unknown type %d", x.Type)
	}
	return true
}

func kindEncoder(t reflect.Type) encodeFunc {
	switch t.Kind() {
	case reflect.Struct:
		return structEncoder(t)
	case reflect.Map:
		return mapEncoder(t)
	case reflect.Slice, reflect.Array:
		return listEncoder(t)
	case reflect.Pointer:
		elem := later(t.Elem())
		return func(e *encoder, v reflect.Value, at spot) bool {
			return !v.IsNil() && elem()(e, v.Elem(), at)
		}
	case reflect.Interface:
		return func(e *encoder, v reflect.Value, at spot) bool { return e.value(v.Elem(), at) }
	}
	return scalarEncoder(t)
}

func scalarEncoder(t reflect.Type) encodeFunc {
	var write func(*encoder, reflect.Value, spot)
	switch t.Kind() {
	case reflect.String:
		write = func(e *encoder, v reflect.Value, at spot) { e.text(v.String(), at) }
	case reflect.Bool:
		write = func(e *encoder, v reflect.Value, at spot) { e.scalar(strconv.FormatBool(v.Bool()), at) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		write = func(e *encoder, v reflect.Value, at spot) { e.integer(v.Int(), at) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		write = func(e *encoder, v reflect.Value, at spot) { e.scalar(strconv.FormatUint(v.Uint(), 10), at) }
	case reflect.Float32, reflect.Float64:
		write = func(e *encoder, v reflect.Value, at spot) { e.float(v.Float(), t.Bits(), at) }
	default:
		write = func(e *encoder, v reflect.Value, at spot) { e.fail("%s cannot be written as YAML", t) }
	}
	return func(e *encoder, v reflect.Value, at spot) bool {
		write(e, v, at)
		return true
	}
}

func listEncoder(t reflect.Type) encodeFunc {
	if isBytes(t) {
		return func(e *encoder, v reflect.Value, at spot) bool {
			if v.IsNil() {
				return false
			}
			e.text(base64.StdEncoding.EncodeToString(v.Bytes()), at)
			return true
		}
	}
	elem := later(t.Elem())
	return func(e *encoder, v reflect.Value, at spot) bool {
		if v.Kind() == reflect.Slice && v.IsNil() {
			return false
		}
		if e.enter() {
			l := list{at: at}
			for i := range v.Len() {
				l.end(e, elem()(e, v.Index(i), l.begin(e)))
			}
			l.close(e)
		}
		e.leave()
		return true
	}
}

// isBytes tells what JSON has as base64: a slice of bytes, unless the bytes marshal themselves.
func isBytes(t reflect.Type) bool {
	if t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Uint8 {
		return false
	}
	p := reflect.PointerTo(t.Elem())
	return !p.Implements(jsonMarshaler) && !p.Implements(textMarshaler)
}

type mapMember struct {
	key   string
	value reflect.Value
}

func mapEncoder(t reflect.Type) encodeFunc {
	if t == reflect.TypeFor[map[string]string]() {
		return encodeStrings
	}
	elem := later(t.Elem())
	return func(e *encoder, v reflect.Value, at spot) bool {
		if v.IsNil() {
			return false
		}
		if e.enter() {
			m := mapping{at: at}
			for _, member := range e.sorted(v) {
				inner := m.begin(e, member.key, keyOf(member.key))
				m.end(e, elem()(e, member.value, inner))
				e.checkKey(member.key)
			}
			m.close(e)
		}
		e.leave()
		return true
	}
}

// encodeStrings is for labels, annotations and the data of ConfigMaps.
func encodeStrings(e *encoder, v reflect.Value, at spot) bool {
	values := v.Interface().(map[string]string)
	if values == nil {
		return false
	}
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	m := mapping{at: at}
	for _, key := range keys {
		inner := m.begin(e, key, keyOf(key))
		e.text(values[key], inner)
		m.end(e, true)
		e.checkKey(key)
	}
	m.close(e)
	return true
}

func (e *encoder) sorted(v reflect.Value) []mapMember {
	members := make([]mapMember, 0, v.Len())
	for i := v.MapRange(); i.Next(); {
		members = append(members, mapMember{e.mapKey(i.Key()), i.Value()})
	}
	slices.SortFunc(members, func(a, b mapMember) int { return strings.Compare(a.key, b.key) })
	return members
}

func (e *encoder) mapKey(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.Type().Implements(textMarshaler):
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return ""
		}
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			e.fail("key of a map: %w", err)
		}
		return string(text)
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	}
	e.fail("%s cannot be the key of a map", v.Type())
	return ""
}
