package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxDepth bounds how deep lists and mappings nest. The types need about a dozen levels.
const maxDepth = 64

const tooDeep = "this is nested more than 64 levels deep"

// limits stop the parser early; its own are far wider.
type limits struct{}

func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > maxDepth {
		return errors.New(tooDeep)
	}
	return nil
}

// CheckAlias allows any number: nothing here expands an alias, and the features pass refuses each.
func (limits) CheckAlias(int, int) error { return nil }

// parse turns checked text into the node tree of its only document, or nil.
func (d *decoder) parse(text []byte) *yaml.Node {
	if d.directives(text) {
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithPlugin(limits{}))
	if err != nil {
		panic(err) // the options are constants
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case err == io.EOF, err == nil && isEmpty(first.Content[0]):
		d.report(1, 1, ruleWrongType, "this file holds no document; it must hold one Agent, Platform, ReviewerPolicy or Features")
		return nil
	case err != nil:
		d.syntax(err, text)
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		d.at(&second, ruleSeveral, "a second document begins here; put each into a file of its own")
	case err != io.EOF:
		d.syntax(err, text)
	}
	return first.Content[0]
}

// directives refuses lines like `%TAG ! tag:example,2000:`, which change what the rest means, before the parser spends
// time on them that grows with the square of their number.
func (d *decoder) directives(text []byte) bool {
	for number, line := 1, text; len(line) > 0; number++ {
		if line[0] == '%' {
			d.report(number, 1, ruleFeature, "a line must not begin with %; YAML's directives are not allowed")
			return true
		}
		_, line, _ = bytes.Cut(line, []byte("\n"))
	}
	return false
}

// syntax reports the parser's own complaint.
func (d *decoder) syntax(err error, text []byte) {
	var fault *yaml.LoadError
	if !errors.As(err, &fault) {
		d.report(1, 1, ruleSyntax, "this is not YAML: "+err.Error())
		return
	}
	line, column := clamp(text, fault.Mark.Line, fault.Mark.Column)
	switch {
	case conflicted(text) > 0:
		d.report(conflicted(text), 1, ruleSyntax, "this is the mark of a merge conflict; keep one of the two sides")
	case fault.Message == tooDeep:
		d.report(line, column, ruleTooLarge, tooDeep)
	default:
		d.report(line, column, ruleSyntax, "this is not YAML: "+explain(fault))
	}
}

// conflicted is the first line that a merge left behind, or 0.
func conflicted(text []byte) int {
	for number, line := range bytes.Split(text, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("<<<<<<< ")) {
			return number + 1
		}
	}
	return 0
}

// hints say in the author's words what the parser's mean, for the slips that are made most.
var hints = []struct{ message, hint string }{
	{"mapping values are not allowed in this context", "a colon and a space begin a value; put text that holds them in quotes, or correct the indent"},
	{"did not find expected alphabetic or numeric character", "`*` and `&` begin an alias or an anchor; write \"*\" in quotes"},
	{"could not find expected ':'", "this line has no `key: value`"},
	{"did not find expected key", "the indent of this line, or of one shortly before, differs from its neighbours'"},
}

func explain(fault *yaml.LoadError) string {
	message := escape(fault.Message) // which may name an anchor
	for _, h := range hints {
		if strings.Contains(message, h.message) {
			return h.hint + " (the parser says: " + message + ")"
		}
	}
	if fault.ContextMsg == "" || fault.ContextMark.Line == 0 {
		return message
	}
	return fmt.Sprintf("%s, %s that begins in line %d", message, fault.ContextMsg, fault.ContextMark.Line)
}

// clamp moves a position of the parser, which may stand behind the end of the file, into the text.
func clamp(text []byte, line, column int) (int, int) {
	last := 1 + bytes.Count(text, []byte("\n"))
	if line > last {
		line, column = last, 1+utf8.RuneCountInString(lineOf(text, last))
	}
	line = max(line, 1)
	end := 1 + utf8.RuneCountInString(lineOf(text, line))
	return line, min(max(column, 1), end)
}

// kinds of documents, in the words of their `kind` field.
var kinds = []string{"Agent", "Platform", "ReviewerPolicy", "Features"}

// readDocument turns the bytes of one file into a document, or nil where not even its kind is known.
func readDocument(file string, data []byte) (*Document, []Problem) {
	d := &decoder{reporter: reporter{file: file}}
	text, readable := d.characters(data)
	d.tainted = len(d.problems) > 0
	if !readable || d.tabs(text) {
		return nil, d.problems
	}
	root := d.parse(text)
	if root == nil {
		return nil, d.problems
	}
	d.features(root, 1)
	return d.document(root), d.problems
}

// tabs refuses them all: readers of YAML differ in where they allow one, and in an editor nobody sees it.
func (d *decoder) tabs(text []byte) (found bool) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if at := bytes.IndexByte(line, '\t'); at >= 0 {
			found = true
			d.report(number, 1+utf8.RuneCount(line[:at]), ruleBadText, "U+0009 is a tab; use spaces, or \\t in double quotes")
		}
	}
	return found
}

func (d *decoder) document(root *yaml.Node) *Document {
	doc := &Document{File: d.file, root: root}
	p := place{name: "the document", rule: &rule{}, head: root}
	if refused(root) {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		d.wrongType(root, p, "a mapping with apiVersion, kind, metadata and spec")
		return nil
	}
	p.name = d.kind(root)
	switch p.name {
	case "Agent":
		doc.Agent = fill[Agent](d, root, p)
	case "Platform":
		doc.Platform = fill[Platform](d, root, p)
	case "ReviewerPolicy":
		doc.Policy = fill[ReviewerPolicy](d, root, p)
	case "Features":
		doc.Features = fill[Features](d, root, p)
	default:
		return nil
	}
	return doc
}

// kind is the document's, or nothing where it is missing or unknown.
func (d *decoder) kind(root *yaml.Node) string {
	key, value := child(root, "kind")
	switch {
	case key == nil:
		d.at(root, ruleMissingField, "the document needs kind: %s", or(kinds))
	case value.Kind != yaml.ScalarNode, isEmpty(value):
		d.wrongType(value, place{name: "kind", rule: &rule{required: true}, head: key}, or(kinds))
	case refused(value), d.unfit(value):
	case !slices.Contains(kinds, value.Value):
		d.at(value, ruleBadValue, "kind is %s; it must be %s%s", quote(value.Value), or(kinds), didYouMean(value.Value, kinds))
	default:
		return value.Value
	}
	return ""
}

func fill[T any](d *decoder, root *yaml.Node, p place) *T {
	v := new(T)
	d.value(root, reflect.ValueOf(v).Elem(), p)
	return v
}

// misplaced refuses a document in the other team's folder, where its owners would not see it.
func misplaced(doc *Document, policies bool) []Problem {
	reviewers := doc.Policy != nil || doc.Features != nil
	if reviewers == policies {
		return nil
	}
	message := "Agents and the Platform stand in agents.d; this folder holds policies"
	switch {
	case doc.Policy != nil:
		message = "a ReviewerPolicy belongs in the folder of the policies, whose owners review it"
	case doc.Features != nil:
		message = "Features belong in the folder of the policies, whose owners review them"
	}
	return []Problem{{Position: doc.At("kind"), Severity: Error, Message: message, Rule: ruleWrongKind}}
}
