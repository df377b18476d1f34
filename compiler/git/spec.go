package git

import (
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Source is the repository that holds the spec, as it lies on this machine.
type Source struct{}

// SpecCommit is the commit that is published.
type SpecCommit struct {
	Repository    string // URL of `origin` without credentials; empty: there is none
	Hash          plumbing.Hash
	Author        Person
	When          time.Time
	Subject, Body string
}

// OpenSource finds the repository around a folder.
func OpenSource(dir string) (*Source, error) { panic("to be written") }

// Head is the commit that is checked out.
func (s *Source) Head() (*SpecCommit, error) { panic("to be written") }

// Uncommitted are the files below some folders that differ from the commit that is checked out: changed, new or gone;
// relative to the folder that OpenSource was given, sorted.
func (s *Source) Uncommitted(folders ...string) ([]string, error) { panic("to be written") }

// Includes says whether a commit is the one checked out or one of its ancestors. It is not known where the clone is shallow
// and does not reach back far enough.
func (s *Source) Includes(commit plumbing.Hash) (included, known bool, err error) {
	panic("to be written")
}

// Person is who commits according to Git's configuration; ok is false where it does not say.
func (s *Source) Person() (p Person, ok bool) { panic("to be written") }
