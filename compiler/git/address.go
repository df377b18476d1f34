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
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
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
	if i := strings.IndexAny(raw, "?#"); i >= 0 { // and what stands behind may be a token
		raw = raw[:i] + "…"
	}
	if i := strings.LastIndex(raw, "@"); i >= 0 { // what stands before may be a password
		raw = "…" + raw[i:]
	}
	return &Failure{Cause: BadURL, Remote: fmt.Sprintf("%q", shown(raw)), Detail: why}
}

// String has no user in it either: a token is often given as one.
func (a *address) String() string {
	if a.scheme == "file" {
		return a.path
	}
	u := url.URL{Scheme: a.scheme, Host: a.host, Path: "/" + strings.TrimPrefix(a.path, "/")}
	return u.String()
}
