package git

import (
	"bytes"
	"context"
	"encoding/binary"
	"os/exec"
	"strings"
	"testing"

	"agentc/compiler/git/gittest"

	"github.com/go-git/go-git/v5/plumbing"
)

// TestSwellingPack: a small pack whose file, from a whole object or from a delta, would fill the memory.
func TestSwellingPack(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	gittest.Git(t, repo, "config", "core.compression", "1")
	run := exec.Command("sh", "-c", "head -c 270000000 /dev/zero | git hash-object -w --stdin")
	run.Dir = repo
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	tree := gittest.Tree(t, repo, "100644 blob "+strings.TrimSpace(string(out))+"\tbig\n")
	gittest.Git(t, repo, "update-ref", "refs/heads/main",
		gittest.Git(t, repo, "-c", "user.name=t", "-c", "user.email=t@soc.example", "commit-tree", "-m", "x", tree))
	_, err = openRemote(t, gittest.HTTP(t, repo), Options{}).Fetch(context.Background(), "main")
	wantFailure(t, err, Broken, "more than 256 MiB")
}

func TestSwellingDelta(t *testing.T) {
	sizes := func(result uint64) []byte { return binary.AppendUvarint(binary.AppendUvarint(nil, 1), result) }
	pack := func(delta []byte) []byte {
		objects := []encoded{{kind: plumbing.BlobObject, data: []byte("x")}, {kind: plumbing.OFSDeltaObject, data: delta}}
		raw := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), 2)
		first := compress(objects[:1]).data
		second := compress(objects[1:]).data
		raw = append(append(raw, first...), second[0], byte(len(first))) // how far back the object is that it changes
		return append(raw, second[1:]...)
	}
	if err := checkPack(pack(sizes(maxObject))); err != nil {
		t.Error(err)
	}
	wantFailure(t, checkPack(pack(sizes(maxObject+1))), Broken, "more than 256 MiB")
	if err := checkPack(bytes.Repeat([]byte("PACK"), 10)); err == nil {
		t.Error("junk is a pack")
	}
}
