package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// The base of our images is made here, from nothing, and not pulled: no registry has to be reached or trusted, and the same
// commit always stands on the same base. It holds what a static binary needs of a system: certificates of Mozilla's list, a
// user that is not root, and folders to write to. There is no shell, and no git.
const (
	rootsModule = "golang.org/x/crypto/x509roots/fallback"
	user        = 65532
	home        = "/home/nonroot"
)

// base is one image for each platform, in an index.
func base(platforms []platform) (v1.ImageIndex, error) {
	layer, err := baseLayer()
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		image, err := baseImage(layer, p)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
	}
	return index, nil
}

func baseImage(layer v1.Layer, p platform) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{
		OS: p.os, Architecture: p.arch,
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{User: fmt.Sprintf("%d:%d", user, user), WorkingDir: home, Env: []string{"HOME=" + home}},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Author: "hack/release", Comment: "certificates, a user, folders to write to"},
	})
}

// baseLayer has the same bytes for every release with the same certificates: it is of no date.
func baseLayer() (v1.Layer, error) {
	var tar bytes.Buffer
	err := writeTar(&tar, time.Unix(0, 0), []entry{
		{name: "etc/", mode: 0o755},
		{name: "etc/group", mode: 0o644, data: fmt.Appendf(nil, "nonroot:x:%d:\n", user)},
		{name: "etc/passwd", mode: 0o644, data: fmt.Appendf(nil, "nonroot:x:%d:%d:nonroot:%s:/sbin/nologin\n", user, user, home)},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, data: roots()},
		{name: "home/", mode: 0o755},
		{name: home[1:] + "/", mode: 0o700, owner: user},
		{name: "tmp/", mode: 0o1777},
	})
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(tar.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

// roots are Mozilla's in PEM, as the Go project packs them. A file of certificates cannot say "only what was issued before
// that day": a root that Mozilla trusts only so is left out.
func roots() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
		}
	}
	return all.Bytes()
}

// baseName stands in the bills of materials, with the version of the certificates. Nobody can own its host: the base is in no
// registry.
func baseName() (name.Reference, error) {
	version, err := moduleVersion(rootsModule)
	if err != nil {
		return nil, err
	}
	return name.ParseReference("base.invalid/ca-certificates:" + version)
}

// moduleVersion of a module that this program was built with.
func moduleVersion(path string) (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", errors.New("this program does not know its modules")
	}
	for _, dep := range info.Deps {
		if dep.Path == path {
			return dep.Version, nil
		}
	}
	return "", fmt.Errorf("this program was built without %s", path)
}
