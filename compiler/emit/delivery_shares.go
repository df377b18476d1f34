package emit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
)

// Argo CD reads at most 10 MB (10,000,000 bytes) of manifests for one Application, unless the platform raised the limit. A
// fleet that is larger is shared out among several Applications, by the beginning of their folders' names:
//
//	soc-prod                      *.yaml               everything, while it fits
//
//	soc-prod.cluster              cluster.yaml         otherwise: what is cluster-scoped,
//	soc-prod.soc-agent-1-etc      soc-agent-1*.yaml    all namespaces that begin so,
//	soc-prod.soc-ai.only          soc-ai/*.yaml        one namespace
//
// The name of an Application says what it includes, once and for all. That matters more than even shares: an Application
// whose include loses a folder prunes what is in it, while the Application that gains it may not have synced yet, and the
// agents in between are gone. So no Application ever gives up a folder. When a share grows too large, its Application
// disappears (without a finalizer, which deletes nothing) and others, with other names, adopt its objects.
//
// The price: what is removed from Git in the very commit that splits a share has no Application left to prune it.

// shareBytes is what one Application gets, with room below Argo CD's limit.
const shareBytes = 8_000_000

// share is what one Application syncs.
type share struct {
	name    string // of the Application
	include string // glob below manifests/; Argo CD's `*` crosses slashes
	wave    int
}

// folder is one folder below manifests/ and the size of its files.
type folder struct {
	name  string // with a slash at the end; empty for the files at the top: cluster.yaml
	bytes int
}

// measure sums up the manifests by folder, sorted by name.
func measure(env *model.Environment, objects []artifact.Object) ([]folder, error) {
	files, err := artifact.Sizes(objects)
	if err != nil {
		return nil, err
	}
	sums := map[string]int{}
	for file, bytes := range files {
		if below, synced := belowManifests(env, file); synced {
			sums[below[:strings.Index(below, "/")+1]] += bytes
		}
	}
	folders := make([]folder, 0, len(sums))
	for name, bytes := range sums {
		folders = append(folders, folder{name, bytes})
	}
	slices.SortFunc(folders, func(a, b folder) int { return cmp.Compare(a.name, b.name) })
	return folders, nil
}

// shareOut gives every folder to one Application, none of them more than limit bytes.
func shareOut(env *model.Environment, folders []folder, limit int) ([]share, error) {
	whole := projectName(env)
	if total(folders) <= limit {
		return []share{{name: whole, include: "*.yaml", wave: waveClusterWide}}, nil
	}
	shares := []share{{name: whole + ".cluster", include: "cluster.yaml", wave: waveClusterWide}}
	if len(folders) > 0 && folders[0].name == "" {
		if folders[0].bytes > limit {
			return nil, fmt.Errorf("the cluster-scoped objects of %s are %d bytes, more than one Application of Argo CD can hold (%d)", env.Name, folders[0].bytes, limit)
		}
		folders = folders[1:]
	}
	parts, err := split(env, folders, env.Fleet.Name+"-", limit)
	return append(shares, parts...), err
}

// split shares out the folders, all of which begin with the prefix: as one share if it fits, else by the next letter in
// which they differ. No folder's name begins with another's, since each ends with its only slash.
func split(env *model.Environment, folders []folder, prefix string, limit int) ([]share, error) {
	if total(folders) <= limit {
		return []share{prefixShare(env, prefix)}, nil
	}
	if len(folders) == 1 {
		return nil, fmt.Errorf("the manifests of namespace %s in %s are %d bytes, more than one Application of Argo CD can hold (%d): give its agents namespaces of their own (isolation: agent)",
			strings.TrimSuffix(folders[0].name, "/"), env.Name, folders[0].bytes, limit)
	}
	var shares []share
	letters := len(commonPrefix(folders[0].name, folders[len(folders)-1].name)) + 1
	for len(folders) > 0 {
		next := folders[0].name[:letters]
		n := slices.IndexFunc(folders, func(f folder) bool { return !strings.HasPrefix(f.name, next) })
		if n < 0 {
			n = len(folders)
		}
		parts, err := split(env, folders[:n], next, limit)
		if err != nil {
			return nil, err
		}
		shares, folders = append(shares, parts...), folders[n:]
	}
	return shares, nil
}

// prefixShare is the share of all folders that begin with the prefix. `.only` and `-etc` cannot be mistaken for each other or
// for `.cluster`, since no prefix holds a dot.
func prefixShare(env *model.Environment, prefix string) share {
	s := share{include: prefix + "*.yaml", wave: waveAgents}
	if namespace, one := strings.CutSuffix(prefix, "/"); one {
		s.name = projectName(env) + "." + namespace + ".only"
	} else {
		s.name = projectName(env) + "." + prefix + "-etc"
	}
	if strings.HasPrefix(env.System.Namespace+"/", prefix) {
		s.wave = waveRuntime
	}
	return s
}

func total(folders []folder) int {
	sum := 0
	for _, f := range folders {
		sum += f.bytes
	}
	return sum
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}
