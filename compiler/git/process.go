package git

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// dialProcess serves a repository on this machine by git itself, so that its hooks run and its checks hold.
func dialProcess(ctx context.Context, service, path string, said *remarks) (session, error) {
	ctx, cancel := context.WithCancel(ctx)
	// Whoever may run git on the repository may read all of it: then it may as well leave out what we do not ask for.
	cmd := exec.CommandContext(ctx, "git", "-c", "uploadpack.allowFilter=true", "-c", "uploadpack.allowReachableSHA1InWant=true",
		strings.TrimPrefix(service, "git-"), path)
	cmd.Env = serviceEnv()
	cmd.Stderr = said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Git removes its lock files when it is asked to end; its hooks are asked with it.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second // then it is killed, and its pipes are closed to whoever holds them still
	s, err := start(cmd, said)
	if err != nil {
		cancel()
		return nil, err
	}
	s.end = sync.OnceValue(func() error {
		late := time.AfterFunc(time.Second, cancel)
		s.wait() // its exit status says nothing that the protocol does not
		late.Stop()
		if ctx.Err() != nil { // a hook that did not listen shall not go on behind our back
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		cancel()
		return nil
	})
	return s, nil
}

func start(cmd *exec.Cmd, said *remarks) (*stream, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &stream{in: in, out: out, said: said, wait: cmd.Wait}, cmd.Start()
}

// serviceEnv is our environment without what would lead git to another repository (as inside a hook) or another protocol, and
// with messages in the language that rejections are judged in.
func serviceEnv() []string {
	env := []string{"LC_ALL=C"}
	for _, v := range strangersEnv() {
		if !strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "LC_ALL=") || strings.HasPrefix(v, "GIT_CONFIG_") ||
			strings.HasPrefix(v, "GIT_EXEC_PATH=") || strings.HasPrefix(v, "GIT_TRACE") {
			env = append(env, v)
		}
	}
	return env
}

// strangersEnv is our environment without what is meant for us alone, keys and passwords among it: git runs the hooks and the
// helpers of whoever owns the repository or the machine.
func strangersEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AGENTC_") })
}
