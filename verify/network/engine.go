package network

import (
	"io"
	"log/slog"
	"math"
	"sync"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	testcm "github.com/cilium/cilium/pkg/testutils/certificatemanager"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	"github.com/cilium/cilium/pkg/u8proto"
)

// clusterName is what Cilium calls a cluster that nobody named.
const clusterName = "default"

var quiet = slog.New(slog.DiscardHandler)

// configure sets what Cilium's agent reads from its flags, as its Helm chart does by default. It is global to the process.
var configure = sync.OnceFunc(func() {
	option.Config.EnableL7Proxy = true
	option.Config.EnableICMPRules = true
	option.Config.EnableNonDefaultDenyPolicies = true
	option.Config.EnableIPv4 = true
	option.Config.EnableIPv6 = true
	api.InitEntities(clusterName) // or the entity `cluster` selects nobody
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
})

// engine is Cilium's policy engine with policies in it, as it runs in the agent of a node.
type engine struct {
	repo *policy.Repository
	ids  identitymanager.IDManager
}

// newEngine knows the identities and enforces the policies.
func newEngine(all []*identity.Identity, policies ...source) *engine {
	known := identity.IdentityMap{}
	for _, id := range all {
		known[id.ID] = id.LabelArray
	}
	e := &engine{ids: identitymanager.NewIDManager(quiet)}
	e.repo = policy.NewPolicyRepository(quiet, known, &testcm.Fake{},
		envoypolicy.NewEnvoyL7RulesTranslator(quiet, certificatemanager.NewMockSecretManagerInline()), e.ids, testpolicy.NewPolicyMetricsNoop())
	// Rules select their subjects by a cache of its own, which starts empty.
	e.repo.GetSubjectSelectorCache().UpdateIdentities(known, nil, &sync.WaitGroup{})
	for _, p := range policies {
		e.repo.ReplaceByResource(p.entries, p.resource)
	}
	return e
}

// source is what one object says. The engine looks for the rules of a pod by the namespace of their object; without it, it would look at all.
type source struct {
	resource ipcachetypes.ResourceID
	entries  types.PolicyEntries
}

// reach is what the engine computed for one subject: the content of the policy map that the datapath would look into.
type reach struct {
	policy  *policy.EndpointPolicy
	release func()
}

// of computes the policy of a subject once; each flow is then one lookup, as in the datapath. Cilium's own LookupFlow computes both
// ends again for each flow, and is else the same (TestLookupFlow).
func (e *engine) of(id *identity.Identity, ports namedPorts) (*reach, error) {
	e.ids.Add(id)
	selected, _, err := e.repo.ComputeSelectorPolicy(id)
	if err != nil {
		return nil, err
	}
	// With this port the engine believes that a proxy for a rule with L7 parts is there.
	proxies := map[string]uint16{policy.FallbackRedirectID: math.MaxUint16}
	p := selected.DistillPolicy(quiet, owner{uint64(id.ID), ports}, proxies)
	p.Ready()
	p.Detach(quiet)
	return &reach{p, func() { selected.Supersede(); e.ids.Remove(id) }}, nil
}

// allows says whether a packet to a port passes, in one direction between the subject and a peer.
func (r *reach) allows(ingress bool, peer identity.NumericIdentity, proto u8proto.U8proto, port uint16) bool {
	key := policy.EgressKey()
	if ingress {
		key = policy.IngressKey()
	}
	entry, _, _ := r.policy.Lookup(key.WithIdentity(peer).WithPortProto(proto, port))
	return !entry.IsDeny()
}

// namedPorts of a pod, by protocol and name.
type namedPorts map[string]uint16

// owner is the endpoint as the engine asks about it.
type owner struct {
	id    uint64
	ports namedPorts
}

func (o owner) GetID() uint64 { return o.id }
func (o owner) GetIngressNamedPort(name string, proto u8proto.U8proto) uint16 {
	return o.ports[proto.String()+" "+name]
}
func (o owner) PolicyDebug(string, ...any) {}
func (o owner) IsHost() bool               { return false }
func (o owner) PreviousMapStateSizes() policy.MapStateSizes {
	return policy.MapStateSizes{}
}
func (o owner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool { return nil }
