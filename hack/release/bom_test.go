package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/xeipuuv/gojsonschema"
)

// testBOMs holds the bills of materials of a release against CycloneDX's own schema, and the ids of ko's against SPDX's rule.
func testBOMs(t *testing.T, out string) {
	schema := cycloneDX(t)
	for _, name := range glob(t, out, "*.cdx.json", 4*len(commands)) {
		result, err := schema.Validate(gojsonschema.NewStringLoader(read(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range result.Errors() {
			t.Errorf("%s: %s", filepath.Base(name), e)
		}
	}
	id := regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`)
	for _, name := range glob(t, out, "*.spdx.json", 3*len(commands)) {
		var doc struct {
			Packages []struct{ SPDXID string }
		}
		if err := json.Unmarshal([]byte(read(t, name)), &doc); err != nil {
			t.Fatal(err)
		}
		for _, p := range doc.Packages {
			if !id.MatchString(p.SPDXID) {
				t.Errorf("%s: %s is no id", filepath.Base(name), p.SPDXID)
			}
		}
	}
}

// cycloneDX is the schema that the library brings along, with those that it refers to.
func cycloneDX(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	dir := "file://" + strings.TrimSpace(sh(t, ".", "go list -m -f '{{.Dir}}' github.com/CycloneDX/cyclonedx-go")) + "/schema/"
	l := gojsonschema.NewSchemaLoader()
	for as, file := range map[string]string{"spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		if err := l.AddSchema("http://cyclonedx.org/schema/"+as, gojsonschema.NewReferenceLoader(dir+file)); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := l.Compile(gojsonschema.NewReferenceLoader(dir + "bom-1.6.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func glob(t *testing.T, dir, pattern string, want int) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) != want {
		t.Fatal(names, err)
	}
	return names
}

// TestBOM shows which modules stand in it, and as what.
func TestBOM(t *testing.T) {
	r := &release{version: "0.1.0"}
	bom := r.bom("agentc", [32]byte{1}, &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
		{Path: "example.com/Big/module", Version: "v1.0.0+incompatible", Sum: "h1:AQID"},
		{Path: "example.com/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/new", Version: "v1.1.0"}},
	}})
	purl := "pkg:golang/example.com/Big/module@v1.0.0%2Bincompatible"
	want := []cdx.Component{
		{BOMRef: "pkg:golang/stdlib@1.26.8", Type: "library", Name: "stdlib", Version: "1.26.8", PackageURL: "pkg:golang/stdlib@1.26.8"},
		{
			BOMRef: purl, Type: "library", Name: "example.com/Big/module", Version: "v1.0.0+incompatible", PackageURL: purl,
			Hashes: &[]cdx.Hash{{Algorithm: "SHA-256", Value: "010203"}},
		},
		{
			BOMRef: "pkg:golang/example.com/new@v1.1.0", Type: "library", Name: "example.com/new", Version: "v1.1.0",
			PackageURL: "pkg:golang/example.com/new@v1.1.0",
		},
	}
	if diff := cmp.Diff(want, *bom.Components); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if refs := *(*bom.Dependencies)[0].Dependencies; len(refs) != len(want) {
		t.Errorf("agentc depends on %v", refs)
	}
}

func TestValidIDs(t *testing.T) {
	got := string(validIDs([]byte(`{"SPDXID":"SPDXRef-Package-github.com.client_golang-v1+x","name":"client_golang"}`)))
	if want := `{"SPDXID":"SPDXRef-Package-github.com.client-golang-v1-x","name":"client_golang"}`; got != want {
		t.Errorf("got %s", got)
	}
}
