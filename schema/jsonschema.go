package schema

import (
	"bytes"
	"embed"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"strings"
)

// The types' own source, for the comments in it: what an editor shows is what the types say.
//
//go:embed schema.go agent.go workload.go platform.go reviewer.go features.go
var typeFiles embed.FS

// jsonSchema is what this package uses of JSON Schema 2020-12.
type jsonSchema struct {
	Schema               string                 `json:"$schema,omitempty"`
	Title                string                 `json:"title,omitempty"`
	Description          string                 `json:"description,omitempty"`
	Ref                  string                 `json:"$ref,omitempty"`
	Type                 string                 `json:"type,omitempty"`
	Const                string                 `json:"const,omitempty"`
	Enum                 []string               `json:"enum,omitempty"`
	Pattern              string                 `json:"pattern,omitempty"`
	MinLength            int                    `json:"minLength,omitempty"`
	MaxLength            int                    `json:"maxLength,omitempty"`
	Minimum              *float64               `json:"minimum,omitempty"`
	Maximum              *float64               `json:"maximum,omitempty"`
	ExclusiveMinimum     *float64               `json:"exclusiveMinimum,omitempty"`
	MinItems             int                    `json:"minItems,omitempty"`
	Items                *jsonSchema            `json:"items,omitempty"`
	MinProperties        int                    `json:"minProperties,omitempty"`
	Required             []string               `json:"required,omitempty"`
	Properties           map[string]*jsonSchema `json:"properties,omitempty"`
	PropertyNames        *jsonSchema            `json:"propertyNames,omitempty"`
	AdditionalProperties any                    `json:"additionalProperties,omitempty"` // false, or a *jsonSchema
	AnyOf                []*jsonSchema          `json:"anyOf,omitempty"`
	AllOf                []*jsonSchema          `json:"allOf,omitempty"`
	If                   *jsonSchema            `json:"if,omitempty"`
	Then                 *jsonSchema            `json:"then,omitempty"`
	Defs                 map[string]*jsonSchema `json:"$defs,omitempty"`
}

// JSONSchema is one JSON Schema for all four kinds of document, for editors. It is as strict as JSON Schema can be; what
// only the decoder sees (duplicate keys, missing quotes, limits of durations) it does not know.
func JSONSchema() ([]byte, error) {
	docs, err := comments(typeFiles)
	if err != nil {
		return nil, err
	}
	g := &generator{docs: docs, defs: map[string]*jsonSchema{}}
	root := &jsonSchema{
		Schema:      "https://json-schema.org/draft/2020-12/schema",
		Title:       APIVersion,
		Description: "A document of agents.d or policies.",
		Type:        "object",
		Required:    []string{"kind"},
		Properties:  map[string]*jsonSchema{"kind": {Enum: kinds, Description: docs["Header.Kind"]}},
		Defs:        g.defs,
	}
	for i, t := range []reflect.Type{reflect.TypeFor[Agent](), reflect.TypeFor[Platform](), reflect.TypeFor[ReviewerPolicy](), reflect.TypeFor[Features]()} {
		kind := map[string]*jsonSchema{"kind": {Const: kinds[i]}}
		root.AllOf = append(root.AllOf, &jsonSchema{
			If:   &jsonSchema{Properties: kind, Required: []string{"kind"}},
			Then: g.schemaOf(t, &rule{}),
		})
		g.defs[t.Name()].Properties["kind"] = &jsonSchema{Const: kinds[i], Description: docs["Header.Kind"]}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(root)
	return out.Bytes(), err
}

type generator struct {
	docs map[string]string // Type or Type.Field → its comment
	defs map[string]*jsonSchema
}

func (g *generator) schemaOf(t reflect.Type, r *rule) *jsonSchema {
	switch {
	case t == durationType:
		return textOf(durationFormat)
	case t == quantityType:
		zero := 0.0
		return &jsonSchema{AnyOf: []*jsonSchema{textOf(quantityFormat), {Type: "number", ExclusiveMinimum: &zero}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.schemaOf(t.Elem(), r)
	case reflect.Struct:
		return g.structure(t, r)
	case reflect.Slice:
		return &jsonSchema{Type: "array", Items: g.schemaOf(t.Elem(), r.items), MinItems: 1}
	case reflect.Map:
		return &jsonSchema{Type: "object", PropertyNames: textOf(r.keys), AdditionalProperties: g.schemaOf(t.Elem(), r.items)}
	case reflect.Bool:
		return &jsonSchema{Type: "boolean"}
	case reflect.Int32:
		return &jsonSchema{Type: "integer", Minimum: r.min.number(), Maximum: r.max.number()}
	case reflect.Float64:
		return &jsonSchema{Type: "number", Minimum: r.min.number(), Maximum: r.max.number()}
	case reflect.String:
		return textSchema(r)
	}
	panic("the spec has no values of type " + t.String())
}

func (l *limit) number() *float64 {
	if l == nil {
		return nil
	}
	return &l.value
}

// structure refers to the definition of a struct type, which it writes when it first meets the type.
func (g *generator) structure(t reflect.Type, r *rule) *jsonSchema {
	if g.defs[t.Name()] == nil {
		s := &jsonSchema{Type: "object", Description: g.docs[t.Name()], Properties: map[string]*jsonSchema{}, AdditionalProperties: false}
		g.defs[t.Name()] = s
		for _, f := range planOf(t).fields {
			s.Properties[f.name] = g.property(t, f)
			if f.rule.required {
				s.Required = append(s.Required, f.name)
			}
		}
	}
	ref := &jsonSchema{Ref: "#/$defs/" + t.Name()}
	if r.within != nil {
		end := &jsonSchema{Type: "number", Minimum: &r.within[0], Maximum: &r.within[1]}
		ref.MinProperties, ref.Properties = 1, map[string]*jsonSchema{"atLeast": end, "below": end}
	}
	return ref
}

func (g *generator) property(t reflect.Type, f field) *jsonSchema {
	written := t.FieldByIndex(f.index)
	owner := t
	if len(f.index) > 1 { // a field of the Header
		owner = t.Field(f.index[0]).Type
	}
	s := g.schemaOf(written.Type, f.rule)
	s.Description = g.docs[owner.Name()+"."+written.Name]
	return s
}

func textSchema(r *rule) *jsonSchema {
	switch {
	case r.words != nil:
		return &jsonSchema{Type: "string", Enum: r.words}
	case r.format != nil:
		return textOf(r.format)
	}
	s := &jsonSchema{Type: "string"}
	if r.required {
		s.MinLength = 1
	}
	if r.max != nil {
		s.MaxLength = int(r.max.value)
	}
	return s
}

func textOf(f *format) *jsonSchema {
	switch {
	case f == nil:
		return nil
	case f.words != nil:
		return &jsonSchema{Type: "string", Enum: f.words}
	}
	return &jsonSchema{Type: "string", Pattern: f.pattern.String(), MaxLength: f.max}
}

// comments are those of all types and fields in the files, by `Type` and `Type.Field`, each on one line.
func comments(files fs.FS) (map[string]string, error) {
	docs := map[string]string{}
	names, err := fs.Glob(files, "*.go")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range parsed.Decls {
			collect(docs, decl)
		}
	}
	return docs, nil
}

func collect(docs map[string]string, decl ast.Decl) {
	general, ok := decl.(*ast.GenDecl)
	if !ok || general.Tok != token.TYPE {
		return
	}
	for _, spec := range general.Specs {
		named := spec.(*ast.TypeSpec)
		docs[named.Name.Name] = oneLine(general.Doc)
		body, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range body.Fields.List {
			for _, name := range f.Names {
				docs[named.Name.Name+"."+name.Name] = oneLine(f.Doc)
			}
		}
	}
}

func oneLine(doc *ast.CommentGroup) string { return strings.Join(strings.Fields(doc.Text()), " ") }
