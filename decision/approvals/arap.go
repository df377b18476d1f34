package approvals

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"agentc/decision/escalation"
)

// answer of the profile: a task, and what came of it.
type answer struct {
	Task   task    `json:"task"`
	Result *result `json:"result,omitempty"`
}

type task struct {
	ID             string            `json:"id"`
	Status         string            `json:"status"` // the profile's, and consumed: an approval that was used up, which is none
	StatusEndpoint string            `json:"status_endpoint"`
	ExpiresAt      string            `json:"expires_at"` // until then it may become approved, or the approval be used
	Display        display           `json:"display"`
	Progress       *progress         `json:"progress,omitempty"`
	Links          map[string]string `json:"links,omitempty"`
}

type display struct {
	Title       string `json:"title"`
	Description string `json:"description"`
}

type progress struct {
	Step  int    `json:"current_step"`
	Steps int    `json:"total_steps"`
	Name  string `json:"step_name"`
}

type result struct {
	Mode     string   `json:"mode"`
	Approval approval `json:"approval"`
}

// approval that is carried into the new evaluation, as context.approval. It is no key to anything: the decision point looks it up and compares.
type approval struct {
	ID            string `json:"id"`
	ApprovedAt    string `json:"approved_at,omitempty"`
	ApprovedUntil string `json:"approved_until"`
}

// statuses are our states in the profile's words.
var statuses = map[escalation.State]string{
	escalation.Pending: "pending", escalation.Approved: "approved", escalation.Consumed: "consumed", escalation.Rejected: "denied",
	escalation.Expired: "expired", escalation.Cancelled: "cancelled",
}

var descriptions = map[escalation.State]string{
	escalation.Pending:   "Somebody has to decide. Without an answer it is rejected.",
	escalation.Approved:  "Ask again with the approval: the same action is executed once.",
	escalation.Consumed:  "The approval was used. The action needs a new one.",
	escalation.Rejected:  "Somebody rejected it.",
	escalation.Expired:   "Its time is over, which is a rejection.",
	escalation.Cancelled: "It was withdrawn.",
}

// Stamp is how the API writes a time.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// answerOf an escalation. Who decides and why is none of a program's business.
func (s *Server) answerOf(e escalation.Escalation) answer {
	at := s.URL + Requests + "/" + e.ID
	a := answer{Task: task{
		ID: e.ID, Status: statuses[e.State], StatusEndpoint: at, ExpiresAt: Stamp(e.Expires),
		Display: display{"Action " + e.Skill + " of " + e.Callee, descriptions[e.State]},
	}}
	approvals, last := 0, time.Time{}
	for _, v := range e.Votes {
		if v.Approve {
			approvals, last = approvals+1, v.At
		}
	}
	switch e.State {
	case escalation.Pending:
		a.Task.Progress = &progress{min(approvals+1, e.Quorum), e.Quorum, "approval"}
		a.Task.Links = map[string]string{"cancel": at + "/cancel"}
	case escalation.Approved:
		a.Task.Links = map[string]string{"cancel": at + "/cancel"}
		a.Task.ExpiresAt = Stamp(e.ApprovedUntil)
		a.Result = &result{"reevaluate", approval{e.ID, Stamp(last), Stamp(e.ApprovedUntil)}}
	}
	return a
}

// submit joins a denied question to the escalation that the decision point began when it denied it. The binding token is the escalation's id: opaque to
// whoever carries it, not to be guessed, and looked up here, in the store that the decision point shares.
func (a *asking) submit() (*reply, error) {
	if a.who.Person != nil {
		return nil, forbidden("Programs submit requests; people decide on them.")
	}
	body, err := a.body()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"items", "callback"} {
		if _, there := body[name]; there {
			return nil, malformed("%s is of a part of the profile that this service does not have: one request is about one action, and its task is looked at.", name)
		}
	}
	d, err := body.object("denial")
	if err != nil {
		return nil, binding("denial is missing, or no object.")
	}
	token, err := d.must("binding_token")
	if err != nil || !isID(token) {
		return nil, binding("denial.binding_token is not one that the decision point gave out.")
	}
	e, err := a.get(token)
	if err != nil {
		return nil, binding("denial.binding_token is not one that the decision point gave out to you.")
	}
	if err := a.bound(body, d, e); err != nil {
		return nil, err
	}
	status := http.StatusAccepted
	if e.State != escalation.Pending {
		status = http.StatusCreated
	}
	answer := a.answerOf(e)
	return &reply{status, answer, map[string]string{"Location": answer.Task.StatusEndpoint}}, nil
}

func binding(detail string) error {
	return &problem{Type: typeBinding, Title: "The request belongs to no denied question", Status: http.StatusBadRequest, Detail: detail}
}

// bound says whether a submission is about the question that was denied, and in time.
func (a *asking) bound(body, denial object, e escalation.Escalation) error {
	for _, c := range []struct{ object, member, want string }{
		{"subject", "type", "agent"}, {"subject", "id", e.Caller}, {"resource", "type", "agent"}, {"resource", "id", e.Callee}, {"action", "name", e.Skill},
	} {
		o, err := body.object(c.object)
		if err != nil {
			return binding(c.object + " is missing, or no object.")
		}
		if got, err := o.text(c.member); err != nil || got != c.want {
			return binding(c.object + "." + c.member + " is not that of the denied question.")
		}
	}
	expires, err := denial.time("expires_at")
	if err != nil || expires.IsZero() {
		return binding("denial.expires_at is missing, or no time.")
	}
	if !expires.Truncate(time.Second).Equal(e.Expires.Truncate(time.Second)) {
		return binding("denial.expires_at is not that of the denied question.")
	}
	if !a.Now().Before(e.Expires) {
		return &problem{Type: typeExpiredDenial, Title: "The denied question is too old", Status: http.StatusGone, Detail: "Ask the decision point again."}
	}
	return nil
}

var idForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

func isID(id string) bool { return idForm.MatchString(id) }

// get an escalation that whoever asks may see.
func (a *asking) get(id string) (escalation.Escalation, error) {
	if !isID(id) {
		return escalation.Escalation{}, hidden()
	}
	e, err := a.Service.Get(a.ctx, id)
	if err != nil {
		return e, err
	}
	if !a.who.sees(a.Fleet(), e) {
		return escalation.Escalation{}, hidden()
	}
	return e, nil
}

// maxWait is how long an answer is held back until there is something new.
const maxWait = 30 * time.Second

var preference = regexp.MustCompile(`(?:^|[,;\s])wait=([0-9]{1,6})(?:$|[,;\s])`)

// task shows how far a request is. With `Prefer: wait=N` (RFC 7240) the answer is held back for N seconds at most, until it is another than the one that
// If-None-Match names, or, where it names none, until nobody has to decide any more.
func (a *asking) task() (*reply, error) {
	id, known := a.request.PathValue("id"), a.request.Header.Get("If-None-Match")
	news := func(r *reply, e escalation.Escalation) bool {
		if known != "" {
			return r.header["ETag"] != known
		}
		return e.State != escalation.Pending
	}
	wait, asked := time.Duration(0), false
	if m := preference.FindStringSubmatch(a.request.Header.Get("Prefer")); m != nil {
		n, _ := strconv.Atoi(m[1])
		wait, asked = min(time.Duration(n)*time.Second, maxWait), true
	}
	ctx, cancel := context.WithTimeout(a.ctx, wait)
	defer cancel()
	if asked {
		patience(a.writer, maxWait+10*time.Second)
	}
	for {
		version, err := a.Service.Version(a.ctx) // before the escalation is read: a step in between is news
		if err != nil {
			return nil, err
		}
		e, err := a.get(id)
		if err != nil {
			return nil, err
		}
		r, err := a.taskReply(e)
		if err != nil {
			return nil, err
		}
		if asked {
			r.header["Preference-Applied"] = fmt.Sprintf("wait=%d", int(wait/time.Second))
		}
		if !news(r, e) && ctx.Err() == nil && a.wait(ctx, e, version) {
			continue
		}
		if known != "" && r.header["ETag"] == known {
			r.status, r.body = http.StatusNotModified, nil
		}
		return r, nil
	}
}

func (a *asking) taskReply(e escalation.Escalation) (*reply, error) {
	answer := a.answerOf(e)
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	r := &reply{http.StatusOK, answer, map[string]string{"ETag": `"` + hex.EncodeToString(sum[:16]) + `"`}}
	if e.State == escalation.Pending {
		continueLater(r)
	}
	return r, nil
}

// continueLater asks for a pause that the profile makes binding.
func continueLater(r *reply) { r.header["Retry-After"] = "1" }

// wait for the next step, or until an escalation ends by itself, which is no step in the store until somebody looks. False: there is no use in looking.
func (a *asking) wait(ctx context.Context, e escalation.Escalation, version int64) bool {
	due := e.Expires
	if e.State == escalation.Approved {
		due = e.ApprovedUntil
	}
	step := ctx
	if !e.State.Final() {
		var cancel context.CancelFunc
		step, cancel = context.WithTimeout(ctx, max(due.Sub(a.Now()), 100*time.Millisecond))
		defer cancel()
	}
	seen, waited := a.Watch.Wait(step, version)
	return waited && (seen != version || ctx.Err() == nil)
}

// patience lets an answer take longer than the server's limits say.
func patience(w http.ResponseWriter, d time.Duration) {
	c, end := http.NewResponseController(w), time.Now().Add(d)
	c.SetReadDeadline(end) // where that cannot be set, the limits stay
	c.SetWriteDeadline(end)
}

// cancel withdraws what is pending or approved. It can only narrow.
func (a *asking) cancel() (*reply, error) {
	body, err := a.body()
	if err != nil {
		return nil, err
	}
	reason, err := body.text("reason")
	if err != nil {
		return nil, err
	}
	comment, err := body.text("comment")
	if err != nil {
		return nil, err
	}
	e, err := a.get(a.request.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if !a.who.withdraws(a.Fleet(), e) {
		return nil, forbidden("Whoever asked withdraws it, and who decides on it or answers for its agents.")
	}
	if comment != "" && reason != "" {
		reason += ": "
	}
	if e, err = a.Service.Cancel(a.ctx, e.ID, a.who.name(), reason+comment); err != nil {
		return nil, err
	}
	return ok(a.answerOf(e))
}
