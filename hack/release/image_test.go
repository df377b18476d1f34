package main

import (
	"archive/tar"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// testImages reads the images of a release back, and looks at what a runtime would find in them.
func testImages(t *testing.T, out string) {
	dir := t.TempDir()
	sh(t, dir, "tar xf "+out+"/agentc_0.1.0_image.tar")
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(all); err != nil { // every digest and size, every layer
		t.Error(err)
	}
	top, err := all.IndexManifest()
	if err != nil || len(top.Manifests) != 1 {
		t.Fatal(top, err)
	}
	if got := top.Manifests[0].Annotations["org.opencontainers.image.ref.name"]; got != "0.1.0" {
		t.Errorf("the reference is called %q", got)
	}
	index, err := all.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range manifest.Manifests {
		found = append(found, d.Platform.String())
		image, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		testImage(t, image, filepath.Join(out, "agentc_0.1.0_linux_"+d.Platform.Architecture+".tar.gz"))
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, found); diff != "" {
		t.Errorf("platforms -want +got\n%s", diff)
	}
}

func testImage(t *testing.T, image v1.Image, archive string) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || config.Config.WorkingDir != "/home/nonroot" {
		t.Errorf("it runs as %s in %s", config.Config.User, config.Config.WorkingDir)
	}
	if diff := cmp.Diff([]string{"/ko-app/agentc"}, config.Config.Entrypoint); diff != "" {
		t.Errorf("entry point -want +got\n%s", diff)
	}
	files := extracted(t, image)
	if string(files["ko-app/agentc"]) != sh(t, ".", "tar xzf "+archive+" --to-stdout agentc") {
		t.Error("the image holds another agentc than the archive")
	}
	if n := certificates(t, files["etc/ssl/certs/ca-certificates.crt"]); n < 100 {
		t.Errorf("only %d certificates", n)
	}
}

// extracted is the file system of an image: the content of each file by its path.
func extracted(t *testing.T, image v1.Image) map[string][]byte {
	t.Helper()
	r := mutate.Extract(image)
	defer r.Close()
	files := map[string][]byte{}
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Clean("/" + h.Name)[1:]] = data
	}
}

func certificates(t *testing.T, data []byte) (n int) {
	t.Helper()
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			t.Error(err)
		}
		n++
	}
	return n
}
