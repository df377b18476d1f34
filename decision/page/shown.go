package page

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"agentc/decision/approvals"
	"agentc/decision/escalation"
)

// item is an escalation with what the page says of it.
type item struct {
	escalation.Escalation
	Asks      string // name of the caller
	Hindrance string // why the person may not vote
}

func (v *visit) item(e escalation.Escalation) item {
	return item{e, nameOf(v.Fleet(), e.Caller), approvals.Hindrance(e, v.person)}
}

func (v *visit) items(list []escalation.Escalation) []item {
	items := make([]item, 0, len(list))
	for _, e := range list {
		items = append(items, v.item(e))
	}
	return items
}

// pending lists what waits, whatever ends first at the top.
func (v *visit) pending() error {
	version, err := v.Service.Version(v.ctx)
	if err != nil {
		return err
	}
	list, err := v.Service.List(v.ctx, escalation.Filter{States: []escalation.State{escalation.Pending}, Limit: 1000})
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b escalation.Escalation) int { return a.Expires.Compare(b.Expires) })
	last, err := v.Service.List(v.ctx, escalation.Filter{States: ended, Limit: 1})
	if err != nil {
		return err
	}
	items := v.items(list)
	mine := slices.ContainsFunc(items, func(i item) bool { return i.Hindrance == "" })
	return v.render(http.StatusOK, "pending.html", frame{Title: "Pending", Tab: "pending", Version: version, Notice: done(v.r.URL.Query()), Live: true, Refresh: true},
		struct {
			Items []item
			Mine  bool
			Last  []item
		}{items, mine, v.items(last)})
}

var ended = []escalation.State{escalation.Consumed, escalation.Rejected, escalation.Expired, escalation.Cancelled}

// done says what a form did. The address carries numbers and fixed words alone: nobody can have the page say something by a link.
func done(q url.Values) string {
	n, _ := strconv.Atoi(q.Get("n"))
	failed, _ := strconv.Atoi(q.Get("failed"))
	switch q.Get("done") {
	case "rejected":
		if failed > 0 {
			return plural(n, "action", "actions") + " rejected; " + strconv.Itoa(failed) + " not: decided meanwhile, or not yours to decide."
		}
		return plural(n, "action", "actions") + " rejected."
	case "approved":
		return "Your approval counts."
	case "cancelled":
		return "It is withdrawn."
	case "quarantined":
		return "The agent is under quarantine: everything from and to it is rejected."
	case "lifted":
		return "The quarantine is lifted."
	}
	return ""
}

const (
	likes  = 50 // like cases that are counted
	latest = 5  // of them that are shown
)

type one struct {
	item
	Action      content
	Known       known
	Trail       []escalation.Step
	Like        []item
	Tally       tally
	Quarantined []escalation.Quarantine // of the two agents
	Withdraw    bool                    // the person may
}

// one escalation with everything that a decision needs.
func (v *visit) one() error {
	version, err := v.Service.Version(v.ctx)
	if err != nil {
		return err
	}
	e, err := v.Service.Get(v.ctx, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	o := one{item: v.item(e), Action: actionOf(e.Action), Known: knownOf(e.Known)}
	o.Withdraw = !e.State.Final() && approvals.Withdraws(e, v.person)
	if o.Trail, err = v.Service.Trail(v.ctx, e.ID); err != nil {
		return err
	}
	like, err := v.Service.Like(v.ctx, e, likes)
	if err != nil {
		return err
	}
	o.Tally, o.Like = tallyOf(like), v.items(like[:min(len(like), latest)])
	quarantined, err := v.Service.Quarantines(v.ctx)
	if err != nil {
		return err
	}
	for _, q := range quarantined {
		if q.Agent == e.Callee || q.Agent == o.Asks {
			o.Quarantined = append(o.Quarantined, q)
		}
	}
	return v.render(http.StatusOK, "one.html", frame{Title: e.Callee + ": " + e.Skill, Tab: "pending", Version: version, Notice: done(v.r.URL.Query()), Live: true}, o)
}

// history lists what was asked, newest first, by filters.
func (v *visit) history() error {
	f, err := approvals.FilterOf(v.r)
	if err != nil {
		return &trouble{http.StatusBadRequest, "The filter cannot be understood", sentence(err.Error())}
	}
	f.Limit = 50
	asks := v.r.URL.Query().Get("caller")
	if fl := v.Fleet(); fl != nil && fl.Agent(asks) != nil {
		f.Caller = fl.Agent(asks).ID
	}
	list, err := v.Service.List(v.ctx, f)
	if err != nil {
		return err
	}
	older := ""
	if len(list) == f.Limit {
		q := v.r.URL.Query()
		q.Set("before", approvals.Stamp(list[len(list)-1].Created))
		older = "?" + q.Encode()
	}
	state := v.r.URL.Query().Get("state")
	return v.render(http.StatusOK, "history.html", frame{Title: "History", Tab: "history"}, struct {
		Items                               []item
		State, Caller, Callee, Skill, Older string
		States, Agents                      []string
		Later                               bool
	}{v.items(list), state, asks, f.Callee, f.Skill, older, states, v.agents(), !f.Before.IsZero()})
}

var states = []string{"pending", "approved", "consumed", "rejected", "expired", "cancelled"}

// agents of the fleet, by name.
func (v *visit) agents() []string {
	var names []string
	if f := v.Fleet(); f != nil {
		for name := range f.Fleet.Agents {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

type held struct {
	escalation.Quarantine
	Hindrance string // why the person may not lift it
}

// quarantines that are in force, and the form for another.
func (v *visit) quarantines() error {
	version, err := v.Service.Version(v.ctx)
	if err != nil {
		return err
	}
	list, err := v.Service.Quarantines(v.ctx)
	if err != nil {
		return err
	}
	items := make([]held, 0, len(list))
	for _, q := range list {
		items = append(items, held{q, approvals.Lifts(v.person, v.Fleet(), q.Agent)})
	}
	return v.render(http.StatusOK, "quarantines.html", frame{Title: "Quarantines", Tab: "quarantines", Version: version, Notice: done(v.r.URL.Query()), Live: true}, struct {
		Items  []held
		Agents []string
		Spans  []span
	}{items, v.agents(), spans})
}

// span of a quarantine that the form offers.
type span struct {
	Value, Label string
	d            time.Duration // zero: until somebody lifts it
}

var spans = []span{{"", "until somebody lifts it", 0}, {"1h", "1 hour", time.Hour}, {"8h", "8 hours", 8 * time.Hour}, {"24h", "24 hours", 24 * time.Hour}, {"168h", "7 days", 168 * time.Hour}}
