package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// How the go command builds, for archives and images alike: no path of the machine, no symbols, but the commit.
var (
	buildFlags  = []string{"-trimpath", "-buildvcs=true"}
	linkerFlags = "-s -w"
)

// binary builds a command for one platform, and writes its archive and its bill of materials.
func (r *release) binary(ctx context.Context, command string, p platform) error {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	built := filepath.Join(dir, command)
	if err := r.build(ctx, command, p, built); err != nil {
		return err
	}
	if err := r.ofCommit(built); err != nil {
		return err
	}
	name := r.file(command, p.os+"_"+p.arch)
	if err := r.pack(name+".tar.gz", dir, 0o755); err != nil {
		return err
	}
	return r.writeBOM(built, command, name+".cdx.json")
}

func (r *release) build(ctx context.Context, command string, p platform, out string) error {
	fmt.Println("building", command, "for", p)
	args := slices.Concat([]string{"build"}, buildFlags, []string{"-ldflags", linkerFlags, "-o", out, "./cmd/" + command})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// ofCommit checks what the go command wrote into a binary: that it is of this commit, and of nothing else.
func (r *release) ofCommit(file string) error {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return err
	}
	stamped := map[string]string{}
	for _, s := range info.Settings {
		stamped[s.Key] = s.Value
	}
	if stamped["vcs.revision"] != r.commit || stamped["vcs.modified"] != "false" {
		return fmt.Errorf("not built from the unchanged commit %s: %v", r.commit, info.Settings)
	}
	return nil
}
