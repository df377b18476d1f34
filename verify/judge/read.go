package judge

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"agentc/verify/claims"
	"agentc/verify/object"
)

// ClaimsName is the first file of what the judge is given.
const ClaimsName = "claims.json"

// Input is everything that the judge is given: the claims, and the generated files by their path. It looks at nothing else.
type Input struct {
	Claims *claims.Claims
	Files  map[string][]byte
}

// Read reads a tar archive: the claims first, then the files.
func Read(r io.Reader) (*Input, error) {
	in := &Input{Files: map[string][]byte{}}
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the archive on standard input: %w", err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return nil, fmt.Errorf("the archive on standard input: %w", err)
		}
		switch {
		case in.Claims == nil && header.Name == ClaimsName:
			if in.Claims, err = claims.Parse(data); err != nil {
				return nil, err
			}
		case in.Claims == nil:
			return nil, fmt.Errorf("the archive on standard input begins with %s; %s must come first", header.Name, ClaimsName)
		default:
			in.Files[header.Name] = data
		}
	}
	if in.Claims == nil {
		return nil, fmt.Errorf("no %s on standard input; agentc-verify is run by `agentc verify`", ClaimsName)
	}
	return in, nil
}

// Environments sorts the files by the environment that they belong to. A file that cannot be read as objects is a finding.
func (in *Input) Environments() ([]*Environment, []Finding) {
	var all []*Environment
	var findings []Finding
	for i := range in.Claims.Environments {
		c := &in.Claims.Environments[i]
		all = append(all, &Environment{Environment: c, Fleet: in.Claims.Fleet, Folder: c.Name + "/", Bundle: map[string][]byte{}, Sizes: map[string]int{}})
	}
	paths := slices.Sorted(maps.Keys(in.Files))
	read := in.objects(paths)
	for i, file := range paths {
		for _, env := range all {
			if rest, ok := strings.CutPrefix(file, env.Folder); ok {
				findings = append(findings, env.put(file, rest, in.Files[file], read[i])...)
			}
		}
	}
	return all, findings
}

// document is what became of one file.
type document struct {
	objects []*object.Object
	err     error
}

// objects reads the files that hold objects, several at once: it is a good part of all the time that a judge takes.
func (in *Input) objects(paths []string) []document {
	all := make([]document, len(paths))
	var wait sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := worker; i < len(paths); i += runtime.GOMAXPROCS(0) {
				if path.Ext(paths[i]) == ".yaml" {
					all[i].objects, all[i].err = object.Split(paths[i], in.Files[paths[i]])
				}
			}
		})
	}
	wait.Wait()
	return all
}

func (e *Environment) put(file, rest string, data []byte, read document) []Finding {
	folder, below, _ := strings.Cut(rest, "/")
	into := &e.Manifests
	switch {
	case folder == "bundle":
		e.Bundle[below] = data
		return nil
	case folder == "manifests" && path.Ext(file) == ".yaml":
		e.Sizes[file] = len(data)
	case folder == "delivery" && path.Ext(file) == ".yaml":
		into = &e.Delivery
	case folder == "delivery":
		// Whatever else Argo CD makes objects of, its root application would apply with all rights: JSON, Jsonnet, a kustomization, a chart.
		return []Finding{{Layer: "delivery", Environment: e.Name, File: file, Line: 1, Column: 1, Spec: e.At, Message: "is no .yaml file, and nobody here reads it; Argo CD might"}}
	default:
		return nil // Argo CD does not read it
	}
	if read.err != nil {
		message := strings.TrimPrefix(read.err.Error(), file+":")
		return []Finding{{Layer: "schema", Environment: e.Name, File: file, Line: 1, Column: 1, Spec: e.At, Message: "cannot be read: line " + message}}
	}
	*into = append(*into, read.objects...)
	if line, found := lineOf(data, skipMarker); found {
		return []Finding{{Layer: "delivery", Environment: e.Name, File: file, Line: line, Column: 1, Spec: e.At, Message: "Argo CD passes over a file that holds " + skipMarker}}
	}
	return nil
}

// skipMarker keeps Argo CD from reading a file (reposerver/repository, skipFileRenderingMarker).
const skipMarker = "+argocd:skip-file-rendering"

func lineOf(data []byte, text string) (line int, found bool) {
	before, _, found := bytes.Cut(data, []byte(text))
	return bytes.Count(before, []byte("\n")) + 1, found
}
