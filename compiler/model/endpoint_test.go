package model

import (
	"testing"

	"agentc/schema"
)

func TestTLSOfEndpoints(t *testing.T) {
	pods := &schema.Pods{Namespace: "tools", ServiceAccount: "books"}
	for _, c := range []struct {
		name     string
		endpoint schema.Endpoint
		overlay  schema.EndpointOverlay
		want     bool
	}{
		{"outside", schema.Endpoint{}, schema.EndpointOverlay{}, true},
		{"outside, and said not to", schema.Endpoint{TLS: ptr(false)}, schema.EndpointOverlay{}, false},
		{"within", schema.Endpoint{Pods: pods}, schema.EndpointOverlay{}, false},
		{"within, and said to", schema.Endpoint{Pods: pods, TLS: ptr(true)}, schema.EndpointOverlay{}, true},
		{"outside in this environment alone", schema.Endpoint{Pods: pods}, schema.EndpointOverlay{Host: "books.example.com"}, true},
		{"within in this environment alone", schema.Endpoint{}, schema.EndpointOverlay{Host: "books.tools.svc.cluster.local", Pods: pods}, false},
		{"said of this environment", schema.Endpoint{TLS: ptr(false)}, schema.EndpointOverlay{TLS: ptr(true)}, true},
		{"denied of this environment", schema.Endpoint{TLS: ptr(true)}, schema.EndpointOverlay{TLS: ptr(false)}, false},
	} {
		c.endpoint.Name, c.endpoint.Host = "books", "books.example.org"
		doc := &schema.Document{Platform: &schema.Platform{Spec: schema.PlatformSpec{Endpoints: []schema.Endpoint{c.endpoint}}}}
		got := resolveEndpoints(doc, &schema.Environment{Endpoints: map[string]schema.EndpointOverlay{"books": c.overlay}})
		if len(got) != 1 || got[0].TLS != c.want {
			t.Errorf("%s: TLS is not %v", c.name, c.want)
		}
	}
}
