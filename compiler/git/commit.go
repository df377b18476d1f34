package git

import (
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Person is an author or a committer.
type Person struct{ Name, Email string }

// Message is what a commit says.
type Message struct {
	Subject  string
	Body     string    // may be empty
	Trailers []Trailer // in this order
}

// Trailer is one `Key: value` line at the end of a message.
type Trailer struct{ Key, Value string }

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

// Signer signs commits: with an SSH key or with an OpenPGP key.
type Signer interface {
	Sign(payload []byte) (armored string, err error)
	Verify(payload []byte, armored string) error
	String() string // `ssh SHA256:…` or `gpg 4AEE18F83AFDEB23`
}

// LoadSigner reads a private key: OpenSSH's format, PEM, or armored OpenPGP.
func LoadSigner(key, passphrase []byte) (Signer, error) { panic("to be written") }

// NewCommit writes a commit, signs it (nil: it stays unsigned), and checks its own signature before anybody else can see it.
func NewCommit(d Draft, s Signer) (*Commit, error) { panic("to be written") }

// ParseMessage reads a commit's message back.
func ParseMessage(text string) Message { panic("to be written") }
