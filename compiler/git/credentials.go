package git

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// login is what a web server lets us in with. It is sent to the host of the remote's URL and to no other, and only once that has
// asked for it.
type login struct {
	user, password string
	from           string // where it was found; for messages
}

// String keeps the password out of everything that prints.
func (l *login) String() string { return "the credentials of " + l.from }

// apply adds the login to a request; nil adds nothing.
func (l *login) apply(req *http.Request) {
	if l != nil {
		req.SetBasicAuth(l.user, l.password)
	}
}

// environmentLogin is what is meant for us in particular. GitHub, GitLab and most others look at a token only and take any
// name with it.
func environmentLogin(user string) *login {
	password := os.Getenv("AGENTC_GIT_PASSWORD")
	if password == "" {
		return nil
	}
	return &login{cmp.Or(user, os.Getenv("AGENTC_GIT_USERNAME"), "git"), password, "AGENTC_GIT_PASSWORD"}
}

// findLogin looks into the environment, and then where curl and git look. It is asked only when a remote wants to know who we
// are; it never asks a person.
func findLogin(ctx context.Context, at *address) *login {
	if l := environmentLogin(at.user); l != nil {
		return l
	}
	if l := netrcLogin(at); l != nil {
		return l
	}
	return helperLogin(ctx, at)
}

// helperLogin asks Git's credential helpers. Every way by which they would turn to a person is closed.
func helperLogin(ctx context.Context, at *address) *login {
	ask := "protocol=" + at.scheme + "\nhost=" + at.host + "\npath=" + strings.TrimPrefix(at.path, "/") + "\n"
	if at.user != "" {
		ask += "username=" + at.user + "\n"
	}
	cmd := exec.CommandContext(ctx, "git", "credential", "fill")
	cmd.Stdin = strings.NewReader(ask + "\n")
	cmd.Env = append(strangersEnv(), "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GCM_INTERACTIVE=never")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil // no git, or no helper that knows the host
	}
	l := &login{user: at.user, from: "git's credential helper"}
	for line := range strings.Lines(string(out)) {
		switch key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "="); key {
		case "username":
			l.user = value
		case "password":
			l.password = value
		}
	}
	if l.password == "" {
		return nil
	}
	return l
}
