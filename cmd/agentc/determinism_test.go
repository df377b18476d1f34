package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDeterminism runs the command in processes that differ in folder, time zone, locale, umask and processors, and expects
// the same lock.
func TestDeterminism(t *testing.T) {
	var first string
	for i := range 20 {
		dir := filepath.Join(t.TempDir(), fmt.Sprintf("fleet %d", i))
		if err := os.CopyFS(filepath.Join(dir, "agents.d"), os.DirFS("../../agents.d")); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, "policies"), os.DirFS("../../policies")); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", fmt.Sprintf(`umask %s; exec "$0" compile`, []string{"022", "077", "002"}[i%3]), os.Args[0])
		cmd.Dir = dir
		cmd.Env = []string{asCommand + "=1", "HOME=" + dir,
			"TZ=" + []string{"UTC", "Asia/Kolkata", "America/St_Johns"}[i%3],
			"LC_ALL=" + []string{"C", "tr_TR.UTF-8", "de_DE.UTF-8", "ja_JP.eucJP"}[i%4],
			fmt.Sprintf("GOMAXPROCS=%d", i%4+1)}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lock, err := os.ReadFile(filepath.Join(dir, "generated/agentc.lock.json"))
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(lock)
		}
		if string(lock) != first {
			t.Fatalf("run %d (%v) gives another lock", i, cmd.Env)
		}
	}
}
