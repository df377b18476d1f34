package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func leavesAsDeclared(ctx context.Context, c *cluster) (string, error) {
	declared, err := c.list(ctx, certificates, "", fleetLabel)
	if err != nil {
		return "", err
	}
	if len(declared) == 0 {
		return "", errors.New("there is no Certificate")
	}
	var seen []string
	for i := range declared {
		u := &declared[i]
		if err := c.leafAsDeclared(ctx, u); err != nil {
			return "", fmt.Errorf("%s/%s: %w", u.GetNamespace(), u.GetName(), err)
		}
		uris, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "uris")
		seen = append(seen, strings.Join(uris, " ")+" "+at(u, "spec.duration"))
	}
	return strings.Join(seen, "\n"), nil
}

func (c *cluster) leafAsDeclared(ctx context.Context, u *unstructured.Unstructured) error {
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	ready := slices.ContainsFunc(conditions, func(condition any) bool {
		m := condition.(map[string]any)
		return m["type"] == "Ready" && m["status"] == "True"
	})
	if !ready {
		return errors.New("is not Ready")
	}
	leaf, _, err := c.leaf(ctx, u.GetNamespace(), at(u, "spec.secretName"))
	if err != nil {
		return err
	}
	ca := filepath.Join(c.state, "pki/fleet.crt")
	for _, purpose := range []string{"sslserver", "sslclient"} {
		if out, err := openssl("", "verify", "-CAfile", ca, "-purpose", purpose, leaf); err != nil {
			return fmt.Errorf("%s: %s", purpose, out)
		}
	}
	uris, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "uris")
	names, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "dnsNames")
	var san []string
	for _, name := range names {
		san = append(san, "DNS:"+name)
	}
	for _, uri := range uris {
		san = append(san, "URI:"+uri)
	}
	for extension, want := range map[string][]string{
		"subjectAltName":   san,
		"extendedKeyUsage": {"TLS Web Server Authentication", "TLS Web Client Authentication"},
		"keyUsage":         {"Digital Signature"},
	} {
		text, err := openssl("", "x509", "-in", leaf, "-noout", "-ext", extension)
		if err != nil {
			return errors.New(text)
		}
		lines := strings.Split(strings.TrimSpace(text), "\n")
		got := strings.Split(strings.TrimSpace(lines[len(lines)-1]), ", ")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s is %v, declared %v", extension, got, want)
		}
	}
	return lifetime(leaf, at(u, "spec.duration"))
}

func lifetime(leaf, declared string) error {
	text, err := openssl("", "x509", "-in", leaf, "-noout", "-startdate", "-enddate", "-dateopt", "iso_8601")
	if err != nil {
		return errors.New(text)
	}
	var begin, end time.Time
	for _, line := range strings.Split(text, "\n") {
		name, value, _ := strings.Cut(line, "=")
		date, _ := time.Parse("2006-01-02 15:04:05Z", strings.TrimSpace(value))
		switch name {
		case "notBefore":
			begin = date
		case "notAfter":
			end = date
		}
	}
	want, err := time.ParseDuration(declared)
	if err != nil {
		return err
	}
	if got := end.Sub(begin); got != want {
		return fmt.Errorf("lives %s, declared %s", got, want)
	}
	return nil
}

// leaf writes a Secret's certificate and key into files.
func (c *cluster) leaf(ctx context.Context, namespace, name string) (certificate, key string, err error) {
	secret, err := c.get(ctx, secrets, namespace, name)
	if err != nil {
		return "", "", err
	}
	folder := filepath.Join(c.state, "leaves", namespace)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", "", err
	}
	files := map[string]string{}
	for _, entry := range []string{"tls.crt", "tls.key"} {
		value, err := base64.StdEncoding.DecodeString(fmt.Sprint(secret.Object["data"].(map[string]any)[entry]))
		if err != nil {
			return "", "", err
		}
		files[entry] = filepath.Join(folder, entry)
		if err := os.WriteFile(files[entry], value, 0o600); err != nil {
			return "", "", err
		}
	}
	return files["tls.crt"], files["tls.key"], nil
}

func openssl(stdin string, args ...string) (string, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// handshakes lets the coordinator's server meet clients, and a client of detect's meet servers. Both sides refuse whom they cannot verify.
func handshakes(ctx context.Context, c *cluster) (string, error) {
	serverCert, serverKey, err := c.leaf(ctx, "soc-coordinator", "coordinator-tls")
	if err != nil {
		return "", err
	}
	clientCert, clientKey, err := c.leaf(ctx, "soc-detect", "detect-tls")
	if err != nil {
		return "", err
	}
	signed, signedKey, err := c.stranger("signed", "-CA", filepath.Join(c.state, "pki/stranger.crt"), "-CAkey", filepath.Join(c.state, "pki/stranger.key"))
	if err != nil {
		return "", err
	}
	alone, aloneKey, err := c.stranger("alone")
	if err != nil {
		return "", err
	}
	for _, try := range []struct {
		who                                          string
		serverCert, serverKey, clientCert, clientKey string
		completes                                    bool
	}{
		{"detect calls coordinator", serverCert, serverKey, clientCert, clientKey, true},
		{"coordinator calls detect", clientCert, clientKey, serverCert, serverKey, true},
		{"a client with another authority's certificate calls coordinator", serverCert, serverKey, signed, signedKey, false},
		{"a client with its own certificate calls coordinator", serverCert, serverKey, alone, aloneKey, false},
		{"a client without a certificate calls coordinator", serverCert, serverKey, "", "", false},
		{"detect calls a server with another authority's certificate", signed, signedKey, clientCert, clientKey, false},
		{"detect calls a server with its own certificate", alone, aloneKey, clientCert, clientKey, false},
	} {
		completed, why := c.handshake(try.serverCert, try.serverKey, try.clientCert, try.clientKey)
		if completed != try.completes {
			return "", fmt.Errorf("%s: completed is %t\n%s", try.who, completed, why)
		}
	}
	return "2 complete (detect and coordinator, either way); 5 do not (another authority of the same name, self-signed, none)", nil
}

// stranger makes a leaf with detect's identity that the fleet's authority did not sign.
func (c *cluster) stranger(name string, signer ...string) (certificate, key string, err error) {
	certificate, key = filepath.Join(c.state, "pki", name+".crt"), filepath.Join(c.state, "pki", name+".key")
	args := append([]string{"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/", "-days", "1",
		"-keyout", key, "-out", certificate, "-addext", "basicConstraints=critical,CA:FALSE",
		"-addext", "subjectAltName=URI:spiffe://dev.soc.example/ns/soc-detect/sa/detect,DNS:detect.soc-detect.svc"}, signer...)
	out, err := openssl("", args...)
	if err != nil {
		return "", "", errors.New(out)
	}
	return certificate, key, nil
}

// handshake says whether a byte of the client's reached the server. With TLS 1.3 a client learns only afterwards that it was refused.
func (c *cluster) handshake(serverCert, serverKey, clientCert, clientKey string) (bool, string) {
	ca, port := filepath.Join(c.state, "pki/fleet.crt"), os.Getenv("E2E_TLS")
	server := exec.Command("openssl", "s_server", "-accept", "127.0.0.1:"+port, "-cert", serverCert, "-key", serverKey, "-CAfile", ca,
		"-Verify", "2", "-verify_return_error", "-naccept", "1", "-quiet")
	var heard strings.Builder
	server.Stdout, server.Stderr = &heard, &heard
	open, err := server.StdinPipe() // at the end of its input a server would stop
	if err != nil {
		return false, err.Error()
	}
	defer open.Close()
	if err := server.Start(); err != nil {
		return false, err.Error()
	}
	time.Sleep(300 * time.Millisecond)
	args := []string{"s_client", "-connect", "127.0.0.1:" + port, "-CAfile", ca, "-verify_return_error", "-verify", "2", "-quiet", "-no_ign_eof"}
	if clientCert != "" {
		args = append(args, "-cert", clientCert, "-key", clientKey)
	}
	said, _ := openssl("hello from the client\n", args...)
	done := make(chan struct{})
	go func() { server.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		server.Process.Kill()
		<-done
	}
	return strings.Contains(heard.String(), "hello from the client"), heard.String() + said
}
