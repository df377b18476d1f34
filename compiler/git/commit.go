package git

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Person is an author or a committer.
type Person struct{ Name, Email string }

// PersonError says that a commit cannot be written in somebody's name, which is the user's to mend.
type PersonError struct{ Reason string }

func (e *PersonError) Error() string { return e.Reason }

// Draft is a commit before it is signed.
type Draft struct {
	Tree              plumbing.Hash
	Parent            plumbing.Hash // zero: none
	Author, Committer Person
	When              time.Time
	Message           Message
}

// Commit is a commit as it will be pushed.
type Commit struct {
	Hash plumbing.Hash
	Data []byte // the object's content
}

// NewCommit writes a commit, signs it (nil: it stays unsigned), and checks its own signature before anybody else can see it.
// A name that Git does not take is a *PersonError, a key that does not sign a *SignerError.
func NewCommit(d Draft, s Signer) (*Commit, error) {
	head, err := d.head()
	if err != nil {
		return nil, err
	}
	message := "\n" + d.Message.String()
	if s == nil {
		return newCommit(head + message), nil
	}
	signature, err := s.Sign([]byte(head + message))
	if err != nil {
		return nil, err
	}
	c := newCommit(head + "gpgsig " + strings.ReplaceAll(strings.TrimRight(signature, "\n"), "\n", "\n ") + "\n" + message)
	if err := c.check(s); err != nil {
		return nil, err
	}
	return c, nil
}

func newCommit(text string) *Commit {
	return &Commit{Hash: hash(plumbing.CommitObject, []byte(text)), Data: []byte(text)}
}

// head is everything above the message, without the signature.
func (d Draft) head() (string, error) {
	author, err := d.Author.at(d.When)
	if err != nil {
		return "", err
	}
	committer, err := d.Committer.at(d.When)
	if err != nil {
		return "", err
	}
	parent := ""
	if !d.Parent.IsZero() {
		parent = "parent " + d.Parent.String() + "\n"
	}
	return "tree " + d.Tree.String() + "\n" + parent + "author " + author + "\ncommitter " + committer + "\n", nil
}

// at is a person at a time, in the way of `git commit`: without the marks that separate the parts of the line.
func (p Person) at(when time.Time) (string, error) {
	name, email := ident(p.Name), ident(p.Email)
	if name == "" || email == "" {
		return "", &PersonError{fmt.Sprintf("a commit needs a name and an e-mail address, not %q and %q", p.Name, p.Email)}
	}
	if when.Unix() < 0 {
		return "", fmt.Errorf("a commit of %v: Git knows no time before 1970", when)
	}
	return fmt.Sprintf("%s <%s> %d +0000", name, email, when.Unix()), nil
}

func ident(s string) string {
	s = strings.NewReplacer("<", "", ">", "", "\n", "", "\t", " ").Replace(printable(s))
	return strings.Trim(s, " .,:;\"'\\")
}

// check reads the commit as somebody else will, and verifies its signature.
func (c *Commit) check(s Signer) error {
	stored := &plumbing.MemoryObject{}
	stored.SetType(plumbing.CommitObject)
	if _, err := stored.Write(c.Data); err != nil {
		return err
	}
	read := &object.Commit{}
	if err := read.Decode(stored); err != nil {
		return fmt.Errorf("our own commit cannot be read: %w", err)
	}
	if !signedBy(read, s) {
		return &SignerError{fmt.Sprintf("the signature by %s does not verify; is its key damaged?", s)}
	}
	return nil
}

// signedBy says whether a commit carries a signature by the signer's key.
func signedBy(c *object.Commit, s Signer) bool {
	signed := &plumbing.MemoryObject{}
	if err := c.EncodeWithoutSignature(signed); err != nil {
		return false
	}
	r, err := signed.Reader()
	if err != nil {
		return false
	}
	payload, err := io.ReadAll(r)
	return err == nil && s.Verify(payload, c.PGPSignature) == nil
}
