package events

import "time"

// Span is the time that a recording covers.
type Span struct {
	first, last time.Time
	days        map[int64]bool // since 1970, on which events happened
}

// Add the time of an event.
func (s *Span) Add(at time.Time) {
	if s.days == nil {
		s.first, s.last, s.days = at, at, map[int64]bool{}
	}
	if at.Before(s.first) {
		s.first = at
	}
	if at.After(s.last) {
		s.last = at
	}
	day := at.UTC().Truncate(24 * time.Hour).Unix()
	s.days[day] = true
}

// Last is the latest time.
func (s *Span) Last() time.Time { return s.last }

// Days from the first event to the last, and no more than there are days on which something happened: one event with a wrong date must not make all
// rates small. 0 where it is less than an hour, of which no rate can be told.
func (s *Span) Days() float64 {
	span := min(s.last.Sub(s.first).Hours()/24, float64(len(s.days)))
	if span < 1.0/24 {
		return 0
	}
	return span
}
