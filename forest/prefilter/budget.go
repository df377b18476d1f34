package prefilter

import "time"

// An hourly budget raises the threshold while more events pass than it allows, an eighth of the way from the policy's percentile to the upper
// bound every five minutes, and lets it down as slowly. It counts by class and by namespace: whoever floods one namespace to be overheard in
// another raises the threshold of the first alone, and no further than the bound. Events that name no namespace have no budget: they are of many
// hosts, and one of them must not hide the others.

const (
	step  = 5 * time.Minute
	steps = int64(time.Hour / step) // that an hour has
	rises = 8                       // steps from the policy's percentile to the bound
)

// mostBudgets that are kept. Beyond them the threshold stays where the policy put it.
const mostBudgets = 1 << 16

type budgetKey struct{ class, namespace string }

type budgets struct {
	of     map[budgetKey]*budget
	forgot int64 // the step in which room was made last
}

// budget of a class in a namespace.
type budget struct {
	counts [steps]int // passed in each step of the last hour
	sum    int
	now    int64 // the step, since 1970
	risen  int
	over   bool // at the end of the last step
}

// at a time, of an event's class and namespace. There is none where the class has no limit, where the event names no namespace, and where nobody
// knows when it happened.
func (b *budgets) at(l Limit, namespace string, at time.Time) *budget {
	if l.PerHour <= 0 || namespace == "" || at.IsZero() {
		return nil
	}
	key := budgetKey{l.Class, namespace}
	now := stepOf(at)
	one := b.of[key]
	if one == nil {
		if len(b.of) >= mostBudgets {
			b.forget(now)
		}
		if len(b.of) >= mostBudgets {
			return nil
		}
		if b.of == nil {
			b.of = map[budgetKey]*budget{}
		}
		one = &budget{now: now}
		b.of[key] = one
	}
	one.advance(now, l.PerHour)
	return one
}

// stepOf a time, since 1970; what is before is the first.
func stepOf(at time.Time) int64 { return max(0, at.Unix()/int64(step/time.Second)) }

// forget those that an hour of silence brought back to where they began, once in a step: it looks at all.
func (b *budgets) forget(now int64) {
	if b.forgot == now {
		return
	}
	b.forgot = now
	for key, one := range b.of {
		if now-one.now > steps+rises {
			delete(b.of, key)
		}
	}
}

// advance to a step. An event that comes late belongs to the step at hand; where it is hours late, it is the clock that was wrong before.
func (b *budget) advance(now int64, perHour int) {
	if max(now-b.now, b.now-now) > steps+rises {
		*b = budget{now: now}
	}
	for b.now < now {
		if b.over = b.sum > perHour; b.over {
			b.risen = min(b.risen+1, rises)
		} else {
			b.risen = max(b.risen-1, 0)
		}
		b.now++
		oldest := &b.counts[b.now%steps]
		b.sum -= *oldest
		*oldest = 0
	}
}

// threshold that the budget makes of a limit, and whether it would go beyond the bound.
func (b *budget) threshold(l Limit) (percentile float64, atBound bool) {
	if b == nil || b.risen == 0 {
		return l.Percentile, false
	}
	return min(l.Max, l.Percentile+(l.Max-l.Percentile)*float64(b.risen)/rises), b.risen == rises && b.over
}

func (b *budget) passed() {
	if b == nil {
		return
	}
	b.counts[b.now%steps]++
	b.sum++
}
