package publish

import "fmt"

// Refusal says why a branch was left as it was, and what to do about it.
type Refusal struct{ Reason string }

func (e *Refusal) Error() string { return e.Reason }

// EditedError says that somebody changed files of ours on the branch, or put something in their way.
type EditedError struct {
	Files []string // paths in the repository, sorted
}

func (e *EditedError) Error() string {
	return fmt.Sprintf("%d published files were edited by hand", len(e.Files))
}
