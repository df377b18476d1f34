// Package git puts files on a branch of a remote repository without a worktree and without a local clone: it reads what the
// branch holds, builds blobs and trees for what differs, and pushes one pack with one new commit. The push names the commit
// that it builds on, so that the branch is either moved by exactly this commit or not at all.
package git
