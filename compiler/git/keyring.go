package git

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// environmentKey reads the private key that the environment holds, which then is the only one that is used.
func environmentKey() (ssh.Signer, error) {
	pem := os.Getenv("AGENTC_GIT_SSH_KEY")
	if pem == "" {
		return nil, nil
	}
	// Whoever pastes a key into a CI system's form easily loses its last line end, without which it is no PEM.
	key, err := ssh.ParsePrivateKey([]byte(strings.TrimSpace(pem) + "\n"))
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		key, err = ssh.ParsePrivateKeyWithPassphrase([]byte(strings.TrimSpace(pem)+"\n"), []byte(os.Getenv("AGENTC_GIT_SSH_PASSPHRASE")))
	}
	switch {
	case err == nil:
		return key, nil
	case locked != nil:
		return nil, badKey("it is encrypted, and AGENTC_GIT_SSH_PASSPHRASE does not open it")
	}
	return nil, badKey("it is not a private key in OpenSSH's format or PEM; the variable holds the key itself, not the name of its file")
}

func badKey(why string) error {
	return &Failure{Cause: BadKey, Remote: "AGENTC_GIT_SSH_KEY", Detail: why}
}

// keyring is what we can prove to be, for one handshake.
type keyring struct {
	signers []ssh.Signer
	from    []string
	close   func()
}

// keyring gathers keys: the one of the environment, or else those of the agent and the user's own that need no passphrase.
func (r *Remote) keyring(ctx context.Context) *keyring {
	k := &keyring{close: func() {}}
	if r.key != nil {
		k.signers, k.from = []ssh.Signer{r.key}, []string{"AGENTC_GIT_SSH_KEY"}
		return k
	}
	k.agent(ctx)
	k.files()
	return k
}

// agent asks the ssh-agent. It may ask a person to confirm, so that its connection ends with the context as well.
func (k *keyring) agent(ctx context.Context) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	k.close = func() { stop(); conn.Close() }
	signers, err := agent.NewClient(conn).Signers()
	if err == nil && len(signers) > 0 {
		k.signers, k.from = append(k.signers, signers...), append(k.from, "the ssh-agent")
	}
}

// files reads the keys that ssh would try too. One that cannot be read, or is encrypted, is passed over.
func (k *keyring) files() {
	home, err := os.UserHomeDir()
	if err != nil {
		return
	}
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		pem, err := os.ReadFile(filepath.Join(home, ".ssh", name))
		if err != nil {
			continue
		}
		key, err := ssh.ParsePrivateKey(pem)
		if err == nil && !slices.ContainsFunc(k.signers, same(key)) {
			k.signers, k.from = append(k.signers, key), append(k.from, "~/.ssh/"+name)
		}
	}
}

func same(key ssh.Signer) func(ssh.Signer) bool {
	return func(other ssh.Signer) bool {
		return bytes.Equal(key.PublicKey().Marshal(), other.PublicKey().Marshal())
	}
}

// refused says which keys did not help.
func (k *keyring) refused() error {
	if len(k.signers) == 0 {
		return &Failure{Cause: NeedsLogin, Detail: "no ssh key was found"}
	}
	return &Failure{Cause: Denied, Detail: "tried the keys of " + strings.Join(k.from, ", ")}
}
