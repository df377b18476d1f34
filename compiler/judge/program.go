package judge

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"agentc/compiler/claims"
)

// ProgramName is what the judge is called beside agentc.
const ProgramName = "agentc-verify"

// MissingError says that there is no judge, and how to get one.
type MissingError struct{ where string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("no judge at %s: it comes beside agentc in a release; from the source, `make judge` builds bin/%s, and --judge says where it is", e.where, ProgramName)
}

// Program finds the judge: where it was named, else beside agentc. It is looked for nowhere else, and above all not in the working
// folder or on the PATH: what lies in a repository that is being judged would judge itself.
func Program(named string) (string, error) {
	path := named
	if path == "" {
		own, err := os.Executable()
		if err != nil {
			return "", err
		}
		if own, err = filepath.EvalSymlinks(own); err != nil {
			return "", err
		}
		path = filepath.Join(filepath.Dir(own), ProgramName)
	}
	if !strings.ContainsRune(path, filepath.Separator) {
		path = "." + string(filepath.Separator) + path // or the PATH would be searched
	}
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return "", &MissingError{path}
	}
	return path, nil
}

// Ask lets the judge read the claims and the files, by their path below the folder of the generated files. The judge gets no arguments, an
// empty environment and a folder of no meaning: all that it knows stands on its standard input.
func Ask(ctx context.Context, program string, asked *claims.Claims, files map[string][]byte) (*Answer, error) {
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{"HOME=" + os.DevNull}
	cmd.Dir = os.TempDir()
	if abs, err := filepath.Abs(program); err == nil {
		cmd.Path = abs
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("the judge %s: %w", program, err)
	}
	written := errors.Join(write(stdin, asked, files), stdin.Close())
	if err := cmd.Wait(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, fmt.Errorf("the judge %s has not answered: %w; --timeout gives it longer", program, cause)
		}
		return nil, fmt.Errorf("the judge %s: %w: %s", program, err, lastWords(stderr.String()))
	}
	if written != nil {
		return nil, fmt.Errorf("the judge %s did not read everything: %w", program, written)
	}
	answer, err := parseAnswer(stdout.Bytes(), asked)
	if err != nil {
		return nil, fmt.Errorf("the judge %s: %w", program, err)
	}
	return answer, nil
}

// write is the archive that the judge reads: the claims, then the files in order.
func write(w io.Writer, asked *claims.Claims, files map[string][]byte) error {
	data, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	add := func(name string, data []byte) error {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err := archive.Write(data)
		return err
	}
	if err := add("claims.json", data); err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := add(path, files[path]); err != nil {
			return err
		}
	}
	return archive.Close()
}

// lastWords are the end of what a program wrote before it failed.
func lastWords(text string) string {
	const most = 2000
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return text
}
