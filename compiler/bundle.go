package compiler

import (
	"strings"

	"agentc/compiler/emit"
	"agentc/compiler/model"
)

// Bundle of an environment, unpacked: its folder below the generated ones, and its files by their names in it.
func (o *Output) Bundle(env *model.Environment) (folder string, files map[string][]byte) {
	folder = emit.BundleFolder(env)
	files = map[string][]byte{}
	for _, name := range o.Tree.Paths() {
		if inner, is := strings.CutPrefix(name, folder); is {
			files[inner], _ = o.Tree.File(name)
		}
	}
	return folder, files
}
