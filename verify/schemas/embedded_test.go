package schemas

import (
	"fmt"
	"io/fs"
)

// Unusable lists what is wrong with the copies and the table of them.
func Unusable() []string {
	var problems []string
	used := map[string]bool{}
	for _, e := range embedded {
		used[e.file] = true
	}
	for gvk, k := range Embedded().kinds {
		if _, err := k.made(); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", gvk, err))
		}
	}
	fs.WalkDir(copies, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() && !used[path] {
			problems = append(problems, path+" is not used")
		}
		return nil
	})
	return problems
}
