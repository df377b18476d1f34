package schema

import (
	"reflect"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Duration is a span of time, written with its units: `30s`, `1h30m`. Zero is unset.
type Duration time.Duration

// String is the canonical form: no unit that counts zero, unless all do.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Quantity is an amount of a resource in Kubernetes' canonical form: `500m`, `2Gi`. Empty is unset.
type Quantity string

// Value is the amount; zero where it is unset.
func (q Quantity) Value() resource.Quantity {
	if q == "" {
		return resource.Quantity{}
	}
	return resource.MustParse(string(q)) // the decoder lets nothing else in
}

var (
	stringType   = reflect.TypeFor[string]()
	durationType = reflect.TypeFor[Duration]()
	quantityType = reflect.TypeFor[Quantity]()
)
