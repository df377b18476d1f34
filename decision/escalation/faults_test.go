package escalation

func child(dsn string) {}
