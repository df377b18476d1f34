package escalation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"agentc/decision/action"
	"agentc/decision/escalation/postgrestest"
)

// TestMain starts a PostgreSQL of its own: both real databases are tested, or the test fails.
func TestMain(m *testing.M) {
	if dsn := os.Getenv("AGENTD_TEST_CHILD"); dsn != "" {
		child(dsn)
		return
	}
	os.Exit(func() int {
		var err error
		if server, err = postgrestest.New(); err != nil {
			fmt.Fprintln(os.Stderr, "the tests need PostgreSQL (hack/tools.sh):", err)
			return 1
		}
		defer server.Remove()
		return m.Run()
	}())
}

var server *postgrestest.Cluster // of the whole package

// bench is one store under test.
type bench struct {
	*testing.T
	dsn   string
	clock *clock
	*Service
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, f func(*bench)) {
	for _, store := range []string{"sqlite", "postgres"} {
		t.Run(store, func(t *testing.T) {
			b := &bench{T: t, clock: newClock()}
			if store == "postgres" {
				b.dsn = server.NewDatabase(t)
			} else {
				b.dsn = filepath.Join(t.TempDir(), "a b%c.db")
			}
			b.Service = b.open(Options{})
			f(b)
			b.agree()
		})
	}
}

// open another service on the same database, with the same clock.
func (b *bench) open(o Options) *Service {
	b.Helper()
	o.Now = b.clock.now
	s, err := Open(b.Context(), b.dsn, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// clock that tests set.
type clock struct{ micros atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.micros.Store(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time       { return time.UnixMicro(c.micros.Load()) }
func (c *clock) add(d time.Duration)  { c.micros.Add(d.Microseconds()) }
func (c *clock) set(moment time.Time) { c.micros.Store(moment.UnixMicro()) }

const (
	triage = "spiffe://bank.example/agent/triage"
	other  = "spiffe://bank.example/agent/other"
)

// request about an amount, to be approved by two of the SOC.
func request(amount int) Request {
	form, err := action.Action{Caller: triage, Callee: "pay", Skill: "refund",
		Parameters: map[string]any{"amount": json.Number(strconv.Itoa(amount)), "for": "<b> & \u2028 €"}}.Canonical()
	if err != nil {
		panic(err)
	}
	return Request{
		Action: form, Digest: action.Digest(form), Caller: triage, Callee: "pay", Skill: "refund", Risk: "high",
		Owners: []string{"triage-team", "pay-team"}, Reasons: []Reason{{"soc/large", "the amount is large", "policies/soc.yaml:6"}},
		Known: json.RawMessage(`{"anomaly":0.7,"note":"<&>"}`), Route: "soc", Endpoint: "chat", Channel: "soc", Groups: []string{"soc", "leads"},
		Quorum: 2, Assurance: Chat, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", DecisionID: "d1", Environment: "prod", Revision: "r1", Sequence: 7,
		Lifetime: 15 * time.Minute,
	}
}

func vote(name string, approve bool) Vote {
	return Vote{Person: Person{Name: name, Team: "soc-team", Groups: []string{"soc"}}, Approve: approve, Reason: "because", Via: "page", Assurance: Verified}
}

// ask must succeed.
func (b *bench) ask(r Request) Escalation {
	b.Helper()
	e, err := b.Request(b.Context(), r)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// approved escalation.
func (b *bench) approved(amount int) Escalation {
	b.Helper()
	e := b.ask(request(amount))
	for _, name := range []string{"ada", "bob"} {
		var err error
		if e, err = b.Vote(b.Context(), e.ID, vote(name, true)); err != nil {
			b.Fatal(err)
		}
	}
	return e
}

// rule of a refusal; "" where there is no error.
func rule(err error) string {
	var refusal *Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Rule
	}
	return "error: " + err.Error()
}

func (b *bench) refused(err error, want string) {
	b.Helper()
	if got := rule(err); got != want {
		b.Errorf("%q, want %q", got, want)
	}
}

// agree is what must hold in every store at every moment: no half step.
func (b *bench) agree() {
	b.Helper()
	ctx := context.Background()
	for what, statement := range map[string]string{
		"steps without a notice":               `SELECT count(*) FROM steps WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.number = steps.number AND o.escalation = steps.escalation AND o.kind = steps.kind)`,
		"notices without a step":               `SELECT count(*) FROM outbox WHERE NOT EXISTS (SELECT 1 FROM steps s WHERE s.number = outbox.number)`,
		"escalations whose last step differs":  `SELECT count(*) FROM escalations e WHERE state <> (SELECT state FROM steps s WHERE s.escalation = e.id ORDER BY number DESC LIMIT 1)`,
		"escalations that nobody created":      `SELECT count(*) FROM escalations e WHERE NOT EXISTS (SELECT 1 FROM steps s WHERE s.number = e.number AND s.escalation = e.id AND s.kind = 'created')`,
		"votes without a step":                 `SELECT count(*) FROM votes v WHERE NOT EXISTS (SELECT 1 FROM steps s WHERE s.number = v.number AND s.escalation = v.escalation AND s.kind IN ('voted', 'approved', 'rejected'))`,
		"steps without a vote":                 `SELECT count(*) FROM steps s WHERE s.kind IN ('voted', 'approved', 'rejected') AND NOT EXISTS (SELECT 1 FROM votes v WHERE s.number = v.number)`,
		"steps after the last":                 `SELECT count(*) FROM steps s WHERE EXISTS (SELECT 1 FROM steps f WHERE f.escalation = s.escalation AND f.number < s.number AND f.state NOT IN ('pending', 'approved'))`,
		"consumed without approval":            `SELECT count(*) FROM steps s WHERE kind = 'consumed' AND NOT EXISTS (SELECT 1 FROM steps a WHERE a.escalation = s.escalation AND a.kind = 'approved' AND a.number < s.number)`,
		"ended at no time":                     `SELECT count(*) FROM escalations WHERE (state IN ('pending', 'approved')) <> (ended = 0)`,
		"steps that the counter does not know": `SELECT count(*) FROM steps WHERE number > (SELECT number FROM counter)`,
	} {
		var n int
		if err := b.read.QueryRowContext(ctx, statement).Scan(&n); err != nil || n != 0 {
			b.Errorf("%s: %d, %v", what, n, err)
		}
	}
}

func same(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}
