package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/ko/pkg/build"
)

// image builds the container images of a command with ko, as a library: only so can it have a base that no registry holds.
// They are written as an OCI layout in a tar, with ko's bills of materials beside it.
func (r *release) image(ctx context.Context, command string) error {
	linux := r.linux()
	if len(linux) == 0 {
		return nil
	}
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	boms := filepath.Join(dir, "boms")
	built, err := r.koBuild(ctx, command, linux, boms)
	if err != nil {
		return err
	}
	images := filepath.Join(dir, "images")
	if err := r.writeLayout(images, built); err != nil {
		return err
	}
	if err := r.pack(r.file(command, "image.tar"), images, 0o644); err != nil {
		return err
	}
	return r.moveBOMs(command, boms)
}

func (r *release) linux() []platform {
	var linux []platform
	for _, p := range r.platforms {
		if p.os == "linux" {
			linux = append(linux, p)
		}
	}
	return linux
}

func (r *release) koBuild(ctx context.Context, command string, platforms []platform, boms string) (build.Result, error) {
	version, err := moduleVersion("github.com/google/ko")
	if err != nil {
		return nil, err
	}
	ref, err := baseName()
	if err != nil {
		return nil, err
	}
	index, err := base(platforms)
	if err != nil {
		return nil, err
	}
	ko, err := build.NewGo(ctx, r.source,
		build.WithBaseImages(func(context.Context, string) (name.Reference, build.Result, error) { return ref, index, nil }),
		build.WithPlatforms("all"), // that the base has
		build.WithDefaultFlags(buildFlags), build.WithDefaultLdflags([]string{linkerFlags}),
		build.WithCreationTime(v1.Time{Time: r.date}), build.WithKoDataCreationTime(v1.Time{Time: r.date}),
		build.WithAnnotation("org.opencontainers.image.version", r.version),
		build.WithAnnotation("org.opencontainers.image.revision", r.commit),
		build.WithSPDX(version), build.WithSBOMDir(boms), build.WithJobs(1))
	if err != nil {
		return nil, err
	}
	return ko.Build(ctx, build.StrictScheme+"agentc/cmd/"+command)
}

// writeLayout writes what ko built: an index, or for one platform alone an image. The name of the reference is the version.
func (r *release) writeLayout(dir string, built build.Result) error {
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	named := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version})
	switch built := built.(type) {
	case v1.ImageIndex:
		return path.AppendIndex(built, named)
	case v1.Image:
		return path.AppendImage(built, named)
	default:
		return fmt.Errorf("ko built neither an index nor an image, but %T", built)
	}
}

// moveBOMs gives ko's files our names: agentc-linux-amd64.spdx.json becomes agentc_0.1.0_image_linux-amd64.spdx.json.
func (r *release) moveBOMs(command, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		name := r.file(command, "image_"+e.Name()[len(command)+1:])
		if err := os.WriteFile(name, validIDs(data), 0o644); err != nil {
			return err
		}
	}
	return nil
}

var (
	spdxID      = regexp.MustCompile(`"SPDXRef-[^"]*"`)
	notInSPDXID = regexp.MustCompile(`[^A-Za-z0-9."-]`)
)

// validIDs mends the ids in ko's SPDX: it copies names of modules into them, and SPDX allows letters, digits, `.` and `-`.
func validIDs(spdx []byte) []byte {
	return spdxID.ReplaceAllFunc(spdx, func(id []byte) []byte { return notInSPDXID.ReplaceAll(id, []byte("-")) })
}
