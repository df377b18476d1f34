package events

// All fields of an event that have a value.
func (e *Event) All() map[string]string { return e.all() }
