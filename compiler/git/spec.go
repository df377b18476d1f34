package git

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Source is the repository that holds the spec, as it lies on this machine.
type Source struct {
	repo  *gogit.Repository
	root  string // of the working tree; no link in it
	dir   string // what OpenSource was given; no link in it
	given string // the same as it was written, for messages
}

// SourceError says that a repository, as it lies here, cannot be published from, which is the user's to mend.
type SourceError struct{ Reason string }

func (e *SourceError) Error() string { return e.Reason }

// SpecCommit is the commit that is published.
type SpecCommit struct {
	Repository    string // URL of `origin` without credentials; empty: there is none
	Hash          plumbing.Hash
	Author        Person
	When          time.Time
	Subject, Body string
}

// OpenSource finds the repository around a folder: a clone, a linked worktree, or a submodule. What is wrong with it is a
// *SourceError.
func OpenSource(dir string) (*Source, error) {
	real, err := filepath.Abs(dir)
	if err == nil {
		real, err = filepath.EvalSymlinks(real)
	}
	if err != nil {
		return nil, err
	}
	repo, err := gogit.PlainOpenWithOptions(real, &gogit.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return nil, openFault(dir, real, err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		return nil, openFault(dir, real, err)
	}
	if store, ok := repo.Storer.(*filesystem.Storage); ok { // a clone of `--reference` borrows objects from anywhere on the disk
		o := filesystem.Options{AlternatesFS: osfs.New("/"), KeepDescriptors: true}
		repo, err = gogit.Open(filesystem.NewStorageWithOptions(store.Filesystem(), cache.NewObjectLRUDefault(), o), tree.Filesystem)
		if err != nil {
			return nil, openFault(dir, real, err)
		}
	}
	return &Source{repo: repo, root: tree.Filesystem.Root(), dir: real, given: dir}, nil
}

// openFault says what to do about a repository that does not open.
func openFault(dir, real string, err error) error {
	unknown := errors.Is(err, gogit.ErrUnknownExtension) || errors.Is(err, gogit.ErrUnsupportedExtensionRepositoryFormatVersion)
	switch {
	case errors.Is(err, gogit.ErrRepositoryNotExists):
		if _, bare := gogit.PlainOpen(real); bare == nil {
			return &SourceError{fmt.Sprintf("%s is a bare repository, which holds no files: publish from a clone of it", dir)}
		}
		return &SourceError{fmt.Sprintf("%s lies in no Git repository: publish from a clone of the repository that holds the spec", dir)}
	case errors.Is(err, gogit.ErrIsBareRepository):
		return &SourceError{fmt.Sprintf("%s is a bare repository, which holds no files: publish from a clone of it", dir)}
	case unknown:
		return &SourceError{fmt.Sprintf("the repository around %s cannot be read: %v: %s", dir, err, extensionAdvice(err))}
	default:
		return fmt.Errorf("the repository around %s cannot be read: %w", dir, err)
	}
}

// extensionAdvice is what to do about a feature of Git that go-git does not know; the error names it in lower case.
func extensionAdvice(err error) string {
	for _, known := range []struct{ name, advice string }{
		{"objectformat", "it names its objects by SHA-256; keep the spec in a repository of SHA-1, as `git init` makes it by itself"},
		{"worktreeconfig", "a sparse checkout uses this; clone it again and check everything out"},
		{"refstorage", "keep its branches in files: `git refs migrate --ref-format=files`, or clone it again with --ref-format=files"},
	} {
		if strings.Contains(err.Error(), known.name) {
			return known.advice
		}
	}
	return "clone it again without this feature of Git"
}

// Head is the commit that is checked out, be it by a branch or, as in CI, by itself.
func (s *Source) Head() (*SpecCommit, error) {
	c, err := s.head()
	if err != nil {
		return nil, err
	}
	origin, err := s.origin()
	if err != nil {
		return nil, err
	}
	subject, body, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(c.Message, "?")), "\n\n")
	return &SpecCommit{
		Repository: origin,
		Hash:       c.Hash,
		Author:     Person{Name: strings.ToValidUTF8(c.Author.Name, "?"), Email: strings.ToValidUTF8(c.Author.Email, "?")},
		When:       c.Author.When,
		Subject:    strings.Join(strings.Fields(subject), " "), // the first paragraph, as `git log --format=%s` shows it
		Body:       strings.TrimSpace(body),
	}, nil
}

func (s *Source) head() (*object.Commit, error) {
	ref, err := s.repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, &SourceError{fmt.Sprintf("the repository around %s has no commit yet: commit the spec first", s.given)}
	}
	if err != nil {
		return nil, fmt.Errorf("the repository around %s: HEAD: %w", s.given, err)
	}
	return s.commit(ref.Hash())
}

func (s *Source) commit(hash plumbing.Hash) (*object.Commit, error) {
	c, err := s.repo.CommitObject(hash)
	if err != nil {
		return nil, fmt.Errorf("the repository around %s: commit %s: %w", s.given, hash, err)
	}
	return c, nil
}

// origin is the URL as the clone's configuration has it. `url.<base>.insteadOf` is not applied: it says how this machine
// reaches the repository (CI puts its tokens there), not what everybody calls it.
func (s *Source) origin() (string, error) {
	cfg, err := s.repo.Config()
	if err != nil {
		return "", err
	}
	urls := cfg.Raw.Section("remote").Subsection("origin").OptionAll("url")
	if len(urls) == 0 {
		return "", nil
	}
	return withoutCredentials(urls[0]), nil
}

// withoutCredentials keeps of a URL what names the repository. The user of ssh stays, as in git@host:path: it is part of the
// address and opens nothing. What cannot be taken apart is dropped as a whole, since it could hold a password.
func withoutCredentials(raw string) string {
	if !strings.Contains(raw, "://") {
		if host, _, ssh := strings.Cut(raw, ":"); ssh && !strings.Contains(host, "/") {
			return raw // host:path, which has no place for a password
		}
		return "" // a folder of this machine, which names the repository to nobody else
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Scheme == "file" {
		return ""
	}
	user := u.User.Username()
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	if strings.HasSuffix(u.Scheme, "ssh") && user != "" {
		u.User = url.User(user)
	}
	return u.String()
}

// Includes says whether a commit is a head (what Head said) or one of its ancestors. It is not known where the clone is shallow
// and the commit is not found in what it has.
//
// The newest commits come first, so that what was published lately is found at once. Nothing is left out by its date: a
// clock that was wrong would make an ancestor look like none.
func (s *Source) Includes(head *SpecCommit, commit plumbing.Hash) (included, known bool, err error) {
	newest, err := s.commit(head.Hash)
	if err != nil {
		return false, false, err
	}
	shallow, err := s.repo.Storer.Shallow()
	if err != nil {
		return false, false, err
	}
	complete := len(shallow) == 0
	_, err = s.repo.CommitObject(commit)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return false, complete, nil // a whole clone has every ancestor
	}
	if err != nil {
		return false, false, err
	}
	beyond, err := s.parents(shallow)
	if err != nil {
		return false, false, err
	}
	err = object.NewCommitIterCTime(newest, beyond, nil).ForEach(func(c *object.Commit) error {
		if included = c.Hash == commit; included {
			return storer.ErrStop
		}
		return nil
	})
	return included, included || complete, err
}

// parents of the commits at which a shallow clone ends: its history names them, and it does not have them.
func (s *Source) parents(shallow []plumbing.Hash) (map[plumbing.Hash]bool, error) {
	all := map[plumbing.Hash]bool{}
	for _, h := range shallow {
		c, err := s.repo.CommitObject(h)
		if errors.Is(err, plumbing.ErrObjectNotFound) { // Git forgets commits sooner than their mark
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, p := range c.ParentHashes {
			all[p] = true
		}
	}
	return all, nil
}

// Person is who commits according to Git's configuration: the repository's, then the user's, then the machine's; either half
// may be empty. A file that cannot be read says nothing; files that it includes are not read.
func (s *Source) Person() Person {
	for _, scope := range []config.Scope{config.SystemScope, config.GlobalScope, config.LocalScope} {
		if cfg, err := s.repo.ConfigScoped(scope); err == nil { // each holds those behind it
			return Person{Name: cfg.User.Name, Email: cfg.User.Email}
		}
	}
	return Person{}
}
