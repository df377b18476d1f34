package escalation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// MaxLifetime of a question, and of an approval.
const MaxLifetime = 24 * time.Hour

// Options of a service. Zero is the default.
type Options struct {
	Now       func() time.Time // time.Now
	PerCaller int              // pending escalations of one caller: 20
	InAll     int              // pending escalations: 1,000
	PerCallee int              // of them about one callee, whose guard says who calls: 200
	PerHour   int              // escalations that one caller begins within an hour, whatever became of them: 200
	Lease     time.Duration    // how long a notice is handed out for: 1 min
	Timeout   time.Duration    // of one call, where the context has none that is shorter: 10 s

	// Who hears of what was done here, once it is written; nil: nobody does.
	Stepped func(e Escalation, from State, s Step) // e as it was before the step, from empty: there was none
	Held    func(q Quarantine, lifted bool)        // it was imposed, or lifted
}

// Service keeps escalations in a database. Any number may use it at the same time, and with PostgreSQL from any number of processes.
type Service struct {
	Options
	write, read *sql.DB
}

// Open a store: postgres://…, or the path of an SQLite file, which is created.
func Open(ctx context.Context, dsn string, o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.PerCaller, o.InAll = orDefault(o.PerCaller, 20), orDefault(o.InAll, 1000)
	o.PerCallee, o.PerHour = orDefault(o.PerCallee, 200), orDefault(o.PerHour, 200)
	o.Lease, o.Timeout = orDefault(o.Lease, time.Minute), orDefault(o.Timeout, 10*time.Second)
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	k := kindOf(dsn)
	write, read, err := k.open(dsn)
	if err != nil {
		return nil, fmt.Errorf("the store of escalations: %w", err)
	}
	s := &Service{o, write, read}
	if err := migrate(ctx, write, k); err != nil {
		return nil, errors.Join(fmt.Errorf("the store of escalations: %w", err), s.Close())
	}
	return s, nil
}

func orDefault[N int | time.Duration](n, otherwise N) N {
	if n <= 0 {
		return otherwise
	}
	return n
}

// Close the store.
func (s *Service) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// tx is a transaction that writes.
type tx struct {
	*sql.Tx
	ctx     context.Context
	now     int64 // microseconds
	number  int64 // of the step
	refusal error // what is said after what the transaction found out is written
	clock   func() int64
	taken   []taken
}

// taken is a step that is told when the transaction is done.
type taken struct {
	of   Escalation
	from State
	step Step
}

func (s *Service) micros() int64 { return s.Now().UnixMicro() }

// do runs f in a transaction: all of it is done or nothing.
func (s *Service) do(ctx context.Context, f func(*tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	inner, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return failed(err)
	}
	defer inner.Rollback()
	t := &tx{Tx: inner, ctx: ctx, now: s.micros(), clock: s.micros}
	if err := f(t); err != nil {
		return failed(err)
	}
	if err := t.Commit(); err != nil {
		return failed(err)
	}
	if s.Stepped != nil {
		for _, one := range t.taken {
			s.Stepped(one.of, one.from, one.step)
		}
	}
	return t.refusal
}

// step runs f in a transaction that takes steps, one at a time. Its moment is when its turn has come, not when it began to wait.
func (s *Service) step(ctx context.Context, f func(*tx) error) error {
	return s.do(ctx, func(t *tx) error {
		if err := t.next(); err != nil {
			return err
		}
		t.now = t.clock()
		return f(t)
	})
}

const nextNumber = `UPDATE counter SET number = number + 1 RETURNING number`

func (t *tx) next() error { return t.QueryRowContext(t.ctx, nextNumber).Scan(&t.number) }

// exec says how many rows it changed.
func (t *tx) exec(statement string, args ...any) (int64, error) {
	result, err := t.ExecContext(t.ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// failed wraps what the database says, and leaves a refusal as it is.
func failed(err error) error {
	var refusal *Refusal
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	return fmt.Errorf("the store of escalations: %w", err)
}

const selectNumber = `SELECT number FROM counter`

// Version changes with every step and every quarantine: whoever shows them looks again when it does.
func (s *Service) Version(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	var n int64
	err := s.read.QueryRowContext(ctx, selectNumber).Scan(&n)
	return n, failed(err)
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
