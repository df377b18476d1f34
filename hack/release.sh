#!/usr/bin/env bash
# Builds a release of the commit that is checked out: hack/release.sh [FOLDER], by default bin/release. docs/releases.md says
# what is in it. PLATFORMS=linux/amd64 builds for that one alone.
#
# It builds a clone, in which nothing is left of this folder and of this machine: no changes, no ignored files, no tags but
# the release's own (the go command writes them into a binary), no settings of Git or Go.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
	echo "release: $1" >&2
	exit 1
}

out=${1:-bin/release}
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
	fail "$out is not empty: remove it, or name another folder"
fi
if [ -n "$(git status --porcelain)" ]; then
	fail "there are changes that are not committed: a release is made of a commit"
fi

commit=$(git rev-parse HEAD)
number=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' compiler/compile.go)
tags=$(git tag --points-at HEAD | grep '^v[0-9]' || true)
case $tags in
"") version=$number-g${commit:0:12} ;; # of a commit that is no release
"v$number")
	version=$number
	! grep -m1 '^## ' CHANGELOG.md | grep -q 'not released' || fail "CHANGELOG.md calls $number not released"
	;;
*) fail "the commit is tagged $tags, and its compiler.Version is $number" ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
git clone --quiet --no-checkout --no-tags --config core.autocrlf=false . "$tmp/source"
git -C "$tmp/source" checkout --quiet --detach "$commit"
if [ -n "$tags" ]; then
	git -C "$tmp/source" tag "$tags"
fi

unset GOEXPERIMENT
export GOFLAGS=-mod=readonly GOWORK=off GOAMD64=v1 GOARM64=v8.0 GOFIPS140=off
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

mkdir "$tmp/out"
go build -C "$tmp/source/hack/release" -o "$tmp/release" .
"$tmp/release" -source "$tmp/source" -out "$tmp/out" -version "$version" -commit "$commit" -platforms "${PLATFORMS:-}"

mkdir -p "$out"
mv "$tmp"/out/* "$out"
echo "release: $out"
cat "$out/SHA256SUMS"
