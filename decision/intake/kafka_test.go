package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"agentc/decision/fleet"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const group = "agentd.soc.prod.falco"

// brokers in this process: three of them.
func brokers(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, Kafka) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(6, "falco-events", "unusual"), kfake.GroupMinSessionTimeout(time.Second)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, Kafka{Brokers: c.ListenAddrs()}
}

func client(t *testing.T, k Kafka, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	all, err := k.options()
	if err != nil {
		t.Fatal(err)
	}
	c, err := kgo.NewClient(append(all, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// produce n alerts, from a number on, and wait until they are there.
func produce(t *testing.T, k Kafka, from, n int) {
	t.Helper()
	c := client(t, k)
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: "falco-events", Key: fmt.Append(nil, i), Value: alert(from + i)})
	}
	if err := c.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// reads in the background, until the function is called.
func (r *rig) reads(t *testing.T, k Kafka) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := r.ReadTopic(ctx, k, "falco"); !errors.Is(err, context.Canceled) {
			t.Errorf("the reader ended: %v", err)
		}
	})
	stop = func() {
		cancel()
		done.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// committed waits until the group has committed n records.
func committed(t *testing.T, c *kfake.Cluster, n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := c.WaitGroupInfo(ctx, group, func(g *kfake.GroupInfo) bool { return g != nil && sum(g) >= n }); err != nil {
		t.Fatalf("%d records should be committed; %d are", n, sum(c.GroupInfo(group)))
	}
}

func sum(g *kfake.GroupInfo) (n int64) {
	if g != nil {
		for _, partition := range g.Commits["falco-events"] {
			n += partition.Offset
		}
	}
	return n
}

// ticking waits a little, as a service does.
func ticking(c *Config) {
	c.Wait = func(ctx context.Context, d time.Duration) error { return sleep(ctx, min(d, 5*time.Millisecond)) }
	c.Now = time.Now
}

// TestTopic: what is in the topic is handed over and committed; what is damaged too; what is too long is said, committed, and holds nothing up.
func TestTopic(t *testing.T) {
	cluster, k := brokers(t)
	h := &hop{}
	r := newRig(t, h, ticking)
	produce(t, k, 0, 200)
	parent := kgo.RecordHeader{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}
	c := client(t, k)
	for _, record := range []*kgo.Record{
		{Value: []byte("\xff damaged")}, {Value: nil}, {Value: []byte(strings.Repeat("x", MaxEvent+1))}, {Value: alert(1000), Headers: []kgo.RecordHeader{parent}},
	} {
		record.Topic = "falco-events"
		if err := c.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	stop := r.reads(t, k)
	committed(t, cluster, 204)
	stop()
	n, ids := h.count()
	if n != 203 || len(ids) != 203 || r.counted(Passed) != 203 || r.counted(Failed) != 1 {
		t.Errorf("%d handed over, of %d ids; %d failed", n, len(ids), r.counted(Failed))
	}
	kept := false
	for _, e := range r.records() {
		kept = kept || e.TraceID == "0af7651916cd43dd8448eb211c80319c" && strings.HasPrefix(e.From, "falco-events/")
	}
	if !kept || !strings.Contains(r.logged.String(), "from=falco-events/") {
		t.Errorf("the trace is lost, or nobody says where the long one stands: %s", r.logged)
	}
}

// TestRebalance: two replicas share a topic, one comes late and leaves early, and hand-overs are slow: nothing is lost, and both have worked.
func TestRebalance(t *testing.T) {
	cluster, k := brokers(t)
	const n = 600
	slow := func(int, *Message) error {
		time.Sleep(time.Millisecond)
		return nil
	}
	one, two := &hop{say: slow}, &hop{say: slow}
	first, second := newRig(t, one, ticking), newRig(t, two, ticking)
	produce(t, k, 0, n)
	stopFirst := first.reads(t, k)
	committed(t, cluster, 1)
	stopSecond := second.reads(t, k)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := cluster.WaitGroupStable(ctx, group, 2); err != nil {
		t.Fatal(err)
	}
	produce(t, k, n, n)
	committed(t, cluster, n+n/2)
	stopSecond()
	produce(t, k, 2*n, n)
	committed(t, cluster, 3*n)
	stopFirst()
	a, ids := one.count()
	b, others := two.count()
	for id := range others {
		ids[id]++
	}
	if len(ids) != 3*n || a == 0 || b == 0 {
		t.Errorf("%d events, of which %d arrived: %d by the first, %d by the second", 3*n, len(ids), a, b)
	}
	if double := a + b - len(ids); double > n/2 {
		t.Errorf("%d events came twice", double)
	}
	t.Logf("%d by the first, %d by the second, %d twice", a, b, a+b-len(ids))
}

// TestRebalanceWhileFull: a replica whose events all wait holds up nobody who joins, and gives back what it has.
func TestRebalanceWhileFull(t *testing.T) {
	cluster, k := brokers(t)
	const n = 100
	stuck := &hop{say: func(int, *Message) error { return &busy{err: errors.New("connection refused")} }}
	works := &hop{}
	first, second := newRig(t, stuck, ticking), newRig(t, works, ticking)
	produce(t, k, 0, n)
	first.reads(t, k)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := cluster.WaitGroupStable(ctx, group, 1); err != nil {
		t.Fatal(err)
	}
	second.reads(t, k)
	if _, err := cluster.WaitGroupStable(ctx, group, 2); err != nil {
		t.Fatalf("the rebalance waits for the events: %v", err)
	}
	stuck.mu.Lock()
	stuck.say = nil
	stuck.mu.Unlock()
	committed(t, cluster, n)
	_, ids := stuck.count()
	_, others := works.count()
	for id := range others {
		ids[id]++
	}
	if len(ids) != n {
		t.Errorf("%d of %d events arrived", len(ids), n)
	}
}

// TestCrash: a process dies after the hand-over and before the commit. The events come again, under the same message ids, and none is lost.
func TestCrash(t *testing.T) {
	cluster, k := brokers(t)
	const n = 300
	produce(t, k, 0, n)
	// No commit gets through, as if the process had died before each.
	fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.GroupAuthorizationFailed, Count: -1})
	before := &hop{}
	crashed := newRig(t, before, ticking)
	all := make(chan struct{})
	var once sync.Once
	before.say = func(i int, _ *Message) error {
		if i >= n {
			once.Do(func() { close(all) })
		}
		return nil
	}
	stop := crashed.reads(t, k)
	<-all
	stop()
	fault.Remove()
	handed, first := before.count()
	if got := sum(cluster.GroupInfo(group)); got != 0 {
		t.Fatalf("%d records are committed", got)
	}
	after := &hop{}
	r := newRig(t, after, ticking)
	r.reads(t, k)
	committed(t, cluster, n)
	again, second := after.count()
	if len(first) != n || len(second) != n || again != n || handed < n {
		t.Errorf("before the crash %d (%d ids), after it %d (%d ids), of %d", handed, len(first), again, len(second), n)
	}
	for id := range first {
		if second[id] != 1 {
			t.Fatalf("message %s is another the second time", id)
		}
	}
	if !strings.Contains(crashed.logged.String(), "events may come again") {
		t.Error("nobody says that commits fail")
	}
}

// TestBrokerAway: a broker goes away and another takes its place; what was in the topic and what comes then arrives.
func TestBrokerAway(t *testing.T) {
	cluster, k := brokers(t)
	const n = 150
	h := &hop{}
	r := newRig(t, h, ticking)
	produce(t, k, 0, n)
	r.reads(t, k)
	committed(t, cluster, n)
	gone := cluster.LeaderFor("falco-events", 0)
	if err := cluster.RemoveNode(gone); err != nil {
		t.Fatal(err)
	}
	produce(t, Kafka{Brokers: cluster.ListenAddrs()}, n, n)
	committed(t, cluster, 2*n)
	if _, _, err := cluster.AddNode(gone, 0); err != nil {
		t.Fatal(err)
	}
	cluster.ShufflePartitionLeaders()
	produce(t, Kafka{Brokers: cluster.ListenAddrs()}, 2*n, n)
	committed(t, cluster, 3*n)
	if _, ids := h.count(); len(ids) != 3*n {
		t.Errorf("%d of %d events arrived", len(ids), 3*n)
	}
}

// TestForward: from topic to topic, with a broker that fails on the way; each event is there, with what belongs to it.
func TestForward(t *testing.T) {
	cluster, k := brokers(t)
	const n = 100
	topic, err := NewTopic(k, "unusual")
	if err != nil {
		t.Fatal(err)
	}
	defer topic.Close()
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "unusual", Err: kerr.NotEnoughReplicas, Count: 3})
	r := newRig(t, topic, ticking)
	produce(t, k, 0, n)
	r.reads(t, k)
	committed(t, cluster, n)
	c := client(t, k, kgo.ConsumeTopics("unusual"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ids := map[string]bool{}
	for len(ids) < n {
		fetches := c.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		for _, record := range fetches.Records() {
			said := map[string]string{}
			for _, h := range record.Headers {
				said[h.Key] = string(h.Value)
			}
			var a Anomaly
			if err := json.Unmarshal([]byte(said[AnomalyKey]), &a); err != nil || a.Percentile == nil || !traceParent.MatchString(said["traceparent"]) || said[DamagedKey] != "" {
				t.Fatalf("%v: %v", err, said)
			}
			if ids[said[MessageIDKey]] || !strings.HasPrefix(string(record.Value), `{"uuid": "alert-`) {
				t.Fatalf("twice, or something else: %s %s", said[MessageIDKey], record.Value)
			}
			ids[said[MessageIDKey]] = true
		}
	}
}

// TestProduceFails: what a topic refuses for good, and what is tried again.
func TestProduceFails(t *testing.T) {
	cluster, k := brokers(t)
	for _, c := range []struct {
		err   *kerr.Error
		final bool
	}{{kerr.MessageTooLarge, true}, {kerr.TopicAuthorizationFailed, false}} {
		fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: c.err, Count: -1})
		topic, err := NewTopic(k, "unusual")
		if err != nil {
			t.Fatal(err)
		}
		err = topic.Hand(t.Context(), &Message{ID: "1", Raw: []byte("{}")})
		var refused *Refusal
		if err == nil || errors.As(err, &refused) != c.final {
			t.Errorf("%v: %v", c.err, err)
		}
		topic.Close()
		fault.Remove()
	}
}

// TestCredential: who we are is read from a file, which may change; and what would be sent in the open is refused.
func TestCredential(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credential")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, k := brokers(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "agentd", "s3cret:with:colons"))
	for name, c := range map[string]struct{ credential, user, mechanism, want string }{
		"user and password":  {"agentd:s3cret:with:colons\n", "", "SCRAM-SHA-512", ""},
		"a password":         {"s3cret:with:colons\n", "agentd", "SCRAM-SHA-512", ""},
		"the wrong one":      {"agentd:wrong", "", "SCRAM-SHA-512", "EOF"},
		"no user":            {"s3cret", "", "SCRAM-SHA-512", "no user:password"},
		"nothing":            {"agentd:", "", "SCRAM-SHA-512", "is empty"},
		"in the open":        {"agentd:s3cret", "", "PLAIN", "used with TLS alone"},
		"another mechanism":  {"agentd:s3cret", "", "GSSAPI", `the mechanism of SASL is "GSSAPI"`},
		"a credential alone": {"agentd:s3cret", "", "", "no mechanism"},
	} {
		write(c.credential)
		k := Kafka{Brokers: k.Brokers, Mechanism: c.mechanism, User: c.user, Credential: file}
		all, err := k.options()
		if err == nil {
			var cl *kgo.Client
			if cl, err = kgo.NewClient(all...); err == nil {
				err = cl.Ping(t.Context())
				cl.Close()
			}
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := (Kafka{}).options(); err == nil {
		t.Error("no brokers")
	}
}

// TestReadTopics: readers follow the bundle: an intake that it loses is read no more, one that it gains is.
func TestReadTopics(t *testing.T) {
	cluster, k := brokers(t)
	h := &hop{}
	r := newRig(t, h, ticking)
	e, f := r.bundle.get()
	r.bundle.set(nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	changed := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		r.ReadTopics(ctx, changed, func(name string, e *fleet.Endpoint) (Kafka, error) {
			if name != "kafka" || e.Host != "kafka.example" || e.Port != 9093 || e.TLS != f.Runtime.Endpoints["kafka"].TLS || e.Credential != f.Runtime.Endpoints["kafka"].Credential {
				t.Errorf("%s: %+v", name, e)
			}
			return k, nil
		})
	})
	produce(t, k, 0, 10)
	r.bundle.set(e, f)
	changed <- struct{}{}
	committed(t, cluster, 10)
	other, g := open(t)
	delete(g.Runtime.Intakes, "falco")
	r.bundle.set(other, g)
	changed <- struct{}{}
	wait, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if _, err := cluster.WaitGroupInfo(wait, group, func(g *kfake.GroupInfo) bool { return len(g.Members) == 0 }); err != nil {
		t.Errorf("the topic is still read: %v", err)
	}
	cancel()
	done.Wait()
}
