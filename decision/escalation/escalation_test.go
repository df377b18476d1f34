package escalation

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLife follows one escalation from the question to its only use, and reads all that is kept of it.
func TestLife(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx, r, start := b.Context(), request(1), b.clock.now()
		e := b.ask(r)
		if !same(e.Request, r) || !bytes.Equal(e.Action, r.Action) || e.Lifetime != r.Lifetime || len(e.ID) != 32 ||
			e.State != Pending || !e.Created.Equal(start) || !e.Expires.Equal(start.Add(r.Lifetime)) {
			b.Errorf("%+v", e)
		}
		if n, oldest, err := b.Pending(ctx); n != 1 || !oldest.Equal(start) || err != nil {
			b.Errorf("%d since %s, %v", n, oldest, err)
		}
		b.clock.add(time.Minute)
		first, _ := b.Version(ctx)
		e, err := b.Vote(ctx, e.ID, vote("ada", true))
		if err != nil || e.State != Pending || len(e.Votes) != 1 || !e.Votes[0].At.Equal(b.clock.now()) || e.Votes[0].Person.Name != "ada" {
			b.Errorf("%+v, %v", e, err)
		}
		if second, err := b.Version(ctx); second <= first || err != nil {
			b.Errorf("version %d, then %d, %v", first, second, err)
		}
		b.clock.add(time.Minute)
		e, err = b.Vote(ctx, e.ID, vote("bob", true))
		if err != nil || e.State != Approved || !e.ApprovedUntil.Equal(b.clock.now().Add(r.Lifetime)) || len(e.Votes) != 2 {
			b.Errorf("%+v, %v", e, err)
		}
		b.clock.add(14 * time.Minute) // beyond Expires: an approval has its own time
		e, err = b.Consume(ctx, e.ID, r.Digest, triage)
		if err != nil || e.State != Consumed || !e.Ended.Equal(b.clock.now()) {
			b.Errorf("%+v, %v", e, err)
		}
		_, err = b.Consume(ctx, e.ID, r.Digest, triage)
		b.refused(err, "ended")
		again, err := b.Get(ctx, e.ID)
		if err != nil || !same(again, e) {
			b.Errorf("%+v, %v", again, err)
		}
		trail, err := b.Trail(ctx, e.ID)
		got := []string{}
		for _, s := range trail {
			got = append(got, fmt.Sprintf("%s %s %s %s %s %d", s.Kind, s.State, s.By, s.Via, s.Note, int(s.At.Sub(start).Minutes())))
		}
		want := []string{"created pending " + triage + "   0", "voted pending ada page because 1", "approved approved bob page because 2", "consumed consumed " + triage + "   16"}
		if !slices.Equal(got, want) || err != nil {
			b.Errorf("%q, %v", got, err)
		}
		for _, err := range []error{errOf(b.Get(ctx, "x")), errOf(b.Trail(ctx, "x")), errOf(b.Vote(ctx, "x", vote("ada", true))), errOf(b.Cancel(ctx, "x", "ada", "")),
			errOf(b.Consume(ctx, "x", r.Digest, triage)), errOf(b.Nonce(ctx, "x", true)), b.SetPost(ctx, "x", "p")} {
			b.refused(err, "unknown")
		}
	})
}

func errOf[T any](_ T, err error) error { return err }

// TestEveryStep tries every operation in every state.
func TestEveryStep(t *testing.T) {
	late := func(b *bench) { b.clock.add(15 * time.Minute) }
	states := []struct {
		name  string
		reach func(*bench) Escalation
		late  func(*bench) // nobody has swept yet
		after State        // of an operation that is refused
	}{
		{"pending", func(b *bench) Escalation { return b.ask(request(1)) }, nil, Pending},
		{"pending, late", func(b *bench) Escalation { return b.ask(request(1)) }, late, Expired},
		{"approved", func(b *bench) Escalation { return b.approved(1) }, nil, Approved},
		{"approved, late", func(b *bench) Escalation { return b.approved(1) }, late, Expired},
		{"consumed", func(b *bench) Escalation {
			e := b.approved(1)
			return must(b.Consume(b.Context(), e.ID, e.Digest, triage))
		}, nil, Consumed},
		{"rejected", func(b *bench) Escalation { return must(b.Vote(b.Context(), b.ask(request(1)).ID, vote("eve", false))) }, nil, Rejected},
		{"expired", func(b *bench) Escalation { e := b.ask(request(1)); late(b); return must(b.Get(b.Context(), e.ID)) }, nil, Expired},
		{"cancelled", func(b *bench) Escalation { return must(b.Cancel(b.Context(), b.ask(request(1)).ID, triage, "no")) }, nil, Cancelled},
	}
	operations := []struct {
		name string
		do   func(*bench, Escalation) error
		want string // for each state: a rule, or the state that follows
	}{
		{"approve", func(b *bench, e Escalation) error { return errOf(b.Vote(b.Context(), e.ID, vote("carl", true))) },
			"pending expired ended expired ended ended expired ended"},
		{"reject", func(b *bench, e Escalation) error { return errOf(b.Vote(b.Context(), e.ID, vote("carl", false))) },
			"rejected expired ended expired ended ended expired ended"},
		{"consume", func(b *bench, e Escalation) error { return errOf(b.Consume(b.Context(), e.ID, e.Digest, triage)) },
			"rule:pending expired consumed expired ended ended expired ended"},
		{"consume another action", func(b *bench, e Escalation) error {
			return errOf(b.Consume(b.Context(), e.ID, request(2).Digest, triage))
		},
			"digest expired digest expired ended ended expired ended"},
		{"consume as another caller", func(b *bench, e Escalation) error { return errOf(b.Consume(b.Context(), e.ID, e.Digest, other)) },
			"caller expired caller expired ended ended expired ended"},
		{"cancel", func(b *bench, e Escalation) error { return errOf(b.Cancel(b.Context(), e.ID, "ada", "mine")) },
			"cancelled expired cancelled expired ended ended expired ended"},
		{"expire", func(b *bench, e Escalation) error { return errOf(b.Expire(b.Context())) },
			"pending state:expired approved state:expired state:consumed state:rejected state:expired state:cancelled"},
		{"approve by button", func(b *bench, e Escalation) error {
			nonce, err := b.Nonce(b.Context(), e.ID, true)
			if err != nil {
				return err
			}
			return errOf(b.VoteByNonce(b.Context(), nonce, func(Escalation) (Vote, error) { return vote("carl", false), nil }))
		}, "pending expired ended expired ended ended expired ended"},
	}
	onBoth(t, func(b *bench) {
		for i, state := range states {
			for _, operation := range operations {
				start := b.clock.now()
				e := state.reach(b)
				if state.late != nil {
					state.late(b)
				}
				err := operation.do(b, e)
				want := strings.Fields(operation.want)[i]
				is := must(b.Get(b.Context(), e.ID)).State
				switch want {
				case "expired", "ended", "digest", "caller", "rule:pending":
					if rule(err) != strings.TrimPrefix(want, "rule:") || is != state.after {
						b.Errorf("%s, %s: %v, and it is %s", state.name, operation.name, err, is)
					}
				default:
					if err != nil || is != State(strings.TrimPrefix(want, "state:")) {
						b.Errorf("%s, %s: %v, and it is %s", state.name, operation.name, err, is)
					}
				}
				if !is.Final() {
					must(b.Cancel(b.Context(), e.ID, "test", ""))
				}
				b.clock.set(start)
				if again := must(b.Get(b.Context(), e.ID)).State; is.Final() && again != is { // also where the clock stands as before
					b.Errorf("%s, %s: %s became %s", state.name, operation.name, is, again)
				}
			}
		}
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestWhoVotes: who decides, and how well they must be known.
func TestWhoVotes(t *testing.T) {
	with := func(change func(*Vote)) Vote {
		v := vote("carl", true)
		change(&v)
		return v
	}
	onBoth(t, func(b *bench) {
		for i, c := range []struct {
			name   string
			needs  Assurance
			before []Vote
			vote   Vote
			want   string
		}{
			{"an approver", Chat, nil, vote("carl", true), ""},
			{"a second one", Verified, []Vote{vote("ada", true)}, vote("carl", true), ""},
			{"of another group", Chat, nil, with(func(v *Vote) { v.Person.Groups = []string{"sales"} }), "not-approver"},
			{"of a group in other letters", Chat, nil, with(func(v *Vote) { v.Person.Groups = []string{"SOC"} }), "not-approver"},
			{"of no group", Chat, nil, with(func(v *Vote) { v.Person.Groups = nil; v.Approve = false }), "not-approver"},
			{"nobody", Chat, nil, with(func(v *Vote) { v.Person.Name = " " }), "not-approver"},
			{"an owner", Chat, nil, with(func(v *Vote) { v.Person.Team = "pay-team" }), "own"},
			{"an owner in other letters", Chat, nil, with(func(v *Vote) { v.Person.Team = "Pay-Team" }), "own"},
			{"an owner who rejects", Chat, nil, with(func(v *Vote) { v.Person.Team, v.Approve = "triage-team", false }), "own"},
			{"twice", Chat, []Vote{vote("carl", true)}, vote("carl", true), "voted"},
			{"twice, in other letters", Chat, []Vote{vote("carl", true)}, vote("CARL ", true), "voted"},
			{"twice, other letters of Unicode", Chat, []Vote{vote("kai", true)}, vote("\u212aai", true), "voted"},
			{"twice, the other way", Chat, []Vote{vote("carl", true)}, vote("carl", false), "voted"},
			{"by chat", Chat, nil, with(func(v *Vote) { v.Assurance = Chat }), ""},
			{"by chat where that is not enough", Verified, nil, with(func(v *Vote) { v.Assurance = Chat }), "assurance"},
			{"by nothing", Chat, nil, with(func(v *Vote) { v.Assurance = "" }), "assurance"},
			{"a rejection by chat", Verified, nil, with(func(v *Vote) { v.Assurance, v.Approve = Chat, false }), ""},
			{"a rejection by nothing", Verified, nil, with(func(v *Vote) { v.Assurance, v.Approve = "", false }), ""},
			{"with too much to say", Chat, nil, with(func(v *Vote) { v.Reason = strings.Repeat("a", maxText+1) }), "limit"},
			{"with a NUL", Chat, nil, with(func(v *Vote) { v.Reason = "a\x00" }), "limit"},
		} {
			r := request(100 + i)
			r.Assurance, r.Quorum = c.needs, 3
			e := b.ask(r)
			for _, v := range c.before {
				must(b.Vote(b.Context(), e.ID, v))
			}
			before := must(b.Get(b.Context(), e.ID))
			_, err := b.Vote(b.Context(), e.ID, c.vote)
			if rule(err) != c.want {
				b.Errorf("%s: %v", c.name, err)
			}
			if after := must(b.Get(b.Context(), e.ID)); err != nil && !same(after, before) {
				b.Errorf("%s: a refusal changed it: %+v", c.name, after)
			}
			b.Cancel(b.Context(), e.ID, "test", "")
		}
	})
}

// TestWhatIsAsked: what nobody could decide on is no escalation.
func TestWhatIsAsked(t *testing.T) {
	onBoth(t, func(b *bench) {
		for name, change := range map[string]func(*Request){
			"another action":  func(r *Request) { r.Action = request(2).Action },
			"no digest":       func(r *Request) { r.Digest = "" },
			"no caller":       func(r *Request) { r.Caller = "" },
			"no callee":       func(r *Request) { r.Callee = "" },
			"no lifetime":     func(r *Request) { r.Lifetime = 0 },
			"less than none":  func(r *Request) { r.Lifetime = -time.Hour },
			"no quorum":       func(r *Request) { r.Quorum = 0 },
			"nobody":          func(r *Request) { r.Groups = nil },
			"no assurance":    func(r *Request) { r.Assurance = "" },
			"half of JSON":    func(r *Request) { r.Known = []byte(`{`) },
			"more than a lot": func(r *Request) { r.Known = []byte(`"` + strings.Repeat("a", maxRequest) + `"`) },
		} {
			r := request(1)
			change(&r)
			if e, err := b.Request(b.Context(), r); err == nil {
				b.Errorf("%s: %+v", name, e)
			}
		}
		r := request(1)
		r.Lifetime, r.Quorum = 100*time.Hour, 1
		e := b.ask(r)
		if got := e.Expires.Sub(e.Created); got != MaxLifetime {
			b.Errorf("it lives for %s", got)
		}
		e = must(b.Vote(b.Context(), e.ID, vote("ada", true)))
		if got := e.ApprovedUntil.Sub(b.clock.now()); got != MaxLifetime {
			b.Errorf("its approval lives for %s", got)
		}
	})
}

// TestFlood: who asks, withdraws and asks again calls people only so often within an hour, and no guard takes all the room in its callers' names.
func TestFlood(t *testing.T) {
	onBoth(t, func(b *bench) {
		s := b.open(Options{PerHour: 3, PerCallee: 4})
		refused := func(r Request) {
			b.Helper()
			var refusal *Refusal
			if _, err := s.Request(b.Context(), r); !errors.As(err, &refusal) || refusal.Rule != "limit" {
				b.Errorf("%v", err)
			}
		}
		for i := range 3 {
			e := must(s.Request(b.Context(), request(i)))
			must(s.Cancel(b.Context(), e.ID, e.Caller, ""))
		}
		refused(request(3))
		b.clock.add(time.Hour)
		must(s.Request(b.Context(), request(3)))
		for i := range 3 {
			r := request(4 + i)
			r.Caller = fmt.Sprintf("spiffe://x/%d", i)
			must(s.Request(b.Context(), r))
		}
		last := request(7)
		last.Caller = "spiffe://x/7"
		refused(last)
		last.Callee = "another"
		must(s.Request(b.Context(), last))
	})
}

// TestTerms: whoever decides by a newer bundle is asked anew; an older one does not bring the old question back.
func TestTerms(t *testing.T) {
	onBoth(t, func(b *bench) {
		old := b.ask(request(1))
		r := request(1)
		r.Sequence, r.Revision = 8, "r2"
		if e := b.ask(r); e.ID != old.ID {
			b.Error("asked again although the same people decide")
		}
		for i, change := range []func(*Request){
			func(r *Request) { r.Quorum = 3 },
			func(r *Request) { r.Assurance = Verified },
			func(r *Request) { r.Groups = []string{"leads"} },
			func(r *Request) { r.Owners = []string{"pay-team"} },
		} {
			r.Sequence = int64(9 + i)
			change(&r)
			e := b.ask(r)
			if e.ID == old.ID || !same(e.Request, r) {
				b.Errorf("%+v", e)
			}
			if was := must(b.Get(b.Context(), old.ID)); was.State != Cancelled || was.Why == "" {
				b.Errorf("%+v", was)
			}
			if again := b.ask(request(1)); again.ID != e.ID {
				b.Error("an older bundle brought an old question back")
			}
			old = e
		}
	})
}

// TestList: pages, filters, like cases.
func TestList(t *testing.T) {
	onBoth(t, func(b *bench) {
		ids := []string{}
		for i := range 10 {
			r := request(i)
			if i%2 == 1 {
				r.Skill = "close"
			}
			e := b.ask(r)
			ids = append(ids, e.ID)
			if i < 4 {
				must(b.Vote(b.Context(), e.ID, vote("ada", false)))
			}
			b.clock.add(time.Second)
		}
		named := func(list []Escalation, err error) string {
			if err != nil {
				b.Fatal(err)
			}
			names := []string{}
			for _, e := range list {
				names = append(names, fmt.Sprint(slices.Index(ids, e.ID)))
			}
			return strings.Join(names, " ")
		}
		list := func(f Filter) string { return named(b.List(b.Context(), f)) }
		page := must(b.List(b.Context(), Filter{Limit: 3}))
		for _, c := range [][2]string{
			{list(Filter{}), "9 8 7 6 5 4 3 2 1 0"},
			{named(page, nil), "9 8 7"},
			{list(Filter{Limit: 3, Before: page[2].Created}), "6 5 4"},
			{list(Filter{States: []State{Rejected}}), "3 2 1 0"},
			{list(Filter{States: []State{Rejected, Pending}, Skill: "close"}), "9 7 5 3 1"},
			{list(Filter{Caller: other}), ""},
			{list(Filter{Callee: "pay", Caller: triage, Skill: "close", Limit: 1}), "9"},
			{list(Filter{Callee: "' OR 1=1 --"}), ""},
			{named(b.Like(b.Context(), must(b.Get(b.Context(), ids[8])), 5)), "2 0"},
			{named(b.Like(b.Context(), must(b.Get(b.Context(), ids[2])), 5)), "0"},
		} {
			if c[0] != c[1] {
				b.Errorf("%q, want %q", c[0], c[1])
			}
		}
		b.clock.add(15*time.Minute - 5*time.Second) // 4 and 5 are over
		if got := list(Filter{States: []State{Pending}}); got != "9 8 7 6" {
			b.Errorf("pending: %s", got)
		}
		if n, _, err := b.Pending(b.Context()); n != 4 || err != nil {
			b.Errorf("%d pending, %v", n, err)
		}
		b.clock.add(time.Hour)
		if n, _, err := b.Pending(b.Context()); n != 0 || err != nil { // nobody has swept
			b.Errorf("%d pending, %v", n, err)
		}
		if n, err := b.Expire(b.Context()); n != 4 || err != nil {
			b.Errorf("%d expired, %v", n, err)
		}
	})
}

// TestClock: one that jumps ends things sooner, and revives nothing.
func TestClock(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx, start := b.Context(), b.clock.now()
		pending, approved := b.ask(request(1)), b.approved(2)
		seen := b.ask(request(3))
		b.clock.add(365 * 24 * time.Hour)
		_, err := b.Vote(ctx, pending.ID, vote("ada", true))
		b.refused(err, "expired")
		_, err = b.Consume(ctx, approved.ID, approved.Digest, triage)
		b.refused(err, "expired")
		if e := must(b.Get(ctx, seen.ID)); e.State != Expired {
			b.Errorf("%s", e.State)
		}
		for _, moment := range []time.Time{start, start.Add(-365 * 24 * time.Hour)} {
			b.clock.set(moment)
			_, err = b.Vote(ctx, pending.ID, vote("ada", true))
			b.refused(err, "expired")
			_, err = b.Consume(ctx, approved.ID, approved.Digest, triage)
			b.refused(err, "expired")
			_, err = b.Vote(ctx, seen.ID, vote("ada", true))
			b.refused(err, "expired")
		}
		if e := b.ask(request(1)); e.ID == pending.ID || e.State != Pending {
			b.Errorf("%+v", e)
		}
		// What a clock that stood wrong began does not live for as long as it stood wrong.
		b.clock.set(start.Add(365 * 24 * time.Hour))
		asked, wrong := b.ask(request(5)), b.approved(6)
		b.clock.set(start)
		if n, _, err := b.Pending(ctx); n != 0 || err != nil {
			b.Errorf("%d pending, %v", n, err)
		}
		_, err = b.Vote(ctx, asked.ID, vote("ada", true))
		b.refused(err, "expired")
		_, err = b.Consume(ctx, wrong.ID, wrong.Digest, triage)
		b.refused(err, "expired")
		// That of another replica may be a little ahead.
		b.clock.set(start.Add(time.Minute))
		ahead := b.approved(7)
		b.clock.set(start)
		must(b.Consume(ctx, ahead.ID, ahead.Digest, triage))
		// The last moment is too late; the one before is not.
		b.clock.set(start)
		e := b.ask(request(4))
		b.clock.set(e.Expires.Add(-time.Microsecond))
		must(b.Vote(ctx, e.ID, vote("ada", true)))
		b.clock.set(e.Expires)
		_, err = b.Vote(ctx, e.ID, vote("bob", true))
		b.refused(err, "expired")
	})
}

// TestNonce: a button counts once, for one vote, and only if the vote counts.
func TestNonce(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx, e := b.Context(), b.ask(request(1))
		yes, no := must(b.Nonce(ctx, e.ID, true)), must(b.Nonce(ctx, e.ID, false))
		if len(yes) != 64 || yes == no {
			b.Errorf("%s, %s", yes, no)
		}
		var kept int
		if err := b.read.QueryRow(`SELECT count(*) FROM nonces WHERE hash = $1`, yes).Scan(&kept); err != nil || kept != 0 {
			b.Errorf("the nonce itself is kept: %v", err)
		}
		by := func(v Vote) func(Escalation) (Vote, error) {
			return func(asked Escalation) (Vote, error) {
				if asked.ID != e.ID {
					b.Errorf("asked about %s", asked.ID)
				}
				return v, nil
			}
		}
		stranger := vote("zoe", true)
		stranger.Person.Groups = nil
		_, err := b.VoteByNonce(ctx, yes, by(stranger))
		b.refused(err, "not-approver")
		_, err = b.VoteByNonce(ctx, yes, func(Escalation) (Vote, error) { return Vote{}, &Refusal{"not-approver", "nobody knows them"} })
		b.refused(err, "not-approver")
		after, err := b.VoteByNonce(ctx, yes, by(vote("ada", false))) // the button says which way
		if err != nil || len(after.Votes) != 1 || !after.Votes[0].Approve {
			b.Errorf("%+v, %v", after, err)
		}
		for _, nonce := range []string{yes, "", "x", strings.ToUpper(no) + "0"} {
			_, err = b.VoteByNonce(ctx, nonce, by(vote("bob", true)))
			b.refused(err, "nonce")
		}
		after, err = b.VoteByNonce(ctx, no, by(vote("bob", true)))
		if err != nil || after.State != Rejected {
			b.Errorf("%+v, %v", after, err)
		}
	})
}

// TestQuarantine: in force at once for everybody, until it is lifted or over.
func TestQuarantine(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx, replica := b.Context(), b.open(Options{})
		until := b.clock.now().Add(time.Hour).UTC()
		before := must(replica.Version(ctx))
		for _, q := range []Quarantine{{Agent: "pay", Reason: "odd", By: "ada"}, {Agent: "pay", Reason: "odder", By: "bob", Until: until}, {Agent: "mail", Reason: "odd", By: "ada", Until: until}} {
			if err := b.Quarantine(ctx, q); err != nil {
				b.Fatal(err)
			}
		}
		if must(replica.Version(ctx)) == before {
			b.Error("nobody would look again")
		}
		show := func() string {
			s := []string{}
			for _, q := range must(replica.Quarantines(ctx)) {
				s = append(s, q.Agent+" "+q.Reason+" "+q.By)
			}
			return strings.Join(s, ", ")
		}
		if got := show(); got != "mail odd ada, pay odd ada, pay odder bob" {
			b.Error(got)
		}
		b.clock.add(time.Hour)
		if got := show(); got != "pay odd ada" {
			b.Error(got)
		}
		b.clock.add(-30 * time.Minute) // a clock that jumps back narrows
		if err := b.Lift(ctx, "pay", "ada", "was a test"); err != nil {
			b.Error(err)
		}
		if got := show(); got != "mail odd ada" {
			b.Error(got)
		}
		b.refused(b.Lift(ctx, "pay", "ada", ""), "unknown")
		for _, q := range []Quarantine{{Reason: "r", By: "ada"}, {Agent: "pay", By: "ada"}, {Agent: "pay", Reason: "r"}, {Agent: "pay", Reason: "r", By: "ada", Until: b.clock.now()}} {
			if err := b.Quarantine(ctx, q); err == nil {
				b.Errorf("%+v", q)
			}
		}
	})
}

// TestNotices: oldest first, in order for each escalation, one holder at a time, until acknowledged.
func TestNotices(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx, replica := b.Context(), b.open(Options{})
		one, two := b.ask(request(1)), b.ask(request(2))
		must(b.Vote(ctx, one.ID, vote("ada", false)))
		take := func(s *Service, want string) []Notice {
			b.Helper()
			list := must(s.Notices(ctx, 10))
			got := []string{}
			for _, n := range list {
				got = append(got, fmt.Sprintf("%s %s %d", n.Kind, map[string]string{one.ID: "one", two.ID: "two"}[n.Escalation.ID], n.Attempts))
			}
			if strings.Join(got, ", ") != want {
				b.Errorf("%q, want %q", got, want)
			}
			return list
		}
		do := func(err error) {
			b.Helper()
			if err != nil {
				b.Error(err)
			}
		}
		first := take(b.Service, "created one 1, created two 1")
		if first[0].Escalation.State != Rejected { // as it is now
			b.Errorf("%+v", first[0])
		}
		take(replica, "")
		do(b.Acknowledge(ctx, first[0]))
		b.refused(b.Acknowledge(ctx, first[0]), "lease")
		rejected := take(replica, "rejected one 1")
		do(replica.Postpone(ctx, rejected[0], 10*time.Second))
		b.clock.add(9 * time.Second)
		take(replica, "")
		b.clock.add(time.Second)
		rejected = take(b.Service, "rejected one 2")
		b.clock.add(time.Minute) // both leases are over
		again := take(replica, "created two 2, rejected one 3")
		b.refused(b.Acknowledge(ctx, rejected[0]), "lease")
		b.refused(b.Postpone(ctx, first[1], 0), "lease")
		do(replica.Acknowledge(ctx, again[0]))
		do(replica.Postpone(ctx, again[1], 1000*time.Hour)) // at most an hour
		b.clock.add(time.Hour)
		last := take(b.Service, "rejected one 4")
		b.clock.add(-48 * time.Hour) // what a clock that stood wrong postponed is not lost
		last = take(b.Service, "rejected one 5")
		do(b.Acknowledge(ctx, last[0]))
		take(b.Service, "")
	})
}

// TestPost: of two messages that show the same, the first one stays.
func TestPost(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx, e := b.Context(), b.ask(request(1))
		if post, ok, err := b.Post(ctx, e.ID); post != "" || ok || err != nil {
			b.Errorf("%q %t %v", post, ok, err)
		}
		b.refused(b.SetPost(ctx, e.ID, "p1"), "")
		b.refused(b.SetPost(ctx, e.ID, "p1"), "")
		b.refused(b.SetPost(ctx, e.ID, "p2"), "posted")
		if post, ok, err := b.Post(ctx, e.ID); post != "p1" || !ok || err != nil {
			b.Errorf("%q %t %v", post, ok, err)
		}
		_, _, err := b.Post(ctx, "x")
		b.refused(err, "unknown")
	})
}

// TestNewer: what a newer agentd wrote is refused.
func TestNewer(t *testing.T) {
	onBoth(t, func(b *bench) {
		if _, err := b.write.Exec(updateVersion, len(migrations)+1); err != nil {
			b.Fatal(err)
		}
		s, err := Open(b.Context(), b.dsn, Options{})
		if err == nil || !strings.Contains(err.Error(), "use a newer agentd") {
			b.Errorf("%v, %v", s, err)
		}
	})
}

// TestPragmas: SQLite does what the package promises.
func TestPragmas(t *testing.T) {
	s := must(Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), Options{}))
	defer s.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		if err := s.write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v", pragma, got, err)
		}
	}
	if _, err := s.read.Exec(updateVersion, 9); err == nil {
		t.Error("a reader writes")
	}
}
