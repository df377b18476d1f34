package schema

import (
	"crypto/sha256"
	"encoding/hex"
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

// artifacts hashes the files that an agent names.
func (l *loader) artifacts(doc *Document, dir Dir, files []file) {
	for _, name := range slices.Sorted(maps.Keys(doc.Agent.Spec.Artifacts)) {
		f := file{dir: dir, path: doc.Agent.Spec.Artifacts[name]}
		if l.source.Artifacts[f.path] != "" {
			continue
		}
		digest, rule, message := hashArtifact(f)
		if rule == ruleArtifact && l.missing < suggested {
			l.missing++
			message += didYouMean(f.path, siblings(f, files))
		}
		if message != "" {
			at := doc.At(fmt.Sprintf("spec.artifacts[%q]", name))
			l.problems = append(l.problems, Problem{Position: at, Severity: Error, Message: message, Rule: rule})
			continue
		}
		l.source.Artifacts[f.path] = digest
		l.inputs[f.name()] = digest
	}
}

// hashArtifact gives the SHA-256 of an artifact, or the rule that it breaks and how.
func hashArtifact(f file) (digest, rule, message string) {
	if !fs.ValidPath(f.path) || f.path == "." {
		return "", ruleBadValue, fmt.Sprintf("the artifact's path is %s; it must be a path below %s, without `..`, `.` or a slash first",
			quote(f.path), f.dir.Name)
	}
	in, err := open(f)
	if err == nil {
		defer in.Close()
		digest, err = hashAll(in)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", ruleArtifact, fmt.Sprintf("the artifact %s does not exist", quote(f.name()))
	case err != nil:
		return "", ruleUnreadable, fmt.Sprintf("the artifact %s cannot be read: %v", quote(f.name()), err)
	}
	return digest, "", ""
}

func hashAll(in io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, in)
	return hex.EncodeToString(h.Sum(nil)), reason(err)
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
