package trace

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"time"
)

// line of `hubble observe -o jsonpb`, as far as it is read: a GetFlowsResponse in proto3's JSON with the names of the proto.
type line struct {
	Flow *flow           `json:"flow"`
	Lost json.RawMessage `json:"lost_events"`
}

type flow struct {
	Time    time.Time `json:"time"`
	Verdict string    `json:"verdict"`
	Node    string    `json:"node_name"`
	IP      struct {
		Source      string `json:"source"`
		Destination string `json:"destination"`
	} `json:"IP"`
	L4 struct {
		TCP *struct {
			Source      uint16 `json:"source_port"`
			Destination uint16 `json:"destination_port"`
			Flags       struct{ SYN, ACK bool }
		}
	} `json:"l4"`
	From  end   `json:"source"`
	To    end   `json:"destination"`
	Reply *bool `json:"is_reply"`
}

// end of a flow.
type end struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod_name"`
}

func (e end) String() string {
	if e.Pod == "" {
		return e.Namespace
	}
	return e.Namespace + "/" + e.Pod
}

// Connection is what Hubble saw between two sockets.
type Connection struct {
	First       time.Time      `json:"first"`
	Last        time.Time      `json:"last"`
	Source      netip.AddrPort `json:"source"`
	Destination netip.AddrPort `json:"destination"`
	From        string         `json:"from,omitempty"` // namespace/pod
	To          string         `json:"to,omitempty"`
	Node        string         `json:"node,omitempty"`
	Flows       int            `json:"flows"`

	passed  bool // not all of it was dropped
	decided bool
}

// Flows that Hubble saw.
type Flows struct {
	seen   []sighting
	Read   int // TCP flows
	Passed int // lines that could not be read
	Lost   int // lines that say that Hubble lost some
}

// sighting of a connection, from the client to the server.
type sighting struct {
	Connection
	begins bool // the client's SYN
}

// maxFlow is how long a line can be.
const maxFlow = 1 << 20

// ReadFlows reads what hubble observe printed. What is no TCP is left out.
func ReadFlows(from io.Reader, port uint16) (*Flows, error) {
	f := &Flows{}
	r := bufio.NewReaderSize(from, maxFlow)
	for {
		text, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			f.Passed++
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
		case len(text) > 0:
			f.take(text, port)
		}
		if errors.Is(err, io.EOF) {
			return f, nil
		} else if err != nil {
			return nil, err
		}
	}
}

func (f *Flows) take(text []byte, port uint16) {
	var l line
	switch err := json.Unmarshal(text, &l); {
	case err != nil:
		f.Passed++
	case l.Lost != nil:
		f.Lost++
	case l.Flow != nil && l.Flow.L4.TCP != nil:
		if s, ok := l.Flow.sighting(port); ok {
			f.Read++
			f.seen = append(f.seen, s)
		} else {
			f.Passed++
		}
	}
}

func (l *flow) sighting(port uint16) (s sighting, ok bool) {
	tcp := l.L4.TCP
	from, err1 := netip.ParseAddr(l.IP.Source)
	to, err2 := netip.ParseAddr(l.IP.Destination)
	if err1 != nil || err2 != nil || l.Time.IsZero() {
		return s, false
	}
	s.First, s.Last, s.Flows, s.Node = l.Time, l.Time, 1, l.Node
	s.Source, s.Destination = netip.AddrPortFrom(from.Unmap(), tcp.Source), netip.AddrPortFrom(to.Unmap(), tcp.Destination)
	s.From, s.To = l.From.String(), l.To.String()
	s.passed = l.Verdict != "DROPPED" && l.Verdict != "ERROR"
	s.begins = tcp.Flags.SYN && !tcp.Flags.ACK
	// Hubble does not always know which way a packet goes; then the guard's port tells.
	if l.Reply != nil && *l.Reply || l.Reply == nil && tcp.Source == port && tcp.Destination != port {
		s.Source, s.Destination, s.From, s.To, s.begins = s.Destination, s.Source, s.To, s.From, false
	}
	return s, true
}

// Network compares decisions with what Hubble saw.
type Network struct {
	Flows    int          `json:"flows"`
	Passed   int          `json:"passed_over"` // lines of flows that could not be read
	Lost     int          `json:"lost"`        // times that Hubble says it lost some: a decision without a flow may be one of those
	Bypasses []Connection `json:"bypasses"`    // to a guard's port, without a decision
	Unseen   []Decision   `json:"unseen"`      // decisions while Hubble watched, without a flow
}

type pair struct{ from, to netip.AddrPort }

// join decisions to connections, and steps as well.
func (f *Flows) join(decisions []Decision, steps []Step, window time.Duration, port uint16) *Network {
	n := &Network{Flows: f.Read, Passed: f.Passed, Lost: f.Lost, Bypasses: []Connection{}, Unseen: []Decision{}}
	if len(f.seen) == 0 {
		return n
	}
	slices.SortStableFunc(f.seen, func(a, b sighting) int { return a.First.Compare(b.First) })
	connections := f.connections(window)
	from, until := f.seen[0].First.Add(-window), f.seen[len(f.seen)-1].First.Add(window)
	for _, d := range decisions {
		if c := find(connections, d, window); c != nil {
			c.decided = true
		} else if !d.Time.Before(from) && !d.Time.After(until) {
			n.Unseen = append(n.Unseen, d)
		}
	}
	for i := range steps {
		if d, is := decisionOf(steps[i].Log, steps[i].Record); is && steps[i].Kind == "decision" {
			steps[i].Seen = find(connections, d, window)
		}
	}
	for _, some := range connections {
		for _, c := range some {
			if c.Destination.Port() == port && c.passed && !c.decided {
				n.Bypasses = append(n.Bypasses, *c)
			}
		}
	}
	slices.SortFunc(n.Bypasses, func(a, b Connection) int {
		return cmp.Or(a.First.Compare(b.First), a.Source.Compare(b.Source), a.Destination.Compare(b.Destination))
	})
	slices.SortFunc(n.Unseen, func(a, b Decision) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Log, b.Log), cmp.Compare(a.Seq, b.Seq))
	})
	return n
}

// connections out of sightings: two nodes see the same packet, and the same ports can be taken again later.
func (f *Flows) connections(window time.Duration) map[pair][]*Connection {
	all := map[pair][]*Connection{}
	for _, s := range f.seen {
		key := pair{s.Source, s.Destination}
		some := all[key]
		if len(some) == 0 || s.begins && s.First.Sub(some[len(some)-1].First) > window {
			c := s.Connection
			all[key] = append(some, &c)
			continue
		}
		c := some[len(some)-1]
		c.Last, c.Flows, c.passed = s.Last, c.Flows+1, c.passed || s.passed
	}
	return all
}

// find the connection that something was decided on. One that lasts has many decisions.
func find(connections map[pair][]*Connection, d Decision, window time.Duration) *Connection {
	for _, c := range slices.Backward(connections[pair{d.Source, d.Destination}]) {
		if !d.Time.Before(c.First.Add(-window)) && !d.Time.After(c.Last.Add(window)) {
			return c
		}
	}
	return nil
}
