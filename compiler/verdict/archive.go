package verdict

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Files of a bundle with a meaning of their own.
const (
	archiveKey     = "bundle.tar.gz"
	manifestFile   = ".manifest"
	signaturesFile = ".signatures.json"
	dataFile       = "agentc/data.json"
	selfTestFile   = "selftest.json"
)

// maxUnpacked is how many bytes are unpacked of an archive at most: a few kilobytes can be packed to become any amount.
const maxUnpacked = 256 << 20

// find is the bundle that agentd will load, by name of the file. It must hold what was reviewed in the folder.
func (r *report) find(spec *spec, files map[string][]byte) map[string][]byte {
	reviewed := map[string][]byte{}
	for path, data := range files {
		if name, inside := strings.CutPrefix(path, r.folder); inside {
			reviewed[name] = data
		}
	}
	archive := r.archive(spec, files)
	if archive == nil {
		return nil
	}
	packed, err := unpack(archive)
	if err != nil {
		r.fault(fault{kind: kindFile, message: fmt.Sprintf("%s is no archive of a bundle: %v", archiveKey, err), spec: spec.env.At})
		return nil
	}
	r.packed, r.same = packed, map[string]bool{}
	r.compare(spec, packed, reviewed)
	return packed
}

// archive is the packed bundle: in the ConfigMap that agentd mounts, or the file that is put where agentd fetches it.
func (r *report) archive(spec *spec, files map[string][]byte) []byte {
	if spec.ConfigMap != "" {
		return r.configMap(spec, files)
	}
	r.holder = r.env + "/" + archiveKey
	archive, there := files[r.holder]
	if !there {
		r.fault(fault{kind: kindFile, message: "there is no " + archiveKey + ", so agentd has nothing to fetch", spec: spec.env.At})
	}
	return archive
}

// configMap is the archive in the ConfigMap that agentd mounts.
func (r *report) configMap(spec *spec, files map[string][]byte) []byte {
	_, name, _ := strings.Cut(spec.ConfigMap, "/")
	var found [][]byte
	for _, path := range slices.Sorted(maps.Keys(files)) {
		data := files[path]
		// Parsing every manifest of a large fleet would take longer than all the rest. A name can hide only behind an escape.
		if !strings.HasPrefix(path, r.env+"/manifests/") || !bytes.Contains(data, []byte(name)) && !bytes.ContainsRune(data, '\\') {
			continue
		}
		for _, archive := range configMaps(data, spec.ConfigMap) {
			r.holder = path
			found = append(found, archive)
		}
	}
	switch {
	case len(found) == 0:
		r.fault(fault{kind: kindFile, message: fmt.Sprintf("there is no ConfigMap %s with a %s, so agentd has nothing to load", spec.ConfigMap, archiveKey), spec: spec.env.At})
		return nil
	case len(found) > 1:
		r.fault(fault{kind: kindFile, message: fmt.Sprintf("there are %d ConfigMaps %s; it is the last that was judged", len(found), spec.ConfigMap), spec: spec.env.At})
	}
	return found[len(found)-1]
}

// candidate is what there is to know of an object that may be the ConfigMap.
type candidate struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Binary   map[string]string `yaml:"binaryData"`
}

// configMaps are the archives of all ConfigMaps of a name in a file. What cannot be read ends the search: the schema layer says so.
func configMaps(data []byte, name string) [][]byte {
	var all [][]byte
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var o candidate
		err := dec.Decode(&o)
		var wrongType *yaml.LoadErrors // of a field that other kinds of objects use otherwise
		if err != nil && !errors.As(err, &wrongType) {
			return all
		}
		text, holds := o.Binary[archiveKey]
		if o.Kind != "ConfigMap" || o.Metadata.Namespace+"/"+o.Metadata.Name != name || !holds {
			continue
		}
		archive, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			archive = []byte{} // no archive, which is found where it is unpacked
		}
		all = append(all, archive)
	}
}

// unpack reads an archive. It refuses what the archive could hide: links, and two files of one name.
func unpack(archive []byte) (map[string][]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: zr, N: maxUnpacked}
	files := map[string][]byte{}
	for tr := tar.NewReader(limited); ; {
		header, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return files, nil
		case err != nil:
			return nil, err
		case header.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%s is no regular file", header.Name)
		case files[header.Name] != nil:
			return nil, fmt.Errorf("%s stands in it twice", header.Name)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			return nil, err
		}
		files[header.Name] = append([]byte{}, data...)
	}
}

// pack writes an archive that OPA reads. It is never stored, so nothing is compressed.
func pack(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	zw, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		return nil, err
	}
	tw := tar.NewWriter(zw)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o644}); err != nil {
			return nil, err
		}
		if _, err := tw.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// compare finds what the packed bundle holds otherwise than the folder. A seal may be on either.
func (r *report) compare(spec *spec, packed, reviewed map[string][]byte) {
	names := map[string]bool{}
	for _, files := range []map[string][]byte{packed, reviewed} {
		for name := range files {
			names[name] = name != signaturesFile
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		inPacked, isPacked := packed[name]
		inFolder, isReviewed := reviewed[name]
		message := ""
		switch {
		case bytes.Equal(inPacked, inFolder) && isPacked == isReviewed:
			r.same[name] = true
			continue
		case !names[name]:
			continue
		case !isReviewed:
			message = "the packed bundle holds %s, which the folder for review does not"
		case !isPacked:
			message = "the packed bundle lacks %s, which the folder for review holds"
		case name == manifestFile && sameUnsealed(inPacked, inFolder):
			continue
		default:
			message = "the packed bundle holds another %s than the folder for review"
		}
		r.fault(fault{kind: kindFile, file: name, message: fmt.Sprintf(message, name), spec: spec.env.At})
	}
}
