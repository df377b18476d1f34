package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/seal"
	"agentc/schema"

	"github.com/spf13/cobra"
)

func newKey() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make the key that seals bundles, or show the public half of one",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeyNew(), newKeyPublic())
	return cmd
}

func newKeyNew() *cobra.Command {
	var out, kind, id string
	cmd := &cobra.Command{
		Use:   "new --out FILE",
		Short: "Make a private key; print its public half as an item of bundle.keys in the Platform",
		Long: `new writes a private key (PKCS #8, PEM) to a file that only you may read, and never over another file. It prints the public
half as an item of an environment's bundle.keys. Keep the private half where the publisher runs, in no repository.`,
		Example: "  agentc key new --out publisher.pem",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, text, err := makeKey(kind)
			if err != nil {
				return err
			}
			if err := writeKey(out, text); err != nil {
				return err
			}
			return printPublic(cmd, key, id)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file of the private key")
	cmd.Flags().StringVar(&kind, "type", "es256", "algorithm: es256 (ECDSA P-256) or rs256 (RSA)")
	cmd.Flags().StringVar(&id, "id", "", "name of the key in the Platform (default publisher- and the start of its fingerprint)")
	return cmd
}

func newKeyPublic() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "public FILE|env:NAME|exec:PROGRAM",
		Short: "Print the public half of a key as an item of bundle.keys in the Platform",
		Example: `  agentc key public publisher.pem
  agentc key public exec:./pkcs11-signer.sh --id token`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := seal.LoadKey(args[0])
			if err != nil {
				return err
			}
			return printPublic(cmd, key, id)
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "name of the key in the Platform (default publisher- and the start of its fingerprint)")
	return cmd
}

func makeKey(kind string) (*seal.Key, []byte, error) {
	algorithm := strings.ToUpper(kind)
	if algorithm != seal.ES256 && algorithm != seal.RS256 {
		return nil, nil, usageError{fmt.Errorf("--type %s: there are es256 and rs256", kind)}
	}
	return seal.NewKey(algorithm)
}

// writeKey writes a private key where nothing is, for its owner alone.
func writeKey(path string, text []byte) error {
	if path == "" {
		return usageError{errors.New("--out names the file that the private key goes into")}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return usageError{fmt.Errorf("%s is there already, and a private key is never written over; name another file", path)}
	case err != nil:
		return usageError{fmt.Errorf("the key cannot be written: %w", err)}
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path)) // half a key is none
	}
	return nil
}

// printPublic prints what the Platform lists of a key.
func printPublic(cmd *cobra.Command, key *seal.Key, id string) error {
	fingerprint, err := key.Fingerprint()
	if err != nil {
		return err
	}
	if id == "" {
		id = "publisher-" + fingerprint[:8]
	}
	public, err := key.PublicPEM()
	if err != nil {
		return err
	}
	text, err := artifact.YAML([]schema.PublicKey{{ID: id, Key: public}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "# sha256:%s\n%s", fingerprint, text)
	return err
}
