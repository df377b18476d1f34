// Package listen holds what a server of ours grants a client: time, bytes and connections. None of them is without an end.
package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of a client.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
	maxStreams    = 100  // requests at a time on one HTTP/2 connection
	maxOpen       = 4096 // connections
	maxOpenByHost = 256  // from one address
	drain         = 10 * time.Second
	hurry         = 2 * time.Second // of it; then those who only wait for news are told that there is no more
)

// Server of a handler, with its limits. Whatever panics answers 500, is logged and counted, and ends nothing else.
func Server(h http.Handler, log *slog.Logger, panicked func()) *http.Server {
	return &http.Server{
		Handler:           recovering(h, log, panicked),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: time.Minute, PingTimeout: 15 * time.Second},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), // strangers that give up are no news
	}
}

func recovering(h http.Handler, log *slog.Logger, panicked func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				log.Error("a request panicked", "path", r.URL.Path, "panic", p)
				panicked()
				http.Error(w, "something went wrong here, and nothing was decided", http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// Serve until the context ends; what is being answered then has some seconds more. A nil configuration is no TLS.
func Serve(ctx context.Context, s *http.Server, l net.Listener, config *tls.Config) error {
	l = &limited{Listener: l, open: map[string]int{}}
	base, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	s.BaseContext = func(net.Listener) context.Context { return base }
	ended := make(chan error, 1)
	go func() {
		if config == nil {
			ended <- s.Serve(l)
			return
		}
		s.TLSConfig = config
		ended <- s.ServeTLS(l, "", "")
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		defer time.AfterFunc(hurry, hangUp).Stop()
		return errors.Join(s.Shutdown(last), s.Close())
	}
}

// limited is a listener that holds no more connections than it may: those above are closed at once.
type limited struct {
	net.Listener
	mu   sync.Mutex
	all  int
	open map[string]int // by address
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err == nil && l.enter(host) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.leave(host) })}, nil
		}
		c.Close()
	}
}

func (l *limited) enter(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxOpen || l.open[host] >= maxOpenByHost {
		return false
	}
	l.all++
	l.open[host]++
	return true
}

func (l *limited) leave(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.open[host]--; l.open[host] == 0 {
		delete(l.open, host)
	}
}

type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
