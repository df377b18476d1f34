// Command benchdecision measures agentd beside `opa run --server`: the same bundle, the same questions, in rounds that take turns. It prints a table in
// Markdown. hack/bench_decision.sh builds what it needs.
//
// OPA's Data API is asked for data.agentc.decision, with AuthZEN's question as its input; agentd is asked by AuthZEN. First each question is put to both, and
// they must agree; under load each answer is then compared with the first. CPU is user and system of the server's process. Latencies are taken at one
// rate for both: half of what OPA can do. Memory is what the process itself holds; the program's own pages, which the system can drop and read again, come on top.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

type options struct {
	agentc, agentd, opa string
	sizes               []int
	rounds              int
	each                time.Duration
}

func main() {
	var o options
	var sizes string
	flag.StringVar(&o.agentc, "agentc", "bin/agentc", "the compiler")
	flag.StringVar(&o.agentd, "agentd", "bin/agentd", "what is measured")
	flag.StringVar(&o.opa, "opa", "bin/opa", "beside which it is measured")
	flag.StringVar(&sizes, "sizes", "10,100,1000", "agents of the fleets")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each server has its turn")
	flag.DurationVar(&o.each, "each", 3*time.Second, "how long a turn is")
	flag.Parse()
	for _, size := range strings.Split(sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			fmt.Fprintln(os.Stderr, "benchdecision: -sizes:", err)
			os.Exit(2)
		}
		o.sizes = append(o.sizes, n)
	}
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "benchdecision:", err)
		os.Exit(1)
	}
}

const head = `| agents | logs | server | CPU a request, µs | requests a second | p50, ms | p99, ms | memory, MiB | with the program, MiB | at most, MiB | ready after, ms |
|---|---|---|---|---|---|---|---|---|---|---|`

func (o *options) run() error {
	fmt.Println(head)
	for _, n := range o.sizes {
		dir, err := os.MkdirTemp("", "benchdecision")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		bundle, err := compiled(o.agentc, dir, n)
		if err != nil {
			return err
		}
		for _, logs := range []bool{false, true} {
			if err := o.compare(n, bundle, logs); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare the two on one bundle.
func (o *options) compare(n int, bundle string, logs bool) error {
	asked, err := questions(bundle)
	if err != nil {
		return err
	}
	servers, err := o.start(bundle, logs)
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	if err := agree(servers, asked); err != nil {
		return err
	}
	busy, paced, err := o.turns(servers)
	if err != nil {
		return err
	}
	for i, s := range servers {
		fmt.Printf("| %d | %s | %s | %.0f | %.0f | %.2f | %.2f | %.0f | %.0f | %.0f | %d |\n", n, map[bool]string{true: "on", false: "off"}[logs], s.name,
			median(busy[i], (*load).perRequest), median(busy[i], (*load).perSecond), median(paced[i], milliseconds(0.5)), median(paced[i], milliseconds(0.99)),
			s.memory("RssAnon"), s.memory("VmRSS"), s.memory("VmHWM"), s.ready.Milliseconds())
	}
	return nil
}

func milliseconds(percentile float64) func(*load) float64 {
	return func(l *load) float64 { return float64(l.percentile(percentile).Microseconds()) / 1000 }
}

func median(loads []*load, of func(*load) float64) float64 {
	sorted := slices.SortedFunc(slices.Values(loads), func(a, b *load) int { return cmp.Compare(of(a), of(b)) })
	return of(sorted[len(sorted)/2])
}

// turns lets each have its turn, as fast as it can; then at half of what OPA could.
func (o *options) turns(servers []*server) (busy, paced [2][]*load, err error) {
	for range o.rounds {
		for i, s := range servers {
			l, err := s.run(o.each, 0)
			if err != nil {
				return busy, paced, err
			}
			busy[i] = append(busy[i], l)
		}
		rate := median(busy[1], (*load).perSecond) / 2
		for i, s := range servers {
			l, err := s.run(o.each, rate)
			if err != nil {
				return busy, paced, err
			}
			paced[i] = append(paced[i], l)
		}
	}
	return busy, paced, nil
}

// start agentd, and OPA as the second.
func (o *options) start(bundle string, logs bool) ([]*server, error) {
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	agentd := []string{o.agentd, "serve", "--dev", "--bundle", bundle, "--listen", addresses[0]}
	opa := []string{o.opa, "run", "--server", "--addr", addresses[1], "--log-level", "error", "--disable-telemetry", "--bundle", bundle}
	if logs {
		opa = append(opa, "--set", "decision_logs.console=true", "--log-level", "info")
	} else {
		agentd = append(agentd, "--unrecorded")
	}
	a, err := start("agentd", addresses[0], "/.well-known/authzen-configuration", agentd...)
	if err != nil {
		return nil, err
	}
	b, err := start("opa", addresses[1], "/health?bundles", opa...)
	if err != nil {
		return []*server{a}, err
	}
	return []*server{a, b}, nil
}

// agree puts each question to both, and keeps what they say. What a human decides is left out: agentd asks people, and OPA does not.
func agree(servers []*server, asked []json.RawMessage) error {
	agentd, opa := servers[0], servers[1]
	all, err := opa.answers("/v1/data/agentc/decision", asked, func(q json.RawMessage) json.RawMessage { return json.RawMessage(`{"input":` + string(q) + `}`) })
	if err != nil {
		return err
	}
	var decided []json.RawMessage
	for k, e := range all {
		if !bytes.Contains(e.want, []byte(`"verdict":"escalate"`)) {
			decided, opa.exchanges = append(decided, asked[k]), append(opa.exchanges, e)
		}
	}
	agentd.exchanges, err = agentd.answers("/access/v1/evaluation", decided, func(q json.RawMessage) json.RawMessage { return q })
	if err != nil {
		return err
	}
	for k := range decided {
		a, b := said(agentd.exchanges[k].want), said(opa.exchanges[k].want)
		if a == nil || !reflect.DeepEqual(a, b) {
			return fmt.Errorf("%s: agentd says %s, OPA says %s", decided[k], agentd.exchanges[k].want, opa.exchanges[k].want)
		}
	}
	return nil
}

// exchange is a request, and the part of its answer that is always the same.
type exchange struct{ request, want []byte }

// answers to questions, one after the other.
func (s *server) answers(path string, asked []json.RawMessage, wrap func(json.RawMessage) json.RawMessage) (all []exchange, err error) {
	c, err := dial(s.address)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	for _, question := range asked {
		question = wrap(question)
		request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, s.address, len(question), question)
		body, err := c.ask(request)
		if err != nil {
			return nil, err
		}
		all = append(all, exchange{request, stable(body)})
	}
	return all, nil
}

// stable is the part of an answer that is the same each time: from the first to the last of its verdict, rules, reasons, route and risk.
func stable(body []byte) []byte {
	from, to := bytes.Index(body, []byte(`"verdict":`)), bytes.Index(body, []byte(`,"environment":`))
	if reasons := bytes.Index(body, []byte(`"reasons":`)); reasons >= 0 && reasons < from { // OPA sorts the names
		from, to = reasons, from+bytes.IndexByte(body[from:], '}')
	}
	if from < 0 || to < from {
		return []byte("an answer without a verdict")
	}
	return bytes.Clone(body[from:to])
}

// said is that part as a value, without the places of the rules, which only agentd tells.
func said(part []byte) map[string]any {
	var value map[string]any
	if json.Unmarshal(slices.Concat([]byte("{"), part, []byte("}")), &value) != nil {
		return nil
	}
	reasons, _ := value["reasons"].([]any)
	for _, reason := range reasons {
		if object, is := reason.(map[string]any); is {
			delete(object, "at")
		}
	}
	return value
}
