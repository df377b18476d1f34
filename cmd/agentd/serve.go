package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// flags of serve. What is decided stands in the bundle; here is only where things lie and whom agentd believes.
type flags struct {
	environment      string
	bundle           string
	bundleCredential string
	bundleEvery      time.Duration
	trust, keys      string
	engine           string
	maxStaleness     time.Duration

	tls, ca               string
	listen, health, admin string
	callback              string
	callbackHost          string
	credentials           string
	database              string
	data                  string
	keep                  []string
	unrecorded            bool
	otlp                  string
	log                   string

	dev       bool
	devPerson string
}

func newServe() *cobra.Command { return new(flags).command() }

// command that reads the flags.
func (f *flags) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve --bundle FILE|DIR|URL --tls DIR --ca DIR --data DIR",
		Short: "Answer whether an agent may do something, and put before people what they decide",
		Long: `serve reads a bundle, asks it its own questions, and answers those of agents (AuthZEN's Authorization API 1.0). What a human decides it puts before one: by
Mattermost, on a page and on the command line. It reads events, and passes on those that are worth an agent. Every answer leaves a record.

With --dev it listens on this machine alone, without TLS, takes a bundle that nobody sealed, and believes whoever asks, also how unusual an event was.`,
		Example: "  agentd serve --dev --bundle generated/dev/bundle",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd.ErrOrStderr())
		},
	}
	set := cmd.Flags()
	set.StringVar(&f.environment, "environment", "", "that the bundle must be for")
	set.StringVar(&f.bundle, "bundle", "", "file, folder or URL of the bundle")
	set.StringVar(&f.bundleCredential, "bundle-credential", "", "name in --credentials of the token for the bundle's URL")
	set.DurationVar(&f.bundleEvery, "bundle-every", bundleEvery, "how often the bundle's source is looked at")
	set.StringVar(&f.trust, "trust", "key", "key: only bundles that one of --keys sealed; git: any that lies there")
	set.StringVar(&f.keys, "keys", "", "folder of the public keys that seal bundles")
	set.StringVar(&f.engine, "engine", "auto", "auto: the table, and Open Policy Agent for hand-written Rego; rego: Open Policy Agent for everything")
	set.DurationVar(&f.maxStaleness, "max-staleness", 0, "nothing is decided by a bundle that its source has not confirmed for so long; 0: never")
	set.StringVar(&f.tls, "tls", "", "folder of tls.crt and tls.key")
	set.StringVar(&f.ca, "ca", "", "folder of ca.crt")
	set.StringVar(&f.listen, "listen", "127.0.0.1:8444", "where questions are answered")
	set.StringVar(&f.health, "health", "", "where /livez and /readyz are; empty: nowhere")
	set.StringVar(&f.admin, "admin", "", "where /metrics and /status are; empty: nowhere")
	set.StringVar(&f.callback, "callback", "", "where Mattermost's buttons lead; empty: nowhere")
	set.StringVar(&f.callbackHost, "callback-host", "", "name by which Mattermost reaches it")
	set.StringVar(&f.credentials, "credentials", "", "folder of credentials, one in a file for each endpoint")
	set.StringVar(&f.database, "database", "", "name in --credentials of the database's URI; empty: a file in --data")
	set.StringVar(&f.data, "data", "", "folder for what outlives the process: records, escalations, the bundle")
	set.StringArrayVar(&f.keep, "record-input", nil, "JSON pointer to more of a question that is written into the decision log: /context/parameters/namespace; may be repeated")
	set.BoolVar(&f.unrecorded, "unrecorded", false, "with --dev: decisions leave no record")
	set.StringVar(&f.otlp, "otlp", "", "host:port that traces go to; empty: nowhere")
	set.StringVar(&f.log, "log-level", "info", "debug, info, warn or error")
	set.BoolVar(&f.dev, "dev", false, "on this machine alone: no TLS, no seal, whoever asks is believed")
	set.StringVar(&f.devPerson, "dev-person", "", "with --dev: the person, by name in the policy, whom whoever opens the page is taken for")
	return cmd
}

// check what flags say of each other.
func (f *flags) check() error {
	remote := strings.HasPrefix(f.bundle, "https://") || strings.HasPrefix(f.bundle, "http://")
	switch {
	case f.bundle == "":
		return errors.New("--bundle: a file, a folder or a URL")
	case f.engine != "auto" && f.engine != "rego":
		return fmt.Errorf("--engine is %q; it is auto or rego", f.engine)
	case f.bundleEvery < 0:
		return fmt.Errorf("--bundle-every is %s; it is a time, such as 5s", f.bundleEvery)
	case f.trust != "key" && f.trust != "git":
		return fmt.Errorf("--trust is %q; it is key or git", f.trust)
	case f.dev:
		return f.checkDev()
	case f.devPerson != "" || f.unrecorded:
		return errors.New("--dev-person and --unrecorded go with --dev")
	case remote && withUser(f.bundle):
		return errors.New("--bundle: the URL is none, or holds a user or a password, which would be told to everybody; use --bundle-credential")
	case f.trust == "key" && f.keys == "":
		return errors.New("--keys: the folder of the public keys that seal bundles, or --trust git")
	case f.trust == "git" && remote:
		return errors.New("--trust git takes a mounted file, and no URL: whoever answers there would decide")
	case strings.HasPrefix(f.bundle, "http://"):
		return errors.New("--bundle: the URL is without TLS")
	case f.tls == "" || f.ca == "":
		return errors.New("--tls and --ca: the folders of the certificate and of the CA; or --dev, on this machine alone")
	case f.data == "":
		return errors.New("--data: the folder for what outlives the process")
	case f.environment == "":
		return errors.New("--environment: whose bundle it must be")
	}
	return nil
}

func withUser(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.User != nil
}

func (f *flags) checkDev() error {
	for flag, address := range map[string]string{"listen": f.listen, "health": f.health, "admin": f.admin, "callback": f.callback} {
		if address == "" {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("--%s is %q; with --dev it is an address of this machine alone, such as 127.0.0.1:8444", flag, address)
		}
	}
	return nil
}
