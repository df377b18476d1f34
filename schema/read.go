package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"
)

// result is what came of one file. A file that is neither YAML nor Rego has none.
type result struct {
	sum      string
	doc      *Document
	rego     *Rego
	problems []Problem
	lost     bool
}

// readAll reads and decodes files, several at a time; the results are in the order of the files.
func readAll(files []file) []result {
	results := make([]result, len(files))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				results[i] = read(files[i])
			}
		})
	}
	wait.Wait()
	return results
}

func read(f file) result {
	if !f.isYAML() && !f.isRego() {
		return result{}
	}
	data, err := contents(f)
	if err != nil {
		return result{lost: true, problems: []Problem{unreadable(f.name(), err)}}
	}
	r := result{sum: sum(data)}
	check := reporter{file: f.name()}
	switch {
	case len(data) > maxFile:
		check.report(1, 1, ruleTooLarge, "this file is larger than 1 MiB")
		r.problems = check.problems
	case f.isRego():
		if text, _ := check.characters(data); len(check.problems) == 0 {
			r.rego = &Rego{File: f.name(), Text: text}
		}
		r.problems = check.problems
	default:
		r.doc, r.problems = readDocument(f.name(), data)
	}
	r.lost = r.doc == nil && r.rego == nil
	return r
}

// contents reads a file, and little more than is allowed of one that is too large.
func contents(f file) ([]byte, error) {
	in, err := open(f)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	return data, reason(err)
}

// open opens regular files alone: to open a pipe would wait for whoever writes to it.
func open(f file) (fs.File, error) {
	info, err := fs.Stat(f.dir.FS, f.path)
	if err != nil {
		return nil, reason(err)
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return nil, errors.New("it is a folder")
	case !mode.IsRegular():
		return nil, fmt.Errorf("it is not a regular file (%s)", mode.Type())
	}
	in, err := f.dir.FS.Open(f.path)
	return in, reason(err)
}

func sumAll(in io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, in)
	return hex.EncodeToString(h.Sum(nil)), reason(err)
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

// ReadFeatures reads a Features document that is given by itself. The problems are those of the file; there is no document where it could not be
// read as one.
func ReadFeatures(name string, data []byte) (*Document, []Problem) {
	check := reporter{file: name}
	if len(data) > maxFile {
		check.report(1, 1, ruleTooLarge, "this file is larger than 1 MiB")
		return nil, check.problems
	}
	doc, problems := readDocument(name, data)
	if doc != nil && doc.Features == nil {
		problems = append(problems, Problem{Position: doc.At("kind"), Severity: Error, Message: "this file must hold Features", Rule: ruleWrongKind})
		doc = nil
	}
	return doc, SortProblems(problems)
}
