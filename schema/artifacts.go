package schema

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// suggested is how many missing artifacts get a suggestion. Each costs a look at every file, and where a whole folder was
// renamed none of them helps.
const suggested = 20

// maxArtifact is how many bytes an artifact has that the compiler reads: a bundle with a larger one in it could not be delivered.
const maxArtifact = 16 << 20

// named is a file that a document names.
type named struct {
	doc  *Document
	at   string // path of the value that names it
	what string // for people
	path string // below the document's folder
	keep bool   // the compiler reads it: its bytes are kept
	file file
}

// artifacts reads the files that documents name.
func (l *loader) artifacts(dirs []Dir, files []file) {
	folders := map[string]Dir{}
	for _, dir := range dirs {
		folders[dir.Name] = dir
	}
	for _, doc := range slices.Concat(l.source.Agents, l.source.Policies) {
		for _, n := range namedBy(doc) {
			n.file = file{dir: folders[doc.Folder], path: n.path}
			l.artifact(n, files)
		}
	}
}

// namedBy are the files that a document names.
func namedBy(doc *Document) []named {
	var all []named
	if doc.Agent != nil {
		artifacts := doc.Agent.Spec.Artifacts
		for _, name := range slices.Sorted(maps.Keys(artifacts)) {
			all = append(all, named{doc: doc, at: fmt.Sprintf("spec.artifacts[%q]", name), what: "artifact", path: artifacts[name]})
		}
		if forest := doc.Agent.Spec.Forest; forest != "" {
			all = append(all, named{doc: doc, at: "spec.forest", what: "forest", path: forest, keep: true})
		}
	}
	if doc.Policy != nil && doc.Policy.Spec.Anomaly != nil {
		for i, f := range doc.Policy.Spec.Anomaly.Forests {
			if f.Feedback != "" {
				all = append(all, named{doc: doc, at: fmt.Sprintf("spec.anomaly.forests[%d].feedback", i), what: "feedback", path: f.Feedback, keep: true})
			}
		}
	}
	return all
}

func (l *loader) artifact(n named, files []file) {
	name := n.file.name()
	if known, read := l.source.Artifacts[name]; read && (known.Data != nil || !n.keep) {
		return
	}
	a, rule, message := readArtifact(n)
	if rule == ruleArtifact && l.missing < suggested {
		l.missing++
		message += didYouMean(n.file.path, siblings(n.file, files))
	}
	if message != "" {
		l.problems = append(l.problems, Problem{Position: n.doc.At(n.at), Severity: Error, Message: message, Rule: rule})
		return
	}
	l.source.Artifacts[name] = a
	l.inputs[name] = a.SHA256
}

// readArtifact gives an artifact, or the rule that it breaks and how.
func readArtifact(n named) (a ArtifactFile, rule, message string) {
	f := n.file
	if !fs.ValidPath(f.path) || f.path == "." {
		return a, ruleBadValue, fmt.Sprintf("the %s's path is %s; it must be a path below %s, without `..`, `.` or a slash first", n.what, quote(f.path), f.dir.Name)
	}
	in, err := open(f)
	if err == nil {
		defer in.Close()
		a, err = readFile(in, n.keep)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return a, ruleArtifact, fmt.Sprintf("the %s %s does not exist", n.what, quote(f.name()))
	case errors.Is(err, errLarge):
		return a, ruleTooLarge, fmt.Sprintf("the %s %s is larger than %d MiB", n.what, quote(f.name()), maxArtifact>>20)
	case err != nil:
		return a, ruleUnreadable, fmt.Sprintf("the %s %s cannot be read: %v", n.what, quote(f.name()), err)
	}
	return a, "", ""
}

var errLarge = errors.New("too large")

func readFile(in io.Reader, keep bool) (a ArtifactFile, err error) {
	if !keep {
		a.SHA256, err = sumAll(in)
		return a, err
	}
	a.Data, err = io.ReadAll(io.LimitReader(in, maxArtifact+1))
	if len(a.Data) > maxArtifact {
		err = errLarge
	}
	a.SHA256 = sum(a.Data)
	return a, reason(err)
}

// siblings are the paths of all files in the same folder of the spec.
func siblings(f file, files []file) []string {
	var paths []string
	for _, other := range files {
		if other.dir.Name == f.dir.Name {
			paths = append(paths, other.path)
		}
	}
	return paths
}
