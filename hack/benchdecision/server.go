package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// server is a process that is measured.
type server struct {
	name      string
	process   *exec.Cmd
	address   string
	exchanges []exchange
	ready     time.Duration
}

// start a server, and wait until it answers.
func start(name, address, readyPath string, command ...string) (*server, error) {
	s := &server{name: name, address: address, process: exec.Command(command[0], command[1:]...)}
	if log := os.Getenv("BENCH_LOGS"); log != "" {
		file, err := os.Create(log + "/" + name + ".log")
		if err != nil {
			return nil, err
		}
		defer file.Close()
		s.process.Stdout, s.process.Stderr = file, file
	}
	began := time.Now()
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	for time.Since(began) < 5*time.Minute {
		r, err := http.Get("http://" + address + readyPath)
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				s.ready = time.Since(began)
				return s, nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("%s does not answer", name)
}

func (s *server) stop() {
	s.process.Process.Kill()
	s.process.Wait()
}

// freePort of this machine. Somebody else may take it before the server does: then that one does not become ready.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// ticks of a second in /proc, on every Linux that Go knows.
const ticks = 100

// cpu that the process has used, user and system.
func (s *server) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks
}

// memory in MiB: VmRSS, now, or VmHWM, the most that it ever was.
func (s *server) memory(field string) float64 {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, is := strings.CutPrefix(lines.Text(), field+":"); is {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}
