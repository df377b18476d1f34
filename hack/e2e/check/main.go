// Command check looks at the running cluster of hack/e2e and says of each claim whether it holds, what was seen, and how long it
// took. It changes the spec as its owners would, publishes, and leaves the rest to Argo CD.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// A claim holds if see returns no error; its text is what was seen.
type claim struct {
	id   string
	says string
	logs []string // whose logs are worth reading if it does not hold
	see  func(context.Context, *cluster) (string, error)
}

// The canary needs three minutes until its analysis has failed twice: it begins early, and the others are looked at meanwhile.
var claims = []claim{
	{"1.1", "what is published, Argo CD applies: Synced and Healthy", []string{"argocd", "kyverno", "repo-server"}, published},
	{"1.2", "a hard refresh finds no difference and changes nothing", []string{"argocd"}, noDifference},
	{"3.1", "a new image of a canary runs beside the stable one", []string{"rollouts", "argocd", "kyverno"}, canaryBegins},
	{"1.3", "what is changed or deleted by hand comes back", []string{"argocd"}, driftUndone},
	{"2.1", "certificates are Ready, and say what was declared", []string{"certmanager"}, leavesAsDeclared},
	{"2.2", "two agents shake hands with mTLS, strangers do not", nil, handshakes},
	{"4.1", "Kyverno refuses the rogue catalogue, by the policies that it names", []string{"kyverno"}, roguesRefused},
	{"4.2", "Pod Security refuses a privileged pod, the schema a wrong field", nil, builtinRefusals},
	{"4.3", "what is not the fleet's is left alone", []string{"kyverno"}, othersLeftAlone},
	{"3.2", "an edge that is removed leaves the network policies", []string{"argocd"}, edgeRemoved},
	{"5.1", "API server killed in the middle of a sync (an agent is added): it converges", []string{"argocd", "kube-apiserver"}, survives("kube-apiserver", addAgent)},
	{"5.2", "Argo CD's controller killed in the middle of a sync (it is removed): it converges", []string{"argocd"}, survives("argocd", removeAgent)},
	{"3.4", "a removed agent leaves nothing", []string{"argocd", "kube-controller-manager"}, nothingLeft},
	{"5.3", "Git server killed before Argo CD has read a commit (an image is changed): it converges", []string{"argocd", "repo-server"}, survives("git", changeImage)},
	{"3.3", "an image that is changed runs, and the one before is refused", []string{"argocd", "kyverno"}, imageChanged},
	{"3.5", "a failing analysis aborts the canary, and the stable image stays admitted", []string{"rollouts", "prometheus"}, canaryAborts},
	{"3.6", "taking it back in Git makes the fleet Healthy again", []string{"argocd", "rollouts"}, canaryReverted},
}

// shortened cuts the lines of a log to what a person reads.
func shortened(log string) string {
	lines := strings.Split(log, "\n")
	for i, line := range lines {
		if len(line) > 300 {
			lines[i] = line[:300] + " ..."
		}
	}
	return strings.Join(lines, "\n")
}

func main() {
	c, err := connect()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	only := os.Getenv("AGENTC_E2E_ONLY") // for whoever works on one claim
	var rows []string
	failed := false
	for _, claim := range claims {
		if only != "" && !strings.Contains(only, claim.id) {
			continue
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 6*time.Minute)
		seen, err := claim.see(ctx, c)
		cancel()
		verdict := "holds"
		if err != nil {
			verdict, failed = "FAILS", true
			seen = strings.TrimSpace(seen + " " + err.Error())
		}
		row := fmt.Sprintf("%-4s %-5s %4.0fs  %s\n                  %s", claim.id, verdict, time.Since(began).Seconds(), claim.says, strings.ReplaceAll(seen, "\n", "\n                  "))
		fmt.Println(row)
		rows = append(rows, row)
		if err != nil {
			for _, name := range claim.logs {
				fmt.Printf("--- the end of %s's log\n%s\n", name, shortened(c.component("log", name, "15")))
			}
		}
	}
	fmt.Println("\n" + strings.Repeat("=", 100))
	fmt.Println(strings.Join(rows, "\n"))
	if failed {
		os.Exit(1)
	}
}
