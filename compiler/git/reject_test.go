package git

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestKinds holds what servers say, in their own words: the line of the report, and what they write beside it.
func TestKinds(t *testing.T) {
	for _, test := range []struct {
		server, status, said string
		want                 Kind
	}{
		// git 2.39 names the reason beside the report only.
		{"git", "failed to update ref", "error: cannot lock ref 'refs/heads/main': is at 7dc98ee9c0b75be429e300bb59b3cf6d091ca9ed but expected 1bdf96c8c868981a0e24c43c98aef09a8970a1b8", Moved},
		{"git", "failed to update ref", "error: cannot lock ref 'refs/heads/main': reference already exists", Moved},
		{"git", "failed to update ref", "error: cannot lock ref 'refs/heads/main': unable to resolve reference 'refs/heads/main'", Moved},
		{"git", "failed to update ref", "error: cannot lock ref 'refs/heads/main': Unable to create '/srv/git/fleet.git/./refs/heads/main.lock': File exists.\n\nAnother git process seems to be running in this repository", Busy},
		{"git", "failed to update ref", "error: cannot lock ref 'refs/heads/main': Unable to create '/srv/git/fleet.git/./refs/heads/main.lock': Permission denied", Refused},
		{"git", "failed to update ref", "error: cannot lock ref 'refs/heads/main/x': 'refs/heads/main' exists; cannot create 'refs/heads/main/x'", Refused},
		{"git", "failed to update ref", "", Busy},
		{"git", "Unable to create '/srv/git/fleet.git/index.lock': File exists.", "", Busy},
		{"git", "non-fast-forward", "error: denying non-fast-forward refs/heads/main (you should pull first)", Moved},
		{"git 2.50", "incorrect old value provided", "", Moved},
		{"git 2.50", "reference already exists", "", Moved},
		{"git 2.50", "reference does not exist", "", Moved},
		{"git 2.50", "refname conflict", "", Refused},
		{"git client", "fetch first", "", Moved},
		{"git client", "stale info", "", Moved},
		{"git", "pre-receive hook declined", "no manifests on a Friday", Refused},
		{"git", "hook declined", "", Refused},
		{"git", "branch is currently checked out", "error: refusing to update checked out branch: refs/heads/main", Refused},
		{"git", "unpacker error", "fatal: pack exceeds maximum allowed size (1.00 KiB)", Refused},

		{"GitHub", "cannot lock ref 'refs/heads/main': is at 669e41e6196d60ec8a5f14cc3cd5764037bad4e82 but expected cdec69331ca3b4565378c23c6f917d5f89426a3a", "", Moved},
		{"GitHub", "cannot lock ref 'refs/heads/main'", "", Busy},
		{"GitHub", "protected branch hook declined", "error: GH006: Protected branch update failed for refs/heads/main.\nerror: Changes must be made through a pull request.", Protected},
		{"GitHub", "protected branch hook declined", "", Protected},
		{"GitHub", "push declined due to repository rule violations", "error: GH013: Repository rule violations found for refs/heads/main.\nReview all repository rules at https://github.com/soc/fleet/rules?ref=refs%2Fheads%2Fmain\n\n- Changes must be made through a pull request.", Protected},
		{"GitHub", "push declined due to repository rule violations", "error: GH013: Repository rule violations found for refs/heads/main.\n\n- GITHUB PUSH PROTECTION\n- Push cannot contain secrets", Refused},
		{"GitHub", "push declined due to repository rule violations", "error: GH013: Repository rule violations found for refs/heads/main.\n\n- 12 of 12 required status checks are expected.", Protected},
		{"GitLab", "pre-receive hook declined", "GitLab: You are not allowed to push code to protected branches on this project.", Protected},
		{"GitLab", "pre-receive hook declined", "GitLab: You are not allowed to force push code to a protected branch on this project.", Protected},
		{"GitLab", "incorrect old value provided", "", Moved},
		{"GitLab", "pre-receive hook declined", "GitLab: Commit message does not follow the pattern", Refused},
		{"Gitea", "pre-receive hook declined", "Gitea: Not allowed to push to protected branch main", Protected},
		{"Bitbucket", "pre-receive hook declined", "Permission denied to update branch main.", Protected},
		{"Bitbucket", "pre-receive hook declined", "Branch refs/heads/main can only be modified through pull requests.\nCheck your branch permissions configuration with the project administrator.", Protected},
		{"Bitbucket", "pre-receive hook declined", "Branch refs/heads/main can only be modified through pull requests.", Protected},
		{"Bitbucket", "pre-receive hook declined", "Branch restrictions prevented the push", Protected},
		{"Azure", "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.", "", Protected},
		{"Azure", "TF401027: You need the Git 'GenericContribute' permission to perform this action.", "", Refused},
		{"other", "expected old 1bdf96c8 but found 7dc98ee9", "", Moved},
		{"JGit", "failed to lock", "", Busy},
		{"other", "a mirror; use the unprotected branches elsewhere", "", Refused},
		{"other", "", "", Refused},
	} {
		no := rejected(test.status, test.said)
		if no.Kind != test.want {
			t.Errorf("%s: %q beside %q: kind %d, want %d", test.server, test.status, test.said, no.Kind, test.want)
		}
		if no.Error() != clean(test.status+"\n"+test.said) {
			t.Errorf("%s: the reason is %q", test.server, no.Reason)
		}
	}
}

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"plain words\n", "plain words"},
		{"\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "red link"},
		{"\x1b[2K\x1b[1Gall is well\x1b(B", "all is well"},
		{"one\r\ntwo\rthree\n\n\n four \n", "one\ntwo\nthree\nfour"},
		{"a\tb\x00c\x07\x08", "a bc"},
		{"\u202egnp.exe\u2066\u200b", "gnp.exe"},
		{"\xff\xfe", "\uFFFD"},
		{"\x1b]0;never ended", ""},
		{"\x1b", ""},
		{"Grüße, 世界", "Grüße, 世界"},
	} {
		if got := clean(test.in); got != test.want {
			t.Errorf("clean(%q) = %q, want %q", test.in, got, test.want)
		}
	}
	if long := shown(strings.Repeat("ü", maxShown)); len(long) > maxShown+len(" …") || !utf8.ValidString(long) {
		t.Errorf("%d bytes are shown", len(long))
	}
}

func TestRemarks(t *testing.T) {
	var heard strings.Builder
	r := &remarks{out: &heard}
	for _, part := range []string{"Counting objects:  50% (1/2)\rCounting ", "objects: 100% (2/2), done.\n", "GitLab: \x1b[31mno\x1b[0m", "pe\n\nlast"} {
		r.Write([]byte(part))
	}
	if want := "Counting objects: 100% (2/2), done.\nGitLab: nope\n"; heard.String() != want {
		t.Errorf("heard %q, want %q", heard.String(), want)
	}
	if want := "GitLab: nope\nlast"; r.text() != want {
		t.Errorf("kept %q, want %q", r.text(), want)
	}
	for range 100 {
		r.Write(make([]byte, maxKept/10))
	}
	if len(r.kept) != maxKept {
		t.Errorf("%d bytes are kept", len(r.kept))
	}
}

func FuzzRejected(f *testing.F) {
	f.Add("failed to update ref", "error: cannot lock ref 'refs/heads/main'")
	f.Add("\x1b[31m\x1b]0;x", "\u202e\xff\r\n\x9b31m")
	f.Fuzz(func(t *testing.T, status, said string) {
		no := rejected(status, said)
		if again := rejected(status, said); *again != *no {
			t.Errorf("%v, and then %v", no, again)
		}
		if len(no.Reason) > maxShown+len(" …") {
			t.Errorf("%d bytes of reason", len(no.Reason))
		}
		checkPrintable(t, no.Reason)
		if clean(no.Reason) != no.Reason {
			t.Errorf("%q cleans to %q", no.Reason, clean(no.Reason))
		}
	})
}

func FuzzRemarks(f *testing.F) {
	f.Add([]byte("a\rb\nc"), []byte("\x1b[3"), []byte("1mx\n"))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		var heard strings.Builder
		r := &remarks{out: &heard}
		for _, part := range [][]byte{a, b, c} {
			if n, err := r.Write(part); n != len(part) || err != nil {
				t.Errorf("wrote %d, %v", n, err)
			}
		}
		checkPrintable(t, heard.String())
		checkPrintable(t, r.text())
	})
}

func checkPrintable(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("%q is not fit to print", text)
	}
}

func TestPrintable(t *testing.T) {
	long := strings.Repeat("ü/", maxShown)
	for name, want := range map[string]string{
		"prod/a b.yaml": "prod/a b.yaml", "a\n\rb": "a\ufffd\ufffdb", "\x1b]0;x": "\ufffd]0;x", "a\u202eb\u200b": "a\ufffdb\ufffd", "a\xff": "a\ufffd", long: long,
	} {
		if got := Printable(name); got != want {
			t.Errorf("Printable(%q) = %q, want %q", name, got, want)
		}
	}
}
