// Package layers lists what the judge asks, in the order of the layers.
package layers

import (
	"agentc/verify/admission"
	"agentc/verify/delivery"
	"agentc/verify/identity"
	"agentc/verify/judge"
	"agentc/verify/manifest"
	"agentc/verify/network"
	"agentc/verify/schemas"
	"agentc/verify/workload"
)

// All layers; adding one is a package and a line here.
var All = []judge.Layer{
	{Name: "schema", Judge: schemas.Judge},
	{Name: "manifest", Judge: manifest.Judge},
	{Name: "workload", Judge: workload.Judge},
	{Name: "identity", Judge: identity.Judge},
	{Name: "network", Judge: network.Judge},
	{Name: "admission", Judge: admission.Judge},
	{Name: "delivery", Judge: delivery.Judge},
}
