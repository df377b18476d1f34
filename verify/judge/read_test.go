package judge

import (
	"archive/tar"
	"bytes"
	"slices"
	"strings"
	"testing"

	"agentc/verify/claims"
)

const someClaims = `{"format":1,"fleet":"soc","environments":[{"name":"dev"}]}`

func archive(files ...string) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))})
		w.Write([]byte(files[i+1]))
	}
	w.Close()
	return out.Bytes()
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		data []byte
		want string
	}{
		{archive(ClaimsName, someClaims, "dev/bundle/a", "b"), ""},
		{nil, "no claims.json on standard input"},
		{archive(), "no claims.json"},
		{archive("dev/bundle/a", "b", ClaimsName, someClaims), "must come first"},
		{archive(ClaimsName, strings.Replace(someClaims, "1", "2", 1)), "claims of format 2; this judge knows format 1"},
		{archive(ClaimsName, strings.Replace(someClaims, `"fleet"`, `"flood"`, 1)), `unknown field "flood"`},
		{archive(ClaimsName, `{"format":1}`), "no environment"},
		{archive(ClaimsName, someClaims, "dev/bundle/a", "b")[:1100], "unexpected EOF"},
	} {
		in, err := Read(bytes.NewReader(c.data))
		if c.want == "" && (err != nil || string(in.Files["dev/bundle/a"]) != "b") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("not %q but %v", c.want, err)
		}
	}
}

// TestUnreadable: a file that nobody can read has not been judged.
func TestUnreadable(t *testing.T) {
	in, err := Read(bytes.NewReader(archive(ClaimsName, someClaims, "dev/manifests/a.yaml", "kind: [\n", "dev/manifests/notes.txt", "kind: [\n")))
	if err != nil {
		t.Fatal(err)
	}
	_, findings := in.Environments()
	if len(findings) != 1 || findings[0].File != "dev/manifests/a.yaml" || findings[0].Layer != "schema" {
		t.Error(findings)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(archive(ClaimsName, someClaims, "dev/manifests/a.yaml", "apiVersion: v1\nkind: A\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if in, err := Read(bytes.NewReader(data)); err == nil {
			in.Environments()
		}
	})
}

// TestUnjudged: a layer that breaks is a finding, and keeps nobody else's from being told.
func TestUnjudged(t *testing.T) {
	in, err := Read(bytes.NewReader(archive(ClaimsName, someClaims)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := Judge(in, []Layer{
		{"one", func(_ *Environment, r *Report) error { r.Missing("a", r.env.At, "found"); return nil }},
		{"two", func(*Environment, *Report) error {
			return Guard(func() error { var none []int; _ = none[1]; return nil })
		}},
	})
	if err != nil || len(answer.Findings) != 2 || answer.Findings[1].Layer != "two" {
		t.Error(answer, err)
	}
}

// TestOtherFiles: what lies beside the Applications and is no .yaml file is a finding: Argo CD makes objects of more than that.
func TestOtherFiles(t *testing.T) {
	in := &Input{Claims: &claims.Claims{Environments: []claims.Environment{{Name: "dev"}}}, Files: map[string][]byte{
		"dev/delivery/x.json": []byte("{}"), "dev/delivery/a/kustomization.yml": nil, "dev/manifests/notes.txt": nil, "dev/delivery/y.yaml": nil,
	}}
	_, findings := in.Environments()
	var got []string
	for _, f := range findings {
		got = append(got, f.File)
	}
	if want := []string{"dev/delivery/a/kustomization.yml", "dev/delivery/x.json"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
