package explain

import (
	"fmt"
	"io"
	"strings"

	"agentc/compiler/artifact"
	"agentc/schema"
)

// Generated prints which lines of the spec led to a line of a generated file.
func Generated(w io.Writer, tree *artifact.Tree, path string, line int) error {
	if _, ok := tree.File(path); !ok {
		return fmt.Errorf("%s is not a generated file", path)
	}
	objects := tree.Objects(path)
	if objects == nil {
		refs := tree.Origins(path)
		if len(refs) == 0 {
			fmt.Fprintln(w, "the whole file: it is copied, or the same for every fleet")
			return nil
		}
		fmt.Fprintln(w, "the whole file")
		printRefs(w, refs)
		return nil
	}
	object, at := artifact.Trace(objects, line)
	if object == nil {
		return fmt.Errorf("line %d of %s belongs to no object: it is the first comment, or beyond the end", line, path)
	}
	fmt.Fprintln(w, object)
	if at != "" {
		fmt.Fprintf(w, "  %s\n", at)
	}
	var refs []schema.Ref
	nearest := object.OriginAt(at)
	for _, o := range object.From {
		if o.Path == nearest.Path {
			refs = append(refs, o.Ref)
		}
	}
	printRefs(w, refs)
	return nil
}

func printRefs(w io.Writer, refs []schema.Ref) {
	for _, r := range refs {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  from %s  %s", r.Position(), r.Path), " "))
	}
}
