package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// An `exec:` key is a program that asks a token, a smart card or a key service. `PROGRAM public` prints the public key in PEM;
// `PROGRAM sign` reads the 32 bytes of a SHA-256 digest and prints the signature: ASN.1 DER of ECDSA, or PKCS #1 v1.5 of RSA.
// It sees our environment, where its own settings are. hack/pkcs11-signer.sh is one.

// Bounds of one call. A person may have to touch the token.
const (
	execTime   = 2 * time.Minute
	execOutput = 16 << 10
)

// execSigner asks a program for signatures, one at a time: tokens have one user.
type execSigner struct {
	program string
	public  crypto.PublicKey
	mu      sync.Mutex
}

func execKey(program string) (*Key, error) {
	s := &execSigner{program: program}
	out, err := s.call("public", nil)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(out)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, keyErrorf("`%s public` did not print one public key in PEM", program)
	}
	if s.public, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return nil, keyErrorf("`%s public` did not print a public key: %v", program, err)
	}
	return fits(s, program)
}

func (s *execSigner) Public() crypto.PublicKey { return s.public }

// Sign believes no program: a signature that its own public key does not verify would be found by whoever loads the bundle.
func (s *execSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, pss := opts.(*rsa.PSSOptions); pss || opts.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("%s signs SHA-256 digests only, and RSA only by PKCS #1 v1.5", s.program)
	}
	s.mu.Lock()
	signature, err := s.call("sign", digest)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if !verifies(s.public, digest, signature) {
		return nil, keyErrorf("`%s sign` printed %d bytes that are no signature of the digest it was given, by the key of `%[1]s public`; ECDSA is expected in ASN.1 DER, RSA as PKCS #1 v1.5", s.program, len(signature))
	}
	return signature, nil
}

// call runs the program. What it says on its standard error is for whoever called us; its output is not shown.
func (s *execSigner) call(verb string, input []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), execTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, verb)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AGENTC_") }) // other keys and passwords are not its business
	cmd.WaitDelay = time.Second                                                                               // a child of it may hold the pipes open
	cmd.Stdin = bytes.NewReader(input)
	out, words := &bounded{full: cancel}, &bounded{full: func() {}}
	cmd.Stdout, cmd.Stderr = out, words
	err := cmd.Run()
	said := strings.TrimSpace(strings.ToValidUTF8(string(words.kept), "?"))
	switch {
	case out.over:
		return nil, keyErrorf("`%s %s` printed more than %d bytes", s.program, verb, execOutput)
	case ctx.Err() != nil:
		return nil, keyErrorf("`%s %s` did not answer within %s; it said: %s", s.program, verb, execTime, said)
	case errors.Is(err, exec.ErrNotFound):
		return nil, keyErrorf("there is no program %q for a key; name it with a slash (exec:./signer.sh), or put it on the PATH", s.program)
	case err != nil:
		return nil, keyErrorf("`%s %s` failed (%v); it said: %s", s.program, verb, err, said)
	}
	return out.kept, nil
}

// bounded keeps the first bytes of what is written to it, and calls full when there are more.
type bounded struct {
	kept []byte
	over bool
	full func()
}

func (b *bounded) Write(p []byte) (int, error) {
	keep := min(len(p), execOutput-len(b.kept))
	b.kept = append(b.kept, p[:keep]...)
	if keep < len(p) {
		b.over = true
		b.full()
	}
	return len(p), nil
}
