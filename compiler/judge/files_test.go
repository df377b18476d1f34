package judge_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"agentc/compiler/claims"
	"agentc/compiler/judge"
)

// TestOddFiles: what nobody would read as it stands there is named, and not passed over.
func TestOddFiles(t *testing.T) {
	asked := &claims.Claims{Environments: []claims.Environment{{Name: "dev"}}}
	for _, make := range []func(path string) error{
		func(path string) error { return os.Symlink("/etc/passwd", path) },
		func(path string) error { // of zeros, which take no room on the disk
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 64<<20+1))
		},
	} {
		dir := t.TempDir()
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "dev/manifests"), 0o755), make(filepath.Join(dir, "dev/manifests/x.yaml"))); err != nil {
			t.Fatal(err)
		}
		_, err := judge.FromFolder(dir, asked)
		var odd *judge.OddFileError
		if !errors.As(err, &odd) || odd.Path != "dev/manifests/x.yaml" {
			t.Errorf("%v", err)
		}
	}
}
