package escalation

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// atOnce runs f n times at the same time, and counts what it says.
func atOnce(n int, f func(i int) string) map[string]int {
	var (
		group  sync.WaitGroup
		mutex  sync.Mutex
		counts = map[string]int{}
		start  = make(chan struct{})
	)
	for i := range n {
		group.Go(func() {
			<-start
			said := f(i)
			mutex.Lock()
			defer mutex.Unlock()
			counts[said]++
		})
	}
	close(start)
	group.Wait()
	return counts
}

func (b *bench) counted(got map[string]int, want string) {
	b.Helper()
	if s := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(got), "map["), "]"); s != want {
		b.Errorf("%s, want %s", s, want)
	}
}

// TestConsumers: of a thousand who come at the same time, from two replicas, one executes.
func TestConsumers(t *testing.T) {
	onBoth(t, func(b *bench) {
		e := b.approved(1)
		replicas := []*Service{b.open(Options{Timeout: time.Minute}), b.open(Options{Timeout: time.Minute})}
		b.counted(atOnce(1000, func(i int) string {
			_, err := replicas[i%2].Consume(b.Context(), e.ID, e.Digest, triage)
			return rule(err)
		}), ":1 ended:999")
	})
}

// TestVotersAtOnce: the vote that makes the quorum is one, and everybody has one.
func TestVotersAtOnce(t *testing.T) {
	onBoth(t, func(b *bench) {
		r := request(1)
		r.Quorum = 3
		e := b.ask(r)
		b.counted(atOnce(20, func(i int) string {
			_, err := b.Vote(b.Context(), e.ID, vote(fmt.Sprint("p", i), true))
			return rule(err)
		}), ":3 ended:17")
		if e = must(b.Get(b.Context(), e.ID)); e.State != Approved || len(e.Votes) != 3 {
			b.Errorf("%+v", e)
		}
		r = request(2)
		r.Quorum = 3
		e = b.ask(r)
		b.counted(atOnce(20, func(i int) string {
			_, err := b.Vote(b.Context(), e.ID, vote([]string{"ada", "ADA"}[i%2], true))
			return rule(err)
		}), ":1 voted:19")
		nonce := must(b.Nonce(b.Context(), e.ID, true))
		got := atOnce(20, func(i int) string {
			_, err := b.VoteByNonce(b.Context(), nonce, func(Escalation) (Vote, error) { return vote(fmt.Sprint("p", i), true), nil })
			return rule(err)
		})
		b.counted(got, ":1 nonce:19")
		b.counted(atOnce(20, func(i int) string { // approvals and rejections: whatever comes first, a rejection ends it
			_, err := b.Vote(b.Context(), e.ID, vote(fmt.Sprint("q", i), false))
			return rule(err)
		}), ":1 ended:19")
	})
}

// TestJoining: the same question at the same time is one, and caps are exact.
func TestJoining(t *testing.T) {
	onBoth(t, func(b *bench) {
		replicas := []*Service{b.Service, b.open(Options{})}
		ids := atOnce(40, func(i int) string {
			e, err := replicas[i%2].Request(b.Context(), request(1))
			return e.ID + rule(err)
		})
		if len(ids) != 1 {
			b.Errorf("%v", ids)
		}
		b.counted(atOnce(40, func(i int) string {
			_, err := replicas[i%2].Request(b.Context(), request(2+i))
			return rule(err)
		}), ":19 limit:21")
		if _, err := b.Request(b.Context(), request(1)); err != nil { // joining takes no room
			b.Error(err)
		}
		r := request(1)
		r.Caller = other
		if e, err := b.Request(b.Context(), r); err != nil || ids[e.ID] != 0 { // another caller's is another
			b.Errorf("%+v, %v", e, err)
		}
		small := b.open(Options{InAll: 22})
		r = request(100)
		r.Caller = other
		_, err := small.Request(b.Context(), r)
		b.refused(err, "")
		r = request(101)
		r.Caller = other
		_, err = small.Request(b.Context(), r)
		b.refused(err, "limit")
		b.clock.add(time.Hour) // what is over takes no room, although nobody has swept
		_, err = small.Request(b.Context(), r)
		b.refused(err, "")
	})
}

// TestApprovalRacesExpiry: time runs out at every moment of a vote, and somebody sweeps meanwhile. It is approved in time, or it has expired; never both.
func TestApprovalRacesExpiry(t *testing.T) {
	onBoth(t, func(b *bench) {
		outcomes := map[State]int{}
		for i := range 24 {
			r := request(i)
			r.Quorum = 1
			e := b.ask(r)
			first := i%8 == 7 // the vote is through before anybody sweeps: on a busy machine it might lose all other races
			readings, done := int64(i%4), make(chan struct{})
			if first {
				readings = math.MaxInt64
			}
			var asked atomic.Int64
			voter := must(Open(b.Context(), b.dsn, Options{Now: func() time.Time { // runs out after it was asked for so many times
				if asked.Add(1) > readings {
					return e.Expires
				}
				return e.Expires.Add(-time.Microsecond)
			}}))
			b.clock.set(e.Expires.Add(-time.Microsecond))
			var voted error
			atOnce(2, func(k int) string {
				if k == 0 {
					_, voted = voter.Vote(b.Context(), e.ID, vote("ada", true))
					close(done)
				} else {
					if first {
						<-done
					}
					b.clock.set(e.Expires)
					must(b.Expire(b.Context()))
				}
				return ""
			})
			voter.Close()
			trail := must(b.Trail(b.Context(), e.ID))
			last := trail[len(trail)-1]
			outcomes[last.State]++
			switch {
			case last.State == Approved && (voted != nil || !last.At.Before(e.Expires)),
				last.State == Expired && (rule(voted) != "expired" || last.At.Before(e.Expires)),
				last.State != Approved && last.State != Expired, len(trail) != 2:
				b.Errorf("%v: %+v", voted, trail)
			}
			if last.State == Approved {
				must(b.Cancel(b.Context(), e.ID, "test", ""))
			}
		}
		if len(outcomes) != 2 {
			b.Errorf("%v", outcomes)
		}
	})
}

// TestReplicasShareNotices: each is handed to one of two, whoever asks when.
func TestReplicasShareNotices(t *testing.T) {
	onBoth(t, func(b *bench) {
		for i := range 20 {
			must(b.Vote(b.Context(), b.ask(request(i)).ID, vote("ada", false)))
		}
		replicas := []*Service{b.Service, b.open(Options{})}
		got := map[int64]int{}
		var mutex sync.Mutex
		atOnce(4, func(i int) string {
			s := replicas[i%2]
			for range 20 {
				for _, n := range must(s.Notices(b.Context(), 3)) {
					mutex.Lock()
					got[n.ID]++
					mutex.Unlock()
					if err := s.Acknowledge(b.Context(), n); err != nil {
						b.Error(err)
					}
				}
			}
			return ""
		})
		for id, n := range got {
			if n != 1 {
				b.Errorf("notice %d was handed out %d times", id, n)
			}
		}
		if len(got) != 40 {
			b.Errorf("%d notices", len(got))
		}
	})
}

// TestOpenAtOnce: replicas that start together make one schema.
func TestOpenAtOnce(t *testing.T) {
	for _, dsn := range []string{t.TempDir() + "/x.db", server.NewDatabase(t)} {
		got := atOnce(8, func(int) string {
			s, err := Open(t.Context(), dsn, Options{})
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(s.Close())
		})
		if got["<nil>"] != 8 {
			t.Errorf("%v", got)
		}
	}
}

// child does everything that a store does, over and over, and says what it has done, until it is killed.
func child(dsn string) {
	ctx := context.Background()
	s := must(Open(ctx, dsn, Options{PerCaller: 1000, PerCallee: 1000, PerHour: 10_000, Lease: time.Millisecond}))
	for i := 0; ; i++ {
		e := must(s.Request(ctx, request(os.Getpid()*100_000+i)))
		fmt.Println("created", e.ID)
		nonce := must(s.Nonce(ctx, e.ID, true))
		must(s.VoteByNonce(ctx, nonce, func(Escalation) (Vote, error) { return vote("ada", true), nil }))
		must(s.Vote(ctx, e.ID, vote("bob", i%3 > 0)))
		fmt.Println("voted", e.ID)
		if i%3 > 0 {
			must(s.Consume(ctx, e.ID, e.Digest, triage))
			fmt.Println("consumed", e.ID)
		}
		for _, n := range must(s.Notices(ctx, 3)) {
			if err := s.Acknowledge(ctx, n); err == nil {
				fmt.Println("heard", n.ID)
			}
		}
	}
}

// TestKilled kills a process at many moments. What it said it had done is done, and nothing is half done.
func TestKilled(t *testing.T) {
	onBoth(t, func(b *bench) {
		done := map[string]int{}
		chance := rand.New(rand.NewPCG(1, 2))
		for range 12 {
			for _, line := range killed(b, chance.IntN(25), time.Duration(chance.IntN(4000))*time.Microsecond) {
				done[line]++
			}
			s := b.open(Options{})
			if err := s.step(b.Context(), func(*tx) error { return nil }); err != nil { // what the server still had to undo is undone
				b.Fatal(err)
			}
			b.agree()
		}
		for line, times := range done {
			what, id, _ := strings.Cut(line, " ")
			var n, want int
			var statement string
			switch want = 1; what {
			case "created":
				statement = `SELECT count(*) FROM steps WHERE kind = 'created' AND escalation = $1`
			case "voted":
				statement, want = `SELECT count(*) FROM votes WHERE escalation = $1`, 2
			case "consumed":
				statement = `SELECT count(*) FROM steps WHERE kind = 'consumed' AND escalation = $1`
			case "heard":
				statement = `SELECT count(*) FROM outbox WHERE done > 0 AND CAST(number AS TEXT) = $1`
			default:
				b.Fatalf("the child says %q", line)
			}
			if err := b.read.QueryRow(statement, id).Scan(&n); err != nil || n != want || times != 1 {
				b.Errorf("%s: said %d times, %d kept, %v", line, times, n, err)
			}
		}
		if len(done) < 50 {
			b.Errorf("only %d things were done", len(done))
		}
		b.clock.set(time.Now().Add(time.Minute)) // leases of the dead are over
		total, heard := 0, 0
		for {
			list := must(b.Notices(b.Context(), 1000))
			if len(list) == 0 {
				break
			}
			for _, n := range list {
				if err := b.Acknowledge(b.Context(), n); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := b.read.QueryRow(`SELECT count(*), coalesce(sum(CASE WHEN done > 0 THEN 1 ELSE 0 END), 0) FROM outbox`).Scan(&total, &heard); err != nil || total != heard {
			b.Errorf("%d of %d notices were heard, %v", heard, total, err)
		}
	})
}

// killed runs a child until it has said so many lines, and a moment longer.
func killed(b *bench, lines int, longer time.Duration) []string {
	b.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "AGENTD_TEST_CHILD="+b.dsn)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	said := []string{}
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		said = append(said, scanner.Text())
		if len(said) == lines+1 {
			time.AfterFunc(longer, func() { c.Process.Kill() })
		}
	}
	if err := c.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		b.Fatalf("the child ended by itself: %v", err)
	}
	return said
}

// TestAway stops PostgreSQL under load. Every call ends with an error or is done, within its time; afterwards everything goes on.
func TestAway(t *testing.T) {
	b := &bench{T: t, dsn: server.NewDatabase(t), clock: newClock()}
	b.Service = b.open(Options{Timeout: 3 * time.Second, PerCaller: 10_000, InAll: 10_000, PerCallee: 10_000, PerHour: 10_000})
	e := b.approved(1)
	var (
		stop, failures, slow atomic.Int64
		kept                 sync.Map
		group                sync.WaitGroup
		failing              = make(chan struct{})
		once                 sync.Once
	)
	for worker := range 4 {
		group.Go(func() {
			for i := 0; stop.Load() == 0; i++ {
				start := time.Now()
				asked, err := b.Request(context.Background(), request(1000+worker*100_000+i))
				if time.Since(start) > 5*time.Second {
					slow.Add(1)
				}
				if err == nil {
					kept.Store(asked.ID, true)
				} else {
					failures.Add(1)
					once.Do(func() { close(failing) })
					time.Sleep(10 * time.Millisecond) // as a client would
				}
			}
		})
	}
	server.Stop("QUIT")
	<-failing
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for name, err := range map[string]error{"consume": errOf(b.Consume(ctx, e.ID, e.Digest, triage)), "get": errOf(b.Get(ctx, e.ID)), "list": errOf(b.List(ctx, Filter{})),
		"notices": errOf(b.Notices(ctx, 1)), "quarantines": errOf(b.Quarantines(ctx)), "open": errOf(Open(ctx, b.dsn, Options{}))} {
		if err == nil || rule(err) == "unknown" {
			t.Errorf("%s without a database: %v", name, err)
		}
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	stop.Store(1)
	group.Wait()
	if slow.Load() > 0 || failures.Load() == 0 {
		t.Errorf("%d calls failed, %d took too long", failures.Load(), slow.Load())
	}
	if _, err := b.Consume(t.Context(), e.ID, e.Digest, triage); err != nil {
		t.Error(err)
	}
	kept.Range(func(id, _ any) bool {
		if _, err := b.Get(t.Context(), id.(string)); err != nil {
			t.Errorf("%s was there, and is gone: %v", id, err)
		}
		return true
	})
	b.agree()
}

// TestStuck: another process holds the database. A call ends when its context does.
func TestStuck(t *testing.T) {
	onBoth(t, func(b *bench) {
		holder := b.open(Options{})
		inside, release := make(chan struct{}), make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			holder.step(context.Background(), func(*tx) error {
				close(inside)
				<-release
				return errJoined
			})
		})
		<-inside
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		ended := make(chan map[string]int)
		go func() {
			ended <- atOnce(10, func(i int) string {
				if _, err := b.Request(ctx, request(i)); err == nil {
					return "done although somebody is in the way"
				}
				return "ended"
			})
		}()
		for b.write.Stats().InUse < b.write.Stats().MaxOpenConnections { // until steps have taken all connections
			time.Sleep(time.Millisecond)
		}
		if _, err := b.Quarantines(b.Context()); err != nil { // readers do not wait
			b.Error(err)
		}
		cancel()
		start := time.Now()
		if b.counted(<-ended, "ended:10"); time.Since(start) > 2*time.Second {
			b.Errorf("after %s", time.Since(start))
		}
		close(release)
		group.Wait()
		b.ask(request(1))
	})
}

// TestFull: an SQLite file that cannot grow. What was kept stays, what is new is refused, and later it goes on.
func TestFull(t *testing.T) {
	b := &bench{T: t, dsn: t.TempDir() + "/x.db", clock: newClock()}
	b.Service = b.open(Options{PerCaller: 10_000, InAll: 10_000, PerCallee: 10_000, PerHour: 10_000})
	e := b.approved(1)
	limit := func(pages string) {
		if _, err := b.write.Exec(`PRAGMA max_page_count = ` + pages); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // as many as there are
	var err error
	n := 2
	for ; err == nil && n < 1000; n++ {
		_, err = b.Request(t.Context(), request(n))
	}
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("after %d: %v", n, err)
	}
	b.agree()
	if _, err := b.Get(t.Context(), e.ID); err != nil {
		t.Error(err)
	}
	b.clock.add(time.Hour) // what cannot be written is expired all the same
	if got, err := b.Get(t.Context(), e.ID); err != nil || got.State != Expired {
		t.Errorf("%s, %v", got.State, err)
	}
	if _, err := b.Consume(t.Context(), e.ID, e.Digest, triage); err == nil {
		t.Error("an approval that is over was used")
	}
	limit("1000000")
	b.ask(request(n))
	b.agree()
}
