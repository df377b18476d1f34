package check

import "agentc/schema"

// certificateLife refuses a certificate that is renewed all the time, or never.
func certificateLife(p *pass) {
	for _, env := range p.Environments {
		if env.RenewBefore >= env.Duration {
			p.report(at(env.From, "certificates.renewBefore"), "a certificate that lives %s cannot be renewed %s before its end; renewBefore must be less than duration",
				schema.Duration(env.Duration), schema.Duration(env.RenewBefore))
		}
	}
}
