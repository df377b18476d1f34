package git

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/kevinburke/ssh_config"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// dialSSH runs a service on the remote's host. Everything ends with the context, the handshake too, since its connection is
// closed then.
func (r *Remote) dialSSH(ctx context.Context, service string, said *remarks) (session, error) {
	user, host := r.at.login()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	s, err := r.runSSH(ctx, conn, user, host, service, said)
	if err != nil {
		stop()
		conn.Close()
		return nil, err
	}
	s.end = sync.OnceValue(func() error {
		late := time.AfterFunc(time.Second, func() { conn.Close() })
		s.wait() // its exit status says nothing that the protocol does not
		late.Stop()
		stop()
		conn.Close()
		return nil
	})
	return s, nil
}

// login is whom to be at which host and port; ~/.ssh/config may know the host by another name, as it does for ssh.
func (a *address) login() (user, host string) {
	name, port, err := net.SplitHostPort(a.host)
	if err != nil {
		name, port = strings.Trim(a.host, "[]"), ""
	}
	config := &ssh_config.UserSettings{}
	config.ConfigFinder(func() string {
		home, _ := os.UserHomeDir() // without one, the path leads nowhere
		return filepath.Join(home, ".ssh", "config")
	})
	user = cmp.Or(a.user, config.Get(name, "User"), gitssh.DefaultUsername)
	return user, net.JoinHostPort(cmp.Or(config.Get(name, "Hostname"), name), cmp.Or(port, config.Get(name, "Port"), "22"))
}

func (r *Remote) runSSH(ctx context.Context, conn net.Conn, user, host, service string, said *remarks) (*stream, error) {
	client, err := r.handshake(ctx, conn, user, host)
	if err != nil {
		return nil, err
	}
	s, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := s.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.Stderr = said
	return &stream{in: in, out: out, said: said, wait: s.Wait}, s.Start(service + " " + quote(r.at.path))
}

// handshake proves the host to us, and then us to the host.
func (r *Remote) handshake(ctx context.Context, conn net.Conn, user, host string) (*ssh.Client, error) {
	known, err := gitssh.NewKnownHostsDb()
	if err != nil {
		return nil, &Failure{Cause: Untrusted, Detail: shown(err.Error())}
	}
	keys := r.keyring(ctx)
	defer keys.close()
	var untrusted error
	c, chans, reqs, err := ssh.NewClientConn(conn, host, &ssh.ClientConfig{
		User: user,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(keys.signers...)},
		HostKeyCallback: func(name string, at net.Addr, key ssh.PublicKey) error {
			untrusted = trust(known.HostKeyCallback()(name, at, key), name, key)
			return untrusted
		},
		HostKeyAlgorithms: known.HostKeyAlgorithms(host),
	})
	switch {
	case untrusted != nil:
		return nil, untrusted
	case err != nil && strings.Contains(err.Error(), "unable to authenticate"):
		return nil, keys.refused()
	case err != nil:
		return nil, err
	}
	return ssh.NewClient(c, chans, reqs), nil
}

// trust says what is wrong with a host key.
func trust(err error, host string, key ssh.PublicKey) error {
	switch {
	case err == nil:
		return nil
	case knownhosts.IsHostKeyChanged(err):
		return &Failure{Cause: Untrusted, Detail: fmt.Sprintf("%s shows the %s key %s, and known_hosts has another: somebody may stand in between",
			host, key.Type(), ssh.FingerprintSHA256(key))}
	case knownhosts.IsHostUnknown(err):
		return &Failure{Cause: Untrusted, Detail: fmt.Sprintf("%s shows the %s key %s, and known_hosts has none for it",
			host, key.Type(), ssh.FingerprintSHA256(key))}
	}
	return &Failure{Cause: Untrusted, Detail: shown(err.Error())}
}

// quote makes a path one word of the host's shell, as git does it.
func quote(path string) string {
	return "'" + strings.NewReplacer(`'`, `'\''`, `!`, `'\!'`).Replace(path) + "'"
}
