package compiler

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"

	"agentc/policies/core"
	"agentc/schema"
)

// foreignCore refuses files of a policies folder's `core` that are not the product's: the folder is left out of what is read,
// since the product brings its own, and what somebody puts there would have no effect.
func foreignCore(dirs []schema.Dir) ([]schema.Problem, error) {
	modules, err := core.Modules()
	if err != nil {
		return nil, err
	}
	ours := map[string][]byte{}
	for _, m := range modules {
		ours[m.Name] = m.Text
	}
	var problems []schema.Problem
	for _, dir := range dirs[min(1, len(dirs)):] {
		if dir.FS == nil {
			continue
		}
		err := fs.WalkDir(dir.FS, "core", func(p string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return fs.SkipAll // a company's repository holds no core, and needs none
			}
			if err != nil || d.IsDir() || !hasEffect(p) {
				return err
			}
			text, err := fs.ReadFile(dir.FS, p)
			if err == nil && !bytes.Equal(text, ours[strings.TrimPrefix(p, "core/")]) {
				problems = append(problems, schema.Problem{
					Position: schema.Position{File: dir.Name + "/" + p, Line: 1, Column: 1}, Severity: schema.Error, Rule: "product-core",
					Message: "`core` is the product's folder, and what others put there is not read; move the file to a folder of your own",
				})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// hasEffect says whether a file would be read in another folder.
func hasEffect(p string) bool {
	switch path.Ext(p) {
	case ".yaml", ".yml":
		return true
	case ".rego":
		return !strings.HasSuffix(p, "_test.rego")
	}
	return false
}
