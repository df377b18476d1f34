package network

import (
	"fmt"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/judge"
	"agentc/verify/object"

	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slimnetworking "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
)

// rendered is one policy object as Cilium reads it.
type rendered struct {
	object  *object.Object
	rules   api.Rules // of Cilium's own kinds
	entries types.PolicyEntries
}

func (p *rendered) source() source {
	kind := map[string]ipcachetypes.ResourceKind{
		"CiliumNetworkPolicy": ipcachetypes.ResourceKindCNP, "CiliumClusterwideNetworkPolicy": ipcachetypes.ResourceKindCCNP, "NetworkPolicy": ipcachetypes.ResourceKindNetpol,
	}[p.object.GetKind()]
	// Two objects of one name add up here, as they may in turn in a cluster.
	name := fmt.Sprintf("%s@%s:%d", p.object.GetName(), p.object.File, p.object.Line)
	return source{ipcachetypes.NewResourceID(kind, p.object.GetNamespace(), name), p.entries}
}

// policies reads every object that Cilium enforces. One that it calls invalid is reported and enforces nothing, as in a cluster.
func policies(env *judge.Environment, report *judge.Report) []*rendered {
	var all []*rendered
	for _, o := range env.Manifests {
		p, err := read(o)
		switch {
		case err != nil:
			report.At(o, []any{"spec"}, specOf(env, o), "is invalid to Cilium, which then enforces nothing of it: %v", err)
		case p != nil:
			all = append(all, p)
		}
	}
	return all
}

func read(o *object.Object) (*rendered, error) {
	group, _, _ := strings.Cut(o.GetAPIVersion(), "/")
	switch {
	case o.GetKind() == "CiliumNetworkPolicy":
		typed := &ciliumv2.CiliumNetworkPolicy{}
		if err := o.Into(typed); err != nil {
			return nil, err
		}
		rules, err := typed.Parse(quiet, clusterName)
		return &rendered{o, rules, utils.RulesToPolicyEntries(rules)}, err
	case o.GetKind() == "CiliumClusterwideNetworkPolicy":
		typed := &ciliumv2.CiliumClusterwideNetworkPolicy{}
		if err := o.Into(typed); err != nil {
			return nil, err
		}
		rules, err := typed.Parse(quiet, clusterName)
		return &rendered{o, rules, utils.RulesToPolicyEntries(rules)}, err
	case o.GetKind() == "NetworkPolicy" && group == "networking.k8s.io":
		typed := &slimnetworking.NetworkPolicy{}
		if err := o.Into(typed); err != nil {
			return nil, err
		}
		entries, err := k8s.ParseNetworkPolicy(quiet, clusterName, typed)
		return &rendered{o, nil, entries}, err
	case group == "cilium.io" || group == "policy.networking.k8s.io":
		return nil, fmt.Errorf("no engine here judges a %s", o.GetKind())
	}
	return nil, nil
}

// specOf is the line of the spec behind an object: that of the workload whose name it has.
func specOf(env *judge.Environment, o *object.Object) claims.At {
	for _, w := range env.Workloads {
		if w.Namespace == o.GetNamespace() && w.Name == o.GetName() {
			return w.At
		}
	}
	return env.At
}

// selects says whether a selector of a policy selects a pod.
func selects(e api.EndpointSelector, o *one) bool {
	return types.NewLabelSelector(e).Matches(o.id.LabelArray)
}
