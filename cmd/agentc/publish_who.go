package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"os"
	"slices"
	"strings"

	"agentc/compiler/git"
	"agentc/compiler/publish"
	"agentc/compiler/seal"
)

// Environment variables that hold keys. What stands in them goes nowhere but into a signer.
const (
	envSealKey          = "AGENTC_SEAL_KEY"
	envCommitKey        = "AGENTC_COMMIT_KEY"
	envCommitPassphrase = "AGENTC_COMMIT_KEY_PASSPHRASE"
)

func (o *options) loadSealKeys(refs []string) ([]*seal.Key, error) {
	if len(refs) == 0 && os.Getenv(envSealKey) != "" {
		refs = []string{"env:" + envSealKey}
	}
	var keys []*seal.Key
	for _, ref := range refs {
		key, err := seal.LoadKey(o.keyRef(ref))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// keyRef finds a key's file from the folder of -C.
func (o *options) keyRef(ref string) string {
	if strings.HasPrefix(ref, "env:") || strings.HasPrefix(ref, "exec:") {
		return ref
	}
	return o.in(ref)
}

// remote finds a repository that is a path from the folder of -C; a URL, or user@host:path, is none.
func (o *options) remote(to string) string {
	host, _, colon := strings.Cut(to, ":")
	if to == "" || colon && !strings.Contains(host, "/") {
		return to
	}
	return o.in(to)
}

// loadCommitKey finds the key that signs commits; nil: they are not signed.
func (o *options) loadCommitKey(ref string) (git.Signer, error) {
	if ref == "" && os.Getenv(envCommitKey) != "" {
		ref = "env:" + envCommitKey
	}
	if ref == "" {
		return nil, nil
	}
	data, err := readCommitKey(o.keyRef(ref))
	if err != nil {
		return nil, usageError{fmt.Errorf("--commit-key: %w", err)}
	}
	signer, err := git.LoadSigner(data, []byte(os.Getenv(envCommitPassphrase)))
	if err != nil {
		return nil, fmt.Errorf("--commit-key %s (passphrase in %s): %w", ref, envCommitPassphrase, err)
	}
	return signer, nil
}

// readCommitKey is as strict as seal.LoadKey: a key that others may read vouches for nothing.
func readCommitKey(ref string) ([]byte, error) {
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		if text := os.Getenv(name); text != "" {
			return []byte(text), nil
		}
		return nil, fmt.Errorf("the environment variable %s is empty", name)
	}
	info, err := os.Stat(ref)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); mode.IsRegular() && mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key in %s is open to others (mode %04o): chmod 600 %[1]s", ref, mode.Perm())
	}
	return os.ReadFile(ref)
}

// people are the author and the committer. Nobody is invented: a commit is evidence.
func people(flag string, source *git.Source) (author, committer git.Person, err error) {
	configured := source.Person()
	author, okAuthor := person("GIT_AUTHOR", configured)
	committer, okCommitter := person("GIT_COMMITTER", configured)
	if flag != "" {
		a, err := mail.ParseAddress(flag)
		if err != nil || a.Name == "" {
			return author, committer, usageError{fmt.Errorf("--author %q is not of the form \"Name <email>\"", flag)}
		}
		author, okAuthor = git.Person{Name: a.Name, Email: a.Address}, true
		if !okCommitter {
			committer, okCommitter = author, true
		}
	}
	if !okCommitter {
		committer, okCommitter = author, okAuthor
	}
	if !okAuthor || !okCommitter {
		return author, committer, usageError{errors.New("who commits? say --author \"Name <email>\", or set GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL")}
	}
	return author, committer, nil
}

// person is who the environment names, else who Git's configuration does: each half by itself, as Git takes them.
func person(prefix string, configured git.Person) (p git.Person, known bool) {
	p.Name = cmp.Or(os.Getenv(prefix+"_NAME"), configured.Name)
	p.Email = cmp.Or(os.Getenv(prefix+"_EMAIL"), configured.Email)
	return p, p.Name != "" && p.Email != ""
}

// mayBeSynced refuses a commit that Argo CD would not: the Platform demands signatures of certain GnuPG keys.
func mayBeSynced(demanded []string, signer git.Signer) error {
	if len(demanded) == 0 {
		return nil
	}
	if signer == nil {
		return &seal.KeyError{Reason: "the Platform demands signed commits (git.signatureKeys), and there is no key; say --commit-key, or set " + envCommitKey}
	}
	if !slices.Contains(demanded, strings.TrimPrefix(signer.String(), "gpg ")) {
		return &seal.KeyError{Reason: fmt.Sprintf("Argo CD would refuse commits signed by %s: git.signatureKeys in the Platform list gpg %s", signer, strings.Join(demanded, ", "))}
	}
	return nil
}

// checkPath refuses a folder that is none of its own.
func checkPath(c publish.Choice) error {
	if c.Path != "" && (!fs.ValidPath(c.Path) || c.Path == ".") {
		return usageError{fmt.Errorf("--path %q: name a folder of the repository, such as generated; its root is not ours alone", c.Path)}
	}
	return nil
}
