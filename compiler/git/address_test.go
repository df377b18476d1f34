package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddresses(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		url  string
		want address
		text string
	}{
		{"https://git.soc.example/soc/fleet.git", address{"https", "", "git.soc.example", "/soc/fleet.git"}, "https://git.soc.example/soc/fleet.git"},
		{"https://bot@git.soc.example:8443/soc/fleet/", address{"https", "bot", "git.soc.example:8443", "/soc/fleet/"}, "https://git.soc.example:8443/soc/fleet/"},
		{"http://[::1]:3000/x", address{"http", "", "[::1]:3000", "/x"}, "http://[::1]:3000/x"},
		{"ssh://git@git.soc.example:22/soc/fleet.git", address{"ssh", "git", "git.soc.example:22", "/soc/fleet.git"}, "ssh://git@git.soc.example:22/soc/fleet.git"},
		{"git@git.soc.example:soc/fleet.git", address{"ssh", "git", "git.soc.example", "soc/fleet.git"}, "git@git.soc.example:soc/fleet.git"},
		{"git.soc.example:/srv/fleet.git", address{"ssh", "", "git.soc.example", "/srv/fleet.git"}, "git.soc.example:/srv/fleet.git"},
		{"git@[git.soc.example:2222]:fleet.git", address{"ssh", "git", "git.soc.example:2222", "fleet.git"}, "git@[git.soc.example:2222]:fleet.git"},
		{"git@[::1]:fleet.git", address{"ssh", "git", "[::1]", "fleet.git"}, "git@[::1]:fleet.git"},
		{"file:///srv/fleet.git", address{"file", "", "", "/srv/fleet.git"}, "file:///srv/fleet.git"},
		{"/srv/a:b.git", address{"file", "", "", "/srv/a:b.git"}, "/srv/a:b.git"},
		{"./a:b", address{"file", "", "", filepath.Join(here, "a:b")}, "./a:b"},
		{"../x", address{"file", "", "", filepath.Join(filepath.Dir(here), "x")}, "../x"},
	} {
		got, err := parseAddress(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		if diff := cmp.Diff(test.want, *got, cmp.AllowUnexported(address{})); diff != "" || Shown(test.url) != test.text {
			t.Errorf("%s: %s\n%s", test.url, Shown(test.url), diff)
		}
	}
}

func TestBadAddresses(t *testing.T) {
	for _, test := range []struct{ url, words string }{
		{"", "empty"},
		{"https://x/y\n", "control characters"},
		{"git://git.soc.example/fleet.git", "git is not spoken here"},
		{"ext::sh -c id", ""},
		{"ext://sh", "ext is not spoken here"},
		{"https://u:hunter2@git.soc.example/fleet.git", "AGENTC_GIT_PASSWORD"},
		{"https://u:hunter2@git.soc.example:port/fleet.git", "no URL"},
		{"https://u:hun/ter2@git.soc.example/fleet.git", ""},
		{"https://git.soc.example/fleet.git?token=hunter2", "more than a host and a path"},
		{"https://git.soc.example", "no repository"},
		{"https:///fleet.git", "no host"},
		{"ssh://-oProxyCommand=id/x", "no host"},
		{"-oProxyCommand=id:x", "no host"},
		{"host:", "no repository"},
		{"u:hunter2@git.soc.example:fleet.git", "seems to hold a password"},
		{"we#ird:x", "no host"},
		{":x", "no host"},
		{"file://server/share", "three slashes"},
		{"file://hunter2@localhost/share", "three slashes"},
		{"https://u:hunter2#x@git.soc.example/fleet.git", "no URL"},
		{"https://u:1?hunter2@git.soc.example/fleet.git", "more than a host and a path"},
		{"https://hunter2@git.soc.example", "no repository"},
		{"git://hunter2@git.soc.example/fleet.git", "git is not spoken here"},
		{"ssh://git:hunter2@git.soc.example/fleet.git", "a password"},
	} {
		_, err := Open(test.url, Options{})
		wantFailure(t, err, BadURL, test.words)
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "hun/") {
			t.Errorf("%v shows a password", err)
		}
	}
}

// TestShown: what is no address for publishing is shown too, and a password nowhere.
func TestShown(t *testing.T) {
	for raw, want := range map[string]string{
		"https://u:hunter2@git.soc.example/fleet.git":       "https://git.soc.example/fleet.git",
		"https://hunter2@git.soc.example/a%40b":             "https://git.soc.example/a%40b",
		"https://git.soc.example/fleet.git?token=hunter2":   "https://git.soc.example/fleet.git",
		"git://hunter2@git.soc.example/fleet.git":           "git://git.soc.example/fleet.git",
		"ssh://u:hunter2@git.soc.example/fleet.git":         "ssh://git.soc.example/fleet.git",
		"https://u:12/hunter2@git.soc.example/fleet.git":    "the remote",
		"https://u:12#hunter2@git.soc.example/fleet.git":    "the remote",
		"https://u:hunter2#x@git.soc.example/fleet.git":     "the remote",
		"https://u:hunter2@git.soc.example:port/fleet.git":  "the remote",
		"u:hunter2@git.soc.example:fleet.git":               "the remote",
		"https://u:hunter2@git.soc.example/fleet.git\x1b[m": "the remote",
		"../a\u202eb": "../a\ufffdb",
		"":            "the remote",
	} {
		if got := Shown(raw); got != want {
			t.Errorf("Shown(%q) = %q, want %q", raw, got, want)
		}
	}
}

// FuzzAddress: what stands before the last @ never appears, and what is accepted is one place.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"https://u@git.soc.example/x", "u@host:path", "ssh://u@h/x", "https:/u@h", "file:///x", "%@", "u@[::1]:x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if before, _, _ := strings.Cut(raw, "@"); strings.Contains(before, "/") && !strings.Contains(before, "://") {
			return // a folder may have an @ in its name
		}
		raw = strings.Replace(raw, "@", ":hunter2@", 1)
		at, err := parseAddress(raw)
		if err != nil {
			if i := strings.LastIndex(raw, "@"); i > 0 && !strings.Contains(raw[i:], "hunter2") && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if strings.HasPrefix(at.scheme, "http") && strings.Contains(Shown(raw), "hunter2") && strings.LastIndex(raw, "@") > strings.Index(raw, "hunter2") {
			t.Errorf("%q is shown as %s", raw, Shown(raw))
		}
		if at.scheme != "file" && (at.host == "" || at.host[0] == '-') {
			t.Errorf("%q: %+v", raw, at)
		}
		if at.scheme == "file" && !filepath.IsAbs(at.path) {
			t.Errorf("%q: %q", raw, at.path)
		}
	})
}
