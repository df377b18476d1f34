package check

// certificateLife refuses a certificate that is renewed all the time, or never.
func certificateLife(p *pass) {
	for _, env := range p.Environments {
		if env.RenewBefore >= env.Duration {
			p.report(at(env.From, "certificates"), "a certificate that lives %s cannot be renewed %s before its end; renewBefore must be less",
				env.Duration, env.RenewBefore)
		}
	}
}
