package emit

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/compiler/rego"
	"agentc/policies/core"
)

// bundleModules are the core's Rego and the users'.
func bundleModules(env *model.Environment) ([]artifact.File, error) {
	modules, err := core.Modules()
	if err != nil {
		return nil, err
	}
	var files []artifact.File
	taken := map[string]bool{}
	for _, m := range modules {
		files = append(files, artifact.File{Path: "agentc/" + m.Name, Data: m.Text})
	}
	for _, r := range env.Policy.Rego {
		team, err := rego.Team(r)
		if err != nil {
			return nil, err
		}
		name := freeName("reviewers/"+team+"/"+path.Base(r.File), taken)
		files = append(files, artifact.File{Path: name, Data: r.Text})
	}
	return files, nil
}

// freeName is the name, or, since a team may have two files of one name in two folders, the first free one like it. Letters
// are folded, because some file systems know no difference.
func freeName(name string, taken map[string]bool) string {
	ext := path.Ext(name)
	stem, free := strings.TrimSuffix(name, ext), name
	for i := 2; taken[strings.ToLower(free)]; i++ {
		free = stem + "-" + strconv.Itoa(i) + ext
	}
	taken[strings.ToLower(free)] = true
	return free
}

// withManifest adds the manifest to the files and sorts them.
func withManifest(env *model.Environment, files []artifact.File) ([]artifact.File, error) {
	sortFiles(files)
	data, err := artifact.JSON(manifestData{
		Revision:    revision(files),
		Roots:       []string{"agentc", "reviewers"},
		RegoVersion: 1,
		Metadata:    manifestMetadata{Format: BundleFormat, Environment: env.Name, Fleet: env.Fleet.Name},
	})
	if err != nil {
		return nil, err
	}
	files = append(files, artifact.File{Path: ".manifest", Data: data, From: []artifact.Origin{origin("", env.From)}})
	sortFiles(files)
	return files, nil
}

// SealManifest writes sequence and expiry into the manifest of a bundle. Everything else in it stays the same bytes.
func SealManifest(data []byte, sequence int64, notAfter string) ([]byte, error) {
	var m manifestData
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // it would be lost
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	m.Metadata.Sequence, m.Metadata.NotAfter = sequence, notAfter
	return artifact.JSON(m)
}

func sortFiles(files []artifact.File) {
	slices.SortFunc(files, func(a, b artifact.File) int { return strings.Compare(a.Path, b.Path) })
}

// revision names the content: the SHA-256 of every file but the manifest, so that a seal, which goes into the manifest,
// does not change it. Lengths keep two lists of files apart whose concatenations are equal.
func revision(files []artifact.File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d %s %d ", len(f.Path), f.Path, len(f.Data))
		h.Write(f.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// PackBundle writes files as a tar.gz whose bytes depend on nothing but the files and the version of Go, whose compress/gzip may
// compress differently from one to the next: no times, no owners, no name in the gzip header, a fixed level.
func PackBundle(files []artifact.File) ([]byte, error) {
	var out bytes.Buffer
	zw, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	tw := tar.NewWriter(zw)
	for _, f := range files {
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.Path, Size: int64(len(f.Data)), Mode: 0o644}); err != nil {
			return nil, err
		}
		if _, err := tw.Write(f.Data); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
