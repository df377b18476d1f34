package judge

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/claims"
)

// judged are the folders of an environment that somebody acts on: Argo CD, the platform's root application, agentd. The last is a file: the
// bundle, packed, where agentd fetches it.
var judged = []string{"manifests", "delivery", "bundle", "bundle.tar.gz"}

// FromTree are the files that are judged, as they were compiled.
func FromTree(tree *artifact.Tree, of *claims.Claims) map[string][]byte {
	files := map[string][]byte{}
	for _, p := range tree.Paths() {
		env, rest, _ := strings.Cut(p, "/")
		folder, _, _ := strings.Cut(rest, "/")
		if slices.Contains(judged, folder) && slices.ContainsFunc(of.Environments, func(e claims.Environment) bool { return e.Name == env }) {
			files[p], _ = tree.File(p)
		}
	}
	return files
}

// OddFileError is something among the generated files that nobody reads as it stands there.
type OddFileError struct{ Path, Why string }

func (e *OddFileError) Error() string { return e.Path + " " + e.Why }

const (
	// Argo CD would follow a link, or refuse the whole repository for it; either way what it applies is not what stands here.
	isNoFile = "is neither a file nor a folder; nobody can say what Argo CD makes of it"
	isHuge   = "is larger than 64 MiB, which neither Argo CD nor agentd would read"

	maxFile = 64 << 20
)

// FromFolder are the files that are judged, as they lie in a folder: everybody's, not only those that were compiled.
func FromFolder(folder string, of *claims.Claims) (map[string][]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := map[string][]byte{}
	for _, env := range of.Environments {
		for _, name := range judged {
			for _, dir := range []string{env.Name, path.Join(env.Name, name)} {
				if info, err := root.Lstat(dir); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
					return nil, &OddFileError{dir, isNoFile} // WalkDir would follow it
				}
			}
			err := fs.WalkDir(root.FS(), path.Join(env.Name, name), func(p string, entry fs.DirEntry, err error) error {
				switch {
				case errors.Is(err, fs.ErrNotExist):
					return nil // what is missing shows in what it would have allowed
				case err != nil || entry.IsDir():
					return err
				case !entry.Type().IsRegular():
					return &OddFileError{p, isNoFile}
				}
				if info, err := entry.Info(); err != nil || info.Size() > maxFile {
					return cmp.Or(err, error(&OddFileError{p, isHuge}))
				}
				files[p], err = root.ReadFile(p)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("generated files: %w", err)
			}
		}
	}
	return files, nil
}
