// Package layers lists what the judge asks, in the order of the layers.
package layers

import (
	"agentc/verify/admission"
	"agentc/verify/judge"
	"agentc/verify/network"
)

// All layers; adding one is a package and a line here.
var All = []judge.Layer{
	{Name: "network", Judge: network.Judge},
	{Name: "admission", Judge: admission.Judge},
}
