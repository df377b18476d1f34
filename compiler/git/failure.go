package git

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// Cause is why an exchange with a remote failed.
type Cause int

const (
	BadURL      Cause = iota
	BadBranch         // not a name for a branch
	BadKey            // what the environment holds is no key
	NoGit             // a repository on this machine needs the git command
	NotFound          // no such repository, or none that these credentials may see
	NeedsLogin        // the remote wants credentials, and there are none
	Denied            // the credentials are wrong, or may not do this
	Untrusted         // its host key or its certificate is not known
	Unreachable       // nobody answers at its address
	Timeout           // it took longer than Options.Timeout
	Dropped           // the connection ended in the middle
	Broken            // what it said is not Git's protocol, or not what we can speak
)

// advice is what to do, by cause.
var advice = [...]string{
	BadURL:      "this is not where a repository can be: give an http, https or ssh URL, user@host:path, or a folder",
	BadBranch:   "this is not a name for a branch",
	BadKey:      "the ssh key cannot be used",
	NoGit:       "a repository on this machine is read and written by the git command, which is not installed; install git",
	NotFound:    "there is no such repository, or these credentials may not see it; check the URL",
	NeedsLogin:  "the remote wants credentials; for http(s) set AGENTC_GIT_PASSWORD to a token, for ssh set AGENTC_GIT_SSH_KEY to a private key or start an ssh-agent",
	Denied:      "the remote refused the credentials, or they may not do this; check that they are valid and may read and write the repository",
	Untrusted:   "it cannot be told whether this is the right host; for ssh add its verified host key to known_hosts or name such a file in SSH_KNOWN_HOSTS, for https name its CA in SSL_CERT_FILE",
	Unreachable: "nobody answers there; check the host, the network and the proxy",
	Timeout:     "the remote took too long; try again, or allow more time",
	Dropped:     "the connection ended in the middle; try again",
	Broken:      "the remote did not answer as Git does",
}

// Failure is an exchange that did not happen or did not end, told for the person who can help it.
type Failure struct {
	Cause  Cause
	Step   string // `reading` or `pushing`; empty: before there was a remote
	Remote string // without credentials
	Detail string // the particulars, or the remote's own words; fit to print, may be empty
}

func (f *Failure) Error() string {
	text := fmt.Sprintf("%s: %s", strings.TrimSpace(f.Step+" "+f.Remote), advice[f.Cause])
	if f.Detail != "" {
		text += " (" + f.Detail + ")"
	}
	return text
}

// Unknown is a push whose answer was lost: the branch may hold the commit or not. Fetch again and look.
type Unknown struct{ Err error }

func (e *Unknown) Error() string {
	return "it is not known whether the branch was moved: " + e.Err.Error()
}

func (e *Unknown) Unwrap() error { return e.Err }

// step is what an exchange is for.
type step string

const (
	reading step = "reading"
	pushing step = "pushing"
)

// failure gives whatever ended an exchange its cause.
func (r *Remote) failure(ctx context.Context, s step, err error) error {
	var known *Failure
	var unknown *Unknown
	var no *Rejected
	switch {
	case errors.As(err, &no):
		return no
	case errors.As(err, &unknown):
		return &Unknown{Err: r.failure(ctx, s, unknown.Err)}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Failure{Timeout, string(s), r.String(), fmt.Sprintf("%s did not end within %s", s, r.timeout)}
	case ctx.Err() != nil:
		return fmt.Errorf("%s %s: %w", s, r, ctx.Err())
	case errors.As(err, &known):
		known.Step, known.Remote = string(s), r.String()
		return known
	}
	return &Failure{causeOf(err), string(s), r.String(), shown(err.Error())}
}

// causeOf judges the errors of the libraries below, by type where they have one and by their words where not.
func causeOf(err error) Cause {
	var answer *status
	var line *pktline.ErrorLine
	var dial *net.OpError
	var name *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &answer):
		return answer.cause()
	case errors.As(err, &line):
		return wordsCause(line.Text)
	case errors.Is(err, exec.ErrNotFound):
		return NoGit
	case errors.As(err, &cert):
		return Untrusted
	case errors.As(err, &name), errors.As(err, &dial) && dial.Op == "dial":
		return Unreachable
	case cutOff(err):
		return Dropped
	}
	return wordsCause(err.Error())
}

// cutOff says whether an error is what a lost connection looks like, which differs by where in the protocol it was lost.
func cutOff(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, pktline.ErrInvalidPktLen) || errors.Is(err, packfile.ErrEmptyPackfile) || errors.Is(err, packp.ErrEmptyInput) ||
		errors.As(err, &op) || strings.HasSuffix(err.Error(), "EOF") || strings.HasSuffix(err.Error(), "channel open: <nil>") // ssh
}

// wordsCause reads what servers say instead of the protocol, on stderr or in an ERR line.
func wordsCause(text string) Cause {
	text = strings.ToLower(text)
	for _, w := range []struct {
		cause Cause
		words string
	}{
		{NotFound, "repository not found"}, {NotFound, "does not appear to be a git repository"}, {NotFound, "repository does not exist"},
		{NotFound, "no such repository"}, {NotFound, "project you were looking for could not be found"}, {NotFound, "not a git repository"},
		{NotFound, "cannot find repository"},
		{Denied, "permission to "}, {Denied, "permission denied"}, {Denied, "access denied"}, {Denied, "not allowed to"}, {Denied, "insufficient permission"},
	} {
		if strings.Contains(text, w.words) {
			return w.cause
		}
	}
	return Broken
}
