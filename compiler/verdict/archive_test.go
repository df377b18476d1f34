package verdict

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"maps"
	"strings"
	"testing"

	"agentc/compiler/claims"
)

// packedOnly are changes that the folder for review does not show.
var packedOnly = []struct {
	name   string
	change func(bundleFiles)
	want   string // empty: nothing is found
}{
	{"nothing", all(), ""},
	{"a seal", all(
		replace(manifestFile, `"sequence": 0`, `"sequence": 7`), replace(manifestFile, `"not_after": ""`, `"not_after": "2027-01-01T00:00:00Z"`),
		add(signaturesFile, `{"signatures": ["x.y.z"]}`),
	), ""},
	{"more than a seal", replace(manifestFile, `"revision": "`, `"revision": "0`), "the packed bundle holds another .manifest than the folder for review"},
	{"a verdict", edit("auto-execute", "rules", "reviewers/containment-asks", "verdict"), "the packed bundle holds another agentc/data.json than the folder for review"},
	{"a file more", add("notes.txt", "x"), "the packed bundle holds notes.txt, which the folder for review does not"},
	{"a file less", drop(selfTestFile), "the packed bundle lacks selftest.json, which the folder for review holds"},
}

func TestPackedBundleIsTheReviewedOne(t *testing.T) {
	r := newRendered(t)
	for _, test := range packedOnly {
		t.Run(test.name, func(t *testing.T) {
			bundle := r.bundle()
			test.change(bundle)
			expect(t, r.env, r.with(t, bundle, false), test.want)
		})
	}
	t.Run("the folder is sealed and the packed bundle is not", func(t *testing.T) {
		bundle := r.bundle()
		packedOnly[1].change(bundle)
		files := maps.Clone(r.files)
		for name, data := range bundle {
			files[r.folder()+name] = data
		}
		expect(t, r.env, files, "")
	})
}

// expect wants some finding to have the words, each, or no finding where they are empty.
func expect(t *testing.T, env *claims.Environment, files map[string][]byte, words ...string) {
	t.Helper()
	findings, _, err := Judge(context.Background(), env, files)
	if err != nil {
		t.Fatal(err)
	}
	got := messages(findings)
	for _, want := range words {
		if want == "" && len(got) > 0 || want != "" && !someSay(got, want) {
			t.Errorf("want %q:\n%s", want, strings.Join(got, "\n"))
		}
	}
}

// TestHolder: the bundle is the one in the ConfigMap that agentd mounts.
func TestHolder(t *testing.T) {
	r := newRendered(t)
	object := string(r.files[holder])
	for _, test := range []struct{ name, object, want string }{
		{"no ConfigMap", "", "there is no ConfigMap soc-system/soc-bundle with a bundle.tar.gz, so agentd has nothing to load"},
		{"another name", strings.Replace(object, "name: soc-bundle", "name: soc-bundle-2", 1), "there is no ConfigMap soc-system/soc-bundle"},
		{"another namespace", strings.Replace(object, "namespace: soc-system", "namespace: soc-notify", 1), "there is no ConfigMap soc-system/soc-bundle"},
		{"another key", strings.Replace(object, archiveKey, "bundle.tgz", 1), "there is no ConfigMap soc-system/soc-bundle"},
		{"two", object + "---\n" + object, "there are 2 ConfigMaps soc-system/soc-bundle"},
		{"one more, hidden by an escape", object + "---\n" + strings.Replace(object, "name: soc-bundle", `name: "soc-b\x75ndle"`, 1), "there are 2 ConfigMaps"},
		{"no base64", strings.Replace(object, archiveKey+": ", archiveKey+": =", 1), "bundle.tar.gz is no archive of a bundle: EOF"},
		{"no archive", strings.Replace(object, archiveKey+": H4sI", archiveKey+": AAAA", 1), "bundle.tar.gz is no archive of a bundle: gzip: invalid header"},
		{"behind an object of another kind", "kind: X\nbinaryData: 3\n---\n" + object, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := maps.Clone(r.files)
			files[holder] = []byte(test.object)
			expect(t, r.env, files, test.want)
		})
	}
}

// TestFetchedBundle: where agentd fetches the bundle, it is the file that lies beside the folder.
func TestFetchedBundle(t *testing.T) {
	r := newRendered(t)
	env := *r.env
	env.Decisions.ConfigMap = ""
	files := maps.Clone(r.files)
	delete(files, holder)
	expect(t, &env, fetched(t, &env, files), "")
	bundle := r.bundle()
	edit("auto-execute", "rules", "reviewers/containment-asks", "verdict")(bundle)
	files[r.folder()+dataFile] = bundle[dataFile]
	changed := fetched(t, &env, files)
	expect(t, &env, changed, `rules["reviewers/containment-asks"].verdict is "auto-execute"`)
	changed[r.folder()+dataFile] = r.files[r.folder()+dataFile]
	expect(t, &env, changed, "the packed bundle holds another agentc/data.json than the folder for review")
	expect(t, &env, nil, "there is no bundle.tar.gz, so agentd has nothing to fetch")
}

// fetched are files with the bundle's folder packed beside it.
func fetched(t *testing.T, env *claims.Environment, files map[string][]byte) map[string][]byte {
	t.Helper()
	bundle := map[string][]byte{}
	for name, data := range files {
		if name, inside := strings.CutPrefix(name, env.Name+"/bundle/"); inside {
			bundle[name] = data
		}
	}
	archive, err := pack(bundle)
	if err != nil {
		t.Fatal(err)
	}
	files = maps.Clone(files)
	files[env.Name+"/"+archiveKey] = archive
	return files
}

func TestArchiveThatHides(t *testing.T) {
	for _, test := range []struct {
		want    string
		headers []tar.Header
	}{
		{"a stands in it twice", []tar.Header{{Name: "a", Typeflag: tar.TypeReg}, {Name: "a", Typeflag: tar.TypeReg}}},
		{"b is no regular file", []tar.Header{{Name: "b", Typeflag: tar.TypeSymlink, Linkname: "a"}}},
		{"c is no regular file", []tar.Header{{Name: "c", Typeflag: tar.TypeDir}}},
	} {
		var out bytes.Buffer
		zw := gzip.NewWriter(&out)
		tw := tar.NewWriter(zw)
		for _, h := range test.headers {
			if err := tw.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
		}
		tw.Close()
		zw.Close()
		if _, err := unpack(out.Bytes()); err == nil || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
		r := newRendered(t)
		text := archiveKey + ": " + base64.StdEncoding.EncodeToString(out.Bytes())
		files := maps.Clone(r.files)
		files[holder] = []byte("kind: ConfigMap\nmetadata: {name: soc-bundle, namespace: soc-system}\nbinaryData: {" + text + "}\n")
		expect(t, r.env, files, test.want)
	}
}

func TestPlaces(t *testing.T) {
	text := "{\n  \"a\": {\"b/c\": [1,\n  {\"d\": null}]},\n  \"e\": 2\n}\n"
	p := &places{files: map[string][]byte{"f": []byte(text)}}
	for _, test := range []struct {
		path         []string
		line, column int
	}{
		{nil, 1, 1}, {[]string{"a"}, 2, 3}, {[]string{"a", "b/c"}, 2, 9}, {[]string{"a", "b/c", "1"}, 3, 3}, {[]string{"a", "b/c", "1", "d"}, 3, 4},
		{[]string{"a", "b/c", "7"}, 2, 9}, {[]string{"e", "x", "y"}, 4, 3}, {[]string{"x"}, 1, 1},
	} {
		if line, column := p.of("f", test.path); line != test.line || column != test.column {
			t.Errorf("%v: %d:%d, want %d:%d", test.path, line, column, test.line, test.column)
		}
	}
}
