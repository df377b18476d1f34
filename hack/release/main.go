// Command release builds what is published of one commit: static binaries, container images, a bill of materials for each
// and the checksums of all. hack/release.sh calls it in a clean checkout of that commit.
//
// The same commit gives the same bytes in any folder on any machine that has the same Go: nothing here takes a time, an
// owner or an order from the machine, and archives are packed by Go's library, since tar and gzip differ between systems.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// commands are what is released, by their folders below cmd.
var commands = []string{"agentc", "agentd"}

// platforms of the binaries; images are made for those of Linux.
var platforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}

type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// release is what one run makes.
type release struct {
	source    string    // the checkout
	out       string    // an existing folder, empty
	version   string    // as in the names of the files: 0.1.0
	commit    string    // 40 hexadecimal digits
	date      time.Time // of the commit; the only time that anything here knows
	platforms []platform
}

func main() {
	r, err := parse(os.Args[1:], os.Getenv("SOURCE_DATE_EPOCH"))
	if err == nil {
		err = r.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func parse(args []string, epoch string) (*release, error) {
	r := &release{}
	var only string
	f := flag.NewFlagSet("release", flag.ContinueOnError)
	f.StringVar(&r.source, "source", "", "clean checkout to build")
	f.StringVar(&r.out, "out", "", "empty folder for the files")
	f.StringVar(&r.version, "version", "", "version in the names of the files")
	f.StringVar(&r.commit, "commit", "", "commit that is checked out")
	f.StringVar(&only, "platforms", "", "build for these alone, such as linux/amd64,darwin/arm64")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH is not a number of seconds: %w", err)
	}
	r.date = time.Unix(seconds, 0).UTC()
	r.platforms, err = selected(only)
	return r, errors.Join(err, given(f))
}

// given refuses an empty value of any flag but the one that may be left out.
func given(f *flag.FlagSet) error {
	var err error
	f.VisitAll(func(fl *flag.Flag) {
		if fl.Name != "platforms" && fl.Value.String() == "" {
			err = errors.Join(err, fmt.Errorf("-%s is missing", fl.Name))
		}
	})
	return err
}

// run builds everything and sums it up.
func (r *release) run(ctx context.Context) error {
	for _, command := range commands {
		for _, p := range r.platforms {
			if err := r.binary(ctx, command, p); err != nil {
				return fmt.Errorf("%s for %s: %w", command, p, err)
			}
		}
		if err := r.image(ctx, command); err != nil {
			return fmt.Errorf("image of %s: %w", command, err)
		}
	}
	return writeSums(r.out)
}

// file names a file of the release: agentc_0.1.0_linux_amd64.tar.gz.
func (r *release) file(command, rest string) string {
	return filepath.Join(r.out, fmt.Sprintf("%s_%s_%s", command, r.version, rest))
}
