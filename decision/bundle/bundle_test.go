package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const manifest = `{"revision": "r", "roots": ["agentc", "reviewers"], "rego_version": 1, "metadata": {"format": 1, "environment": "dev", "fleet": "soc", "sequence": 0, "not_after": ""}}`

// pack a list of names and contents.
func pack(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, h := range headers {
		text := h.Uname
		h.Uname, h.Size, h.Mode = "", int64(len(text)), 0o644
		if h.Typeflag == tar.TypeSymlink {
			h.Size = 0
		}
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := tw.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name, text string) tar.Header {
	return tar.Header{Name: name, Uname: text, Typeflag: tar.TypeReg}
}

// TestShipped: the example's bundle is read packed and unpacked alike.
func TestShipped(t *testing.T) {
	b, err := Open("../../generated/prod/bundle")
	if err != nil || b.Manifest.Metadata.Environment != "prod" || b.Digest != "" || len(b.Files["forests/detect.json"]) == 0 {
		t.Fatalf("%+v, %v", b.Manifest, err)
	}
	var headers []tar.Header
	for name, data := range b.Files {
		headers = append(headers, file(name, string(data)))
	}
	name := filepath.Join(t.TempDir(), "bundle.tar.gz")
	if err := os.WriteFile(name, pack(t, headers...), 0o600); err != nil {
		t.Fatal(err)
	}
	packed, err := Open(name)
	if err != nil || len(packed.Files) != len(b.Files) || packed.Manifest.Revision != b.Manifest.Revision || !strings.HasPrefix(packed.Digest, "sha256:") {
		t.Errorf("%v", err)
	}
}

// TestRefused: what no compiler packs.
func TestRefused(t *testing.T) {
	good := file(".manifest", manifest)
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"no archive":        {[]byte("{}"), "the bundle is not packed"},
		"half":              {pack(t, good)[:40], "the bundle: "},
		"a link":            {pack(t, good, tar.Header{Name: "x", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}), `holds "x", which is no file`},
		"a path out":        {pack(t, good, file("../x", "")), `holds a file called "../x"`},
		"an absolute path":  {pack(t, good, file("/x", "")), `holds a file called "/x"`},
		"a backslash":       {pack(t, good, file(`a\x`, "")), `holds a file called "a\\x"`},
		"a file twice":      {pack(t, good, good), `holds ".manifest" twice`},
		"another letter":    {pack(t, good, file(".Manifest", "")), `holds ".Manifest" twice, or in other letters`},
		"no manifest":       {pack(t, file("x", "")), "there is no bundle here"},
		"an unknown field":  {pack(t, file(".manifest", strings.Replace(manifest, "{", `{"wasm": [], `, 1))), "unknown field"},
		"another format":    {pack(t, file(".manifest", strings.Replace(manifest, `"format": 1`, `"format": 2`, 1))), "a bundle of format 2; this reads 1"},
		"a root of its own": {pack(t, file(".manifest", strings.Replace(manifest, `"reviewers"`, `""`, 1))), "a bundle of the roots [agentc ]"},
		"too many files":    {tooMany(t), "more than 10000 files"},
	} {
		if b, err := Read(c.archive); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v, want %s", name, b, err, c.want)
		}
	}
}

func tooMany(t *testing.T) []byte {
	var headers []tar.Header
	for i := range maxFiles + 1 {
		headers = append(headers, file("x"+strings.Repeat("y", i%90)+string(rune('0'+i/90%10))+string(rune('a'+i/900)), ""))
	}
	return pack(t, headers...)
}

func FuzzRead(f *testing.F) {
	f.Add(pack(f, file(".manifest", manifest)))
	f.Fuzz(func(t *testing.T, archive []byte) {
		if b, err := Read(archive); err == nil && b.Manifest.Metadata.Format != format {
			t.Errorf("%+v", b.Manifest)
		}
	})
}

// TestBomb: a small archive that says it is huge is refused by what it says, before anything of it is read.
func TestBomb(t *testing.T) {
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	tw := tar.NewWriter(zw)
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "agentc/data.json", Size: maxUnpacked + 1}); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil { // not a byte of it follows
		t.Fatal(err)
	}
	if _, err := Read(packed.Bytes()); !errors.Is(err, errUnpacked) {
		t.Error(err)
	}
}
