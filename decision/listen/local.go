package listen

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// LocalHost refuses requests to names that are not this machine's own. Without TLS nothing else keeps a web page from giving its own name this
// machine's address, and then being what it is called.
func LocalHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if host != "localhost" && (err != nil || !ip.IsLoopback()) {
			http.Error(w, "this address serves its own machine alone, as 127.0.0.1 or localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
