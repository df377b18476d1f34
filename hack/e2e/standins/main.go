// Command standins is what the cluster of the end-to-end test has around it, each part a process of its own on loopback:
//
//	standins names LISTEN NAME=ADDRESS...         a proxy that knows these names and no others
//	standins git LISTEN CERT KEY ROOT             Git over smart HTTP; whoever pushes needs the password "publisher"
//	standins prometheus LISTEN FILE               Prometheus's query API: every query answers with the number in FILE
//	standins metrics LISTEN CERT KEY KUBECONFIG   metrics.k8s.io: every container uses a thousandth of a CPU
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httputil"
	"os"
	"os/exec"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: standins names|git|prometheus|metrics LISTEN ...")
	}
	listen, rest := os.Args[2], os.Args[3:]
	switch os.Args[1] {
	case "names":
		log.Fatal(http.ListenAndServe(listen, names(rest)))
	case "git":
		log.Fatal(http.ListenAndServeTLS(listen, rest[0], rest[1], git(rest[2])))
	case "prometheus":
		log.Fatal(http.ListenAndServe(listen, prometheus(rest[0])))
	case "metrics":
		log.Fatal(http.ListenAndServeTLS(listen, rest[0], rest[1], metrics(rest[2])))
	}
	log.Fatalf("no stand-in is called %q", os.Args[1])
}

// names lets the components use the names that the fleet's spec has for its cluster, its repository and its Prometheus, without a
// change of the machine's own names. A name that it does not know is refused: nothing leaves the machine.
func names(entries []string) http.Handler {
	address := map[string]string{}
	for _, entry := range entries {
		name, to, _ := strings.Cut(entry, "=")
		address[name] = to
	}
	plain := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Host = address[r.In.URL.Host] },
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, known := address[r.URL.Host]
		switch {
		case !known:
			log.Printf("refused %s %s", r.Method, r.URL.Host)
			http.Error(w, "nobody here is called "+r.URL.Host, http.StatusBadGateway)
		case r.Method == http.MethodConnect:
			tunnel(w, to)
		default:
			plain.ServeHTTP(w, r)
		}
	})
}

func tunnel(w http.ResponseWriter, to string) {
	server, err := net.Dial("tcp", to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		log.Print(err)
		return
	}
	defer client.Close()
	fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{}, 2)
	go func() { io.Copy(server, buffered); done <- struct{}{} }()
	go func() { io.Copy(client, server); done <- struct{}{} }()
	<-done
}

func git(root string) http.Handler {
	folder, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		log.Fatal(err)
	}
	backend := strings.TrimSpace(string(folder)) + "/git-http-backend"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		env := []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1"}
		push := strings.HasSuffix(r.URL.Path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
		if push {
			if _, password, _ := r.BasicAuth(); password != "publisher" {
				w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
				http.Error(w, "who pushes?", http.StatusUnauthorized)
				return
			}
			env = append(env, "REMOTE_USER=publisher")
		}
		(&cgi.Handler{Path: backend, Env: env}).ServeHTTP(w, r)
	})
}

func prometheus(file string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value, err := os.ReadFile(file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		log.Printf("%s %s -> %s", r.URL.Path, r.FormValue("query"), strings.TrimSpace(string(value)))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%d,%q]}]}}`,
			time.Now().Unix(), strings.TrimSpace(string(value)))
	})
}
