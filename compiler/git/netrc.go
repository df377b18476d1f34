package git

import (
	"cmp"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// netrcLogin looks into ~/.netrc, or the file that NETRC names.
func netrcLogin(at *address) *login {
	home, _ := os.UserHomeDir() // without one, the path below leads nowhere
	text, err := os.ReadFile(cmp.Or(os.Getenv("NETRC"), filepath.Join(home, ".netrc")))
	if err != nil {
		return nil
	}
	host, _, err := net.SplitHostPort(at.host)
	if err != nil {
		host = strings.Trim(at.host, "[]")
	}
	for _, m := range parseNetrc(string(text)) {
		if strings.EqualFold(m.host, host) && m.password != "" && (at.user == "" || m.user == at.user) {
			return &login{cmp.Or(m.user, "git"), m.password, "~/.netrc"}
		}
	}
	return nil
}

// machine is one entry of a netrc file.
type machine struct{ host, user, password string }

// macro is a definition for ftp, up to the next empty line.
var macro = regexp.MustCompile(`(?ms)^[ \t]*macdef\b.*?(\n[ \t]*\n|\z)`)

// parseNetrc reads `machine HOST login USER password PASSWORD`, over as many lines as it likes. The entry `default` has no host
// and so fits none: a password shall not go to whoever asks.
func parseNetrc(text string) []machine {
	var all []machine
	fields := strings.Fields(macro.ReplaceAllString(text, "\n"))
	for i := 0; i < len(fields); i++ {
		if fields[i] == "default" {
			all = append(all, machine{})
			continue
		}
		if i+1 == len(fields) {
			break
		}
		switch key := fields[i]; {
		case key == "machine":
			all = append(all, machine{host: fields[i+1]})
		case len(all) == 0:
			continue
		case key == "login":
			all[len(all)-1].user = fields[i+1]
		case key == "password":
			all[len(all)-1].password = fields[i+1]
		case key != "account":
			continue
		}
		i++
	}
	return all
}
