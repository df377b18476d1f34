package git

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// address is where a repository lies.
type address struct {
	scheme string // file, http, https or ssh
	user   string
	host   string // with the port where the URL has one
	path   string
}

// parseAddress reads what people write: a URL, Git's user@host:path, or a folder. A password in it is refused: it would
// stand in process lists, in shell histories and in the spec.
func parseAddress(raw string) (*address, error) {
	switch head, _, scp := strings.Cut(raw, ":"); {
	case raw == "" || strings.ContainsFunc(raw, unicode.IsControl):
		return nil, badURL(raw, "it is empty or holds control characters")
	case strings.Contains(raw, "://"):
		return parseURL(raw)
	case scp && !strings.Contains(head, "/"):
		return parseShort(raw)
	}
	path, err := filepath.Abs(raw)
	if err != nil {
		return nil, err
	}
	return &address{scheme: "file", path: path}, nil
}

func parseURL(raw string) (*address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, badURL(raw, "it is no URL") // the parser's own words may quote a password
	}
	if _, has := u.User.Password(); has {
		return nil, badURL(raw, "it holds a password; put that into AGENTC_GIT_PASSWORD, or into ~/.netrc")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return nil, badURL(raw, "it holds more than a host and a path")
	}
	at := &address{scheme: u.Scheme, user: u.User.Username(), host: u.Host, path: u.Path}
	switch u.Scheme {
	case "http", "https", "ssh":
		if !hostName.MatchString(u.Host) || strings.Trim(u.Path, "/") == "" {
			return nil, badURL(raw, "it names no host or no repository")
		}
	case "file":
		if u.Host != "" && u.Host != "localhost" || u.User != nil || u.Path == "" {
			return nil, badURL(raw, "a file URL has three slashes and then the path")
		}
		at.host = ""
	default:
		return nil, badURL(raw, fmt.Sprintf("%s is not spoken here", u.Scheme))
	}
	return at, nil
}

// hostName is a name or an address, with or without a port. No program shall take it for an option.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// parseShort reads user@host:path, and user@[host:port]:path.
func parseShort(raw string) (*address, error) {
	user, rest, has := strings.Cut(raw, "@")
	if !has {
		user, rest = "", raw
	}
	if strings.Contains(user, ":") {
		return nil, badURL(raw, "it seems to hold a password")
	}
	host, path, _ := strings.Cut(rest, ":")
	if strings.HasPrefix(rest, "[") {
		host, path, _ = strings.Cut(rest[1:], "]:")
	}
	if net.ParseIP(host) != nil && strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if !hostName.MatchString(host) || path == "" || path[0] == ':' {
		return nil, badURL(raw, "it names no host or no repository")
	}
	return &address{scheme: "ssh", user: user, host: host, path: path}, nil
}

func badURL(raw, why string) error {
	return &Failure{Cause: BadURL, Remote: shownURL(raw), Detail: why}
}

// private says whether nobody between us and the host can read what is said.
func (a *address) private() bool {
	host := (&url.URL{Host: a.host}).Hostname()
	return a.scheme == "https" || strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// Shown is a remote as it may be printed. Of a web URL neither user nor password are left: a token is often given as the user.
// The user of ssh stays. Of what may hide a password in a place that we do not know, nothing is shown.
func Shown(raw string) string {
	if at, err := parseAddress(raw); err == nil && (at.scheme == "file" || at.scheme == "ssh") {
		return Printable(raw)
	}
	return shownURL(raw)
}

func shownURL(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	before := rest[:max(strings.LastIndex(rest, "@"), 0)]
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || strings.ContainsAny(before, "/?#") { // a password with one of these ends up in the path
		return "the remote"
	}
	return Printable((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String())
}
