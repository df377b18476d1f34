package main

import (
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

func loadSealKeys(refs []string) ([]*seal.Key, error) {
	if len(refs) == 0 && os.Getenv(envSealKey) != "" {
		refs = []string{"env:" + envSealKey}
	}
	var keys []*seal.Key
	for _, ref := range refs {
		key, err := seal.LoadKey(ref)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// loadCommitKey finds the key that signs commits; nil: they are not signed.
func loadCommitKey(ref string) (git.Signer, error) {
	if ref == "" && os.Getenv(envCommitKey) != "" {
		ref = "env:" + envCommitKey
	}
	if ref == "" {
		return nil, nil
	}
	data := []byte(nil)
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		if data = []byte(os.Getenv(name)); len(data) == 0 {
			return nil, usageError{fmt.Errorf("--commit-key: the environment variable %s is empty", name)}
		}
	} else {
		var err error
		if data, err = os.ReadFile(ref); errors.Is(err, fs.ErrNotExist) {
			return nil, usageError{fmt.Errorf("--commit-key: %w", err)}
		} else if err != nil {
			return nil, err
		}
	}
	return git.LoadSigner(data, []byte(os.Getenv(envCommitPassphrase)))
}

// people are the author and the committer. Nobody is invented: a commit is evidence.
func people(flag string, source *git.Source) (author, committer git.Person, err error) {
	configured, known := source.Person()
	author, okAuthor := person("GIT_AUTHOR", configured, known)
	committer, okCommitter := person("GIT_COMMITTER", configured, known)
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

// person is who the environment names, else who Git's configuration does.
func person(prefix string, configured git.Person, known bool) (git.Person, bool) {
	name, email := os.Getenv(prefix+"_NAME"), os.Getenv(prefix+"_EMAIL")
	if name != "" && email != "" {
		return git.Person{Name: name, Email: email}, true
	}
	return configured, known
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
