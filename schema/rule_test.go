package schema

import (
	"reflect"
	"testing"
)

// structTypes are all struct types of the spec, found from the four kinds.
func structTypes() []reflect.Type {
	seen := map[reflect.Type]bool{}
	var types []reflect.Type
	var visit func(reflect.Type)
	visit = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			types = append(types, t)
			for i := range t.NumField() {
				visit(t.Field(i).Type)
			}
		}
	}
	visit(reflect.TypeFor[Agent]())
	visit(reflect.TypeFor[Platform]())
	visit(reflect.TypeFor[ReviewerPolicy]())
	return types
}

// TestTags reads every tag, and sees that what a tag demands fits the type of its field.
func TestTags(t *testing.T) {
	for _, typ := range structTypes() {
		for _, f := range reflect.VisibleFields(typ) {
			if f.Anonymous {
				continue
			}
			r, err := parseRule(f.Tag.Get("rule"), f.Type)
			if err != nil {
				t.Errorf("%s.%s: %v", typ.Name(), f.Name, err)
				continue
			}
			element := f.Type
			for element.Kind() == reflect.Pointer {
				element = element.Elem()
			}
			kind := element.Kind()
			if (r.format != nil || r.words != nil) && kind != reflect.String ||
				r.items.format != nil && kind != reflect.Slice && kind != reflect.Map ||
				r.keys != nil && kind != reflect.Map ||
				r.within != nil && element != reflect.TypeFor[Range]() ||
				(r.min != nil || r.max != nil) && (kind == reflect.Slice || kind == reflect.Map || kind == reflect.Struct) {
				t.Errorf("%s.%s: the tag %q does not fit %s", typ.Name(), f.Name, f.Tag.Get("rule"), f.Type)
			}
		}
	}
}

func TestUnknownTag(t *testing.T) {
	for _, tag := range []string{"nmae", "required,nmae", "items=nmae", "keys=", "min=x", "max=1d", "within=1", "within=a..b"} {
		if _, err := parseRule(tag, reflect.TypeFor[string]()); err == nil {
			t.Errorf("the tag %q was taken", tag)
		}
	}
}

func TestEveryFieldHasADocstring(t *testing.T) {
	docs, err := comments(typeFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range structTypes() {
		if docs[typ.Name()] == "" {
			t.Errorf("type %s has no docstring", typ.Name())
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			if !f.Anonymous && docs[typ.Name()+"."+f.Name] == "" {
				t.Errorf("%s.%s has no docstring", typ.Name(), f.Name)
			}
		}
	}
}

// TestFormats has a good and some bad words for each format.
func TestFormats(t *testing.T) {
	cases := map[string]struct{ good, bad []string }{
		"name":     {[]string{"a", "soc-1"}, []string{"", "1a", "A", "a-", "a.b", "a\n"}},
		"version":  {[]string{"1.4.0", "1.0.0-rc.1+b"}, []string{"1", "1.4", "v1.4.0", "01.0.0"}},
		"url":      {[]string{"https://a.b:6443", "http://a/b?c=d#e"}, []string{"a", "/a", "ftp://a", "https://", "https://u:p@a", "https://a b"}},
		"urlpath":  {[]string{"/", "/livez/a"}, []string{"", "livez", "/a b", "/a?b"}},
		"registry": {[]string{"r.example", "r.example:5000/a/b", "localhost:5000"}, []string{"", "agents", "https://r.example", "r.example/", "r.example/A", "r.example/a:1"}},
		"email":    {[]string{"a.b+c@d.example"}, []string{"a", "a@b", "@b.c", "a b@c.de"}},
		"owner":    {[]string{"@a", "@a/b", "@a/b/c", "a@b.example"}, []string{"a", "@", "@a/", "@a b"}},
		"tool":     {[]string{"get_pods", "networkpolicies.create"}, []string{"", "*", "a b"}},
		"digest":   {[]string{"sha256:0000000000000000000000000000000000000000000000000000000000000000"}, []string{"", "sha256:0", "0000000000000000000000000000000000000000000000000000000000000000"}},
		"gpgkey":   {[]string{"4AEE18F83AFDEB23"}, []string{"", "4aee18f83afdeb23", "4AEE18F8", "0x4AEE18F83AFDEB23"}},
		"topic":    {[]string{"falco.events"}, []string{"", ".", "..", "a b"}},
		"giturl": {[]string{"https://g.example/a/b.git", "ssh://git@g.example:22/a.git", "git@g.example:a/b.git"},
			[]string{"", "a/b", "http://g.example/a", "https://u@g.example/a", "https://u:p@g.example/a", "ssh://u:p@g.example/a", "https://g.example/a?token=b", "git@g.example:"}},
		"path":       {[]string{"generated", "deploy/.gen/a"}, []string{"", "/a", "a/", "../a", "a/../b", ".", "a//b", `a\b`}},
		"dns":        {[]string{"cluster.local", "a"}, []string{"", "A.b", "a.", "-a", "a..b", "a_b"}},
		"label":      {[]string{"app", "app.kubernetes.io/name"}, []string{"", "/a", "a/", "a b", "a/b/c"}},
		"labelvalue": {[]string{"", "prometheus", "a.b_c-1"}, []string{"a b", "-a", "a/b", "a."}},
		"revision":   {[]string{"main", "release/2027", "v1.0.0"}, []string{"", "*", "-x", "a b", "a*"}},
		"env":        {[]string{"LOG_LEVEL", "_a1"}, []string{"", "1A", "A-B"}},
		"verb":       {[]string{"create"}, []string{"", "get", "Create"}},
		"skillref":   {[]string{"remediate/isolate-workload"}, []string{"", "a", "a/", "a/b/c", "a/*"}},
		"risk":       {[]string{"critical"}, []string{"", "none"}},
		"channel":    {[]string{"soc-approvals"}, []string{"", "#soc", "~soc", "Soc"}},
		"username":   {[]string{"lena", "a.b_c-1"}, []string{"", "@lena", "Lena", "a b"}},
		"weekday":    {[]string{"mon", "sun"}, []string{"", "Mon", "monday"}},
		"date":       {[]string{"2028-02-29"}, []string{"", "2027-02-29", "2027-1-1", "31.03.2027"}},
		"priority":   {[]string{"Emergency", "Debug"}, []string{"", "debug"}},
	}
	for _, f := range formats {
		c, ok := cases[f.name]
		if !ok {
			t.Errorf("format %s has no cases", f.name)
		}
		if f.words == nil && f.want == "" {
			t.Errorf("format %s does not say what it wants", f.name)
		}
		for _, s := range c.good {
			if !f.matches(s) {
				t.Errorf("%s refuses %q", f.name, s)
			}
		}
		for _, s := range c.bad {
			if f.matches(s) {
				t.Errorf("%s takes %q", f.name, s)
			}
		}
	}
}
