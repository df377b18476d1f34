package schema

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Dir is one folder of the spec: its name as users type it, and what is in it. Positions are Name + "/" + path. An FS
// that follows no symbolic link out of the folder (os.Root's) is the caller's part.
type Dir struct {
	Name string
	FS   fs.FS // nil: the folder does not exist
}

// Load reads the spec. The first folder is agents.d, which must exist and to which the paths of artifacts are relative;
// every other is a policies folder, which need not exist and whose `core` is the product's own.
//
// Problems are the authors' mistakes, sorted. Source holds everything that could be decoded all the same, in part where
// need be; Source.Incomplete warns of what is missing altogether.
func Load(dirs ...Dir) (*Source, []Problem, error) {
	l := &loader{source: &Source{Artifacts: map[string]ArtifactFile{}}, inputs: map[string]string{}}
	var files []file
	for i, dir := range dirs {
		found, err := l.list(dir, i > 0)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, found...)
	}
	for i, r := range readAll(files) {
		l.add(files[i], r)
	}
	l.artifacts(dirs, files)
	l.finish()
	return l.source, SortProblems(l.problems), nil
}

// loader gathers what is read.
type loader struct {
	source   *Source
	problems []Problem
	inputs   map[string]string // file → SHA-256
	missing  int               // artifacts that do not exist
}

// file is one file of the spec's folders.
type file struct {
	dir      Dir
	path     string
	policies bool
}

func (f file) name() string { return f.dir.Name + "/" + f.path }

func (f file) isYAML() bool { return path.Ext(f.path) == ".yaml" || path.Ext(f.path) == ".yml" }

func (f file) isRego() bool {
	return path.Ext(f.path) == ".rego" && !strings.HasSuffix(f.path, "_test.rego")
}

// looksLikeSpec says whether the author of a file must think that it is read, though it is not.
func (f file) looksLikeSpec() bool {
	ext := path.Ext(f.path)
	return ext != strings.ToLower(ext) && slices.Contains([]string{".yaml", ".yml", ".rego"}, strings.ToLower(ext))
}

// list finds all files of a folder that are not hidden, in order.
func (l *loader) list(dir Dir, policies bool) ([]file, error) {
	err := fs.ErrNotExist
	if dir.FS != nil {
		_, err = fs.Stat(dir.FS, ".")
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && policies:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the folder %s cannot be read: %w", dir.Name, reason(err))
	}
	var files []file
	err = fs.WalkDir(dir.FS, ".", func(p string, entry fs.DirEntry, err error) error {
		f := file{dir, p, policies}
		switch {
		case err != nil:
			l.lost(f, reason(err))
			return fs.SkipDir
		case p == ".":
			return nil
		case strings.HasPrefix(entry.Name(), "."), policies && p == "core":
			return skip(entry)
		case entry.Type()&fs.ModeSymlink != 0 && !l.leadsToFile(f):
			return nil
		case !entry.IsDir() && f.looksLikeSpec():
			at := Position{File: f.name(), Line: 1, Column: 1}
			l.problems = append(l.problems, Problem{Position: at, Severity: Error, Message: "this file would not be read; its name must end in .yaml, .yml or .rego, in lower case", Rule: ruleIgnored})
		case !entry.IsDir():
			files = append(files, f)
		}
		return nil
	})
	return files, err
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// leadsToFile refuses a symbolic link to anything but a file within the folder: what stands behind it would be missed.
func (l *loader) leadsToFile(f file) bool {
	info, err := fs.Stat(f.dir.FS, f.path)
	switch {
	case err != nil:
		l.lost(f, fmt.Errorf("it is a symbolic link that cannot be followed inside %s: %w", f.dir.Name, reason(err)))
		return false
	case info.IsDir():
		l.lost(f, errors.New("it is a symbolic link to a folder, and these are not followed"))
		return false
	}
	return true
}

func (l *loader) lost(f file, err error) {
	l.source.Incomplete = true
	l.problems = append(l.problems, unreadable(f.name(), err))
}

func unreadable(name string, err error) Problem {
	at := Position{File: name, Line: 1, Column: 1}
	return Problem{Position: at, Severity: Error, Message: "this file cannot be read: " + err.Error(), Rule: ruleUnreadable}
}

// reason is an error without the path that its problem names already.
func reason(err error) error {
	var withPath *fs.PathError
	if errors.As(err, &withPath) {
		return withPath.Err
	}
	return err
}

// add puts what came of one file where it belongs.
func (l *loader) add(f file, r result) {
	l.problems = append(l.problems, r.problems...)
	l.source.Incomplete = l.source.Incomplete || r.lost
	if r.sum != "" {
		l.inputs[f.name()] = r.sum
	}
	if r.rego != nil && !f.policies {
		at := Position{File: f.name(), Line: 1, Column: 1}
		l.problems = append(l.problems, Problem{Position: at, Severity: Error, Message: "Rego belongs in the folder of the policies, whose owners review it", Rule: ruleWrongKind})
		return
	}
	if r.rego != nil {
		l.source.Rego = append(l.source.Rego, *r.rego)
	}
	if r.doc == nil {
		return
	}
	r.doc.Folder = f.dir.Name
	l.problems = append(l.problems, misplaced(r.doc, f.policies)...)
	switch {
	case r.doc.Agent != nil:
		l.source.Agents = append(l.source.Agents, r.doc)
	case r.doc.Platform != nil:
		l.source.Platforms = append(l.source.Platforms, r.doc)
	case r.doc.Features != nil:
		l.source.Features = append(l.source.Features, r.doc)
	default:
		l.source.Policies = append(l.source.Policies, r.doc)
	}
}

// finish sorts what was gathered.
func (l *loader) finish() {
	s := l.source
	for _, documents := range [][]*Document{s.Agents, s.Platforms, s.Policies, s.Features} {
		slices.SortFunc(documents, func(a, b *Document) int { return cmp.Compare(a.File, b.File) })
	}
	slices.SortFunc(s.Rego, func(a, b Rego) int { return cmp.Compare(a.File, b.File) })
	for _, file := range slices.Sorted(maps.Keys(l.inputs)) {
		s.Inputs = append(s.Inputs, Input{File: file, SHA256: l.inputs[file]})
	}
}
