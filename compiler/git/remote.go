package git

import (
	"context"
	"io"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"golang.org/x/crypto/ssh"
)

// Options of a remote.
type Options struct {
	Timeout  time.Duration // of one exchange with the remote; 0: five minutes
	Progress io.Writer     // what the remote says while it works, line by line; nil: nobody listens
}

// Remote is a repository that is published to, by file path, http(s) or ssh. It serves one goroutine.
type Remote struct {
	at       *address
	name     string // for messages
	timeout  time.Duration
	progress io.Writer
	login    *login     // for http(s); nil: none was wanted yet
	key      ssh.Signer // from the environment; nil: the agent's and the user's files
}

// Open checks the URL and the ssh key of the environment; it dials nobody. What is wrong with either is a *Failure.
func Open(url string, o Options) (*Remote, error) {
	at, err := parseAddress(url)
	if err != nil {
		return nil, err
	}
	r := &Remote{at: at, name: Shown(url), timeout: o.Timeout, progress: o.Progress}
	if r.timeout == 0 {
		r.timeout = 5 * time.Minute
	}
	if at.scheme == "ssh" {
		r.key, err = environmentKey()
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// String is the URL as Shown shows it.
func (r *Remote) String() string { return r.name }

// exchange gives everything that is said with the remote one end in time, and a failure its words.
func (r *Remote) exchange(ctx context.Context, s step, talk func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if err := talk(ctx); err != nil {
		return r.failure(ctx, s, err)
	}
	return nil
}

// session is one conversation with one of Git's two services, git-upload-pack or git-receive-pack. Whoever reads from it or
// writes to it is set free when the context ends. It runs over http, or over the pipes of a process or an ssh channel.
//
// go-git has sessions too. Ours exist since those cannot be ended from outside (an ssh handshake and a hook that hang), cut
// off the server's post-receive hook, and lose what the server says on stderr. The messages themselves are go-git's.
type session interface {
	refs(context.Context) (*packp.AdvRefs, error) // comes first
	fetch(context.Context, *packp.UploadPackRequest) (pack io.Reader, err error)
	push(context.Context, *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error)
	Close() error
}

// dial opens a session with one of Git's services.
func (r *Remote) dial(ctx context.Context, service string, said *remarks) (session, error) {
	switch r.at.scheme {
	case "file":
		return dialProcess(ctx, service, r.at.path, said)
	case "ssh":
		return r.dialSSH(ctx, service, said)
	}
	return r.dialHTTP(service, said), nil
}
