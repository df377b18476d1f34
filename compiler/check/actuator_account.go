package check

// actuatorAccount refuses an actuator whose service account is not the one behind its endpoint: the account that really
// changes the cluster would need no approval.
func actuatorAccount(p *pass) {
	for _, env := range p.Environments {
		for _, a := range env.Actuators {
			e := env.Endpoint(a.Endpoint)
			if e == nil {
				continue // unknown-endpoint speaks of it
			}
			if e.Pods == nil || e.Pods.Namespace != a.Namespace || e.Pods.ServiceAccount != a.ServiceAccount {
				p.reportIn(env, at(a.From, "serviceAccount"), "actuator %s acts as %s/%s, and endpoint %s does not lead to pods of that service account; make the endpoint's pods say the same",
					a.Name, a.Namespace, a.ServiceAccount, e.Name)
			}
		}
	}
}
