package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The load: HTTP/1.1 by hand, since Go's client costs more than what is measured. Every answer is checked.

// connections that ask at the same time.
const connections = 16

// client is one connection.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(address string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// ask sends a request and reads the answer, which is valid until the next.
func (c *client) ask(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return nil, fmt.Errorf("the answer is %q", status)
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, errors.New("the answer has no length")
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err = io.ReadFull(c.in, c.body)
	return c.body, err
}

// load is what came of asking for a while.
type load struct {
	answers   int
	took, cpu time.Duration
	latencies []time.Duration // sorted
}

func (l *load) perSecond() float64 { return float64(l.answers) / l.took.Seconds() }

// perRequest is the server's CPU for one answer.
func (l *load) perRequest() float64 { return float64(l.cpu.Microseconds()) / float64(l.answers) }

func (l *load) percentile(p float64) time.Duration {
	return l.latencies[min(len(l.latencies)-1, int(p*float64(len(l.latencies))))]
}

// run asks for a while: rate times a second, or as often as the answers come where the rate is 0.
func (s *server) run(d time.Duration, rate float64) (*load, error) {
	var wait sync.WaitGroup
	each, faults := make([][]time.Duration, connections), make([]error, connections)
	before, began := s.cpu(), time.Now()
	for i := range connections {
		wait.Go(func() { each[i], faults[i] = s.connection(i, began, d, rate) })
	}
	wait.Wait()
	l := &load{took: time.Since(began), cpu: s.cpu() - before, latencies: slices.Concat(each...)}
	l.answers = len(l.latencies)
	slices.Sort(l.latencies)
	return l, errors.Join(faults...)
}

// connection asks in turn. At a rate, an answer's time counts from when its question was due, if it could only be asked late.
func (s *server) connection(i int, began time.Time, d time.Duration, rate float64) ([]time.Duration, error) {
	c, err := dial(s.address)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	var latencies []time.Duration
	for n := 0; time.Since(began) < d; n++ {
		from := time.Now()
		if rate > 0 {
			due := began.Add(time.Duration(float64(n*connections+i) / rate * float64(time.Second)))
			if wait := due.Sub(from); wait > 0 {
				time.Sleep(wait)
				due = time.Now() // that the timer was late is not the server's
			}
			from = due
		}
		k := (n*connections + i*37) % len(s.exchanges)
		body, err := c.ask(s.exchanges[k].request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		latencies = append(latencies, time.Since(from))
		if !bytes.Contains(body, s.exchanges[k].want) {
			return nil, fmt.Errorf("%s: %.300s, want %s", s.name, body, s.exchanges[k].want)
		}
	}
	return latencies, nil
}
