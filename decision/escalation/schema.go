package escalation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// migrations lead from an empty database to today's, one version each. What was released is never edited, only followed by another.
//
// Both kinds of database take them as they are. Moments are microseconds since 1970, 0 is never. counter has one row, which every step takes first: so steps
// have an order, two replicas cannot take one at the same time, and what was counted before a step (the pending ones of a caller) still holds in it.
var migrations = []string{`
CREATE TABLE counter (number BIGINT NOT NULL);
INSERT INTO counter (number) VALUES (0);

CREATE TABLE escalations (
	id             TEXT   NOT NULL PRIMARY KEY,
	number         BIGINT NOT NULL UNIQUE,       -- of the step that created it
	digest         TEXT   NOT NULL,
	caller         TEXT   NOT NULL,
	callee         TEXT   NOT NULL,
	skill          TEXT   NOT NULL,
	request        TEXT   NOT NULL,              -- JSON
	lifetime       BIGINT NOT NULL,
	state          TEXT   NOT NULL CHECK (state IN ('pending', 'approved', 'consumed', 'rejected', 'expired', 'cancelled')),
	due            BIGINT NOT NULL,              -- when its state is over; means nothing in a final one
	created        BIGINT NOT NULL,
	expires        BIGINT NOT NULL,
	approved_until BIGINT NOT NULL DEFAULT 0,
	ended          BIGINT NOT NULL DEFAULT 0,
	why            TEXT   NOT NULL DEFAULT '',
	post           TEXT   NOT NULL DEFAULT ''    -- the message that shows it
);
CREATE UNIQUE INDEX escalations_pending ON escalations (digest, caller) WHERE state = 'pending';
CREATE INDEX escalations_due     ON escalations (due) WHERE state IN ('pending', 'approved');
CREATE INDEX escalations_caller  ON escalations (caller) WHERE state = 'pending';
CREATE INDEX escalations_state   ON escalations (state, created);
CREATE INDEX escalations_created ON escalations (created);
CREATE INDEX escalations_like    ON escalations (callee, skill, created);

CREATE TABLE votes (
	escalation TEXT   NOT NULL REFERENCES escalations (id),
	person     TEXT   NOT NULL,                  -- the name, folded
	number     BIGINT NOT NULL,                  -- of the step
	vote       TEXT   NOT NULL,                  -- JSON
	PRIMARY KEY (escalation, person)
);

CREATE TABLE steps (
	number     BIGINT NOT NULL PRIMARY KEY,
	escalation TEXT   NOT NULL REFERENCES escalations (id),
	kind       TEXT   NOT NULL,
	state      TEXT   NOT NULL,                  -- after it
	who        TEXT   NOT NULL,
	via        TEXT   NOT NULL,
	note       TEXT   NOT NULL,
	at         BIGINT NOT NULL
);
CREATE INDEX steps_escalation ON steps (escalation, number);

CREATE TABLE outbox (
	number     BIGINT NOT NULL PRIMARY KEY REFERENCES steps (number),
	escalation TEXT   NOT NULL REFERENCES escalations (id),
	kind       TEXT   NOT NULL,
	attempts   BIGINT NOT NULL DEFAULT 0,
	next_at    BIGINT NOT NULL DEFAULT 0,
	done       BIGINT NOT NULL DEFAULT 0         -- when it was acknowledged
);
CREATE INDEX outbox_open ON outbox (escalation, number) WHERE done = 0;

CREATE TABLE nonces (
	hash       TEXT   NOT NULL PRIMARY KEY,      -- SHA-256
	escalation TEXT   NOT NULL REFERENCES escalations (id),
	approve    BIGINT NOT NULL,
	created    BIGINT NOT NULL,
	used       BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE quarantines (
	number     BIGINT NOT NULL PRIMARY KEY,
	agent      TEXT   NOT NULL,
	reason     TEXT   NOT NULL,
	who        TEXT   NOT NULL,
	since      BIGINT NOT NULL,
	until      BIGINT NOT NULL,
	lifted     BIGINT NOT NULL DEFAULT 0,
	lifted_by  TEXT   NOT NULL DEFAULT '',
	lifted_why TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX quarantines_open ON quarantines (agent) WHERE lifted = 0;
`}

const (
	createVersion = `CREATE TABLE IF NOT EXISTS agentd_schema (version BIGINT NOT NULL)`
	selectVersion = `SELECT version FROM agentd_schema`
	insertVersion = `INSERT INTO agentd_schema (version) VALUES ($1)`
	updateVersion = `UPDATE agentd_schema SET version = $1`
)

// migrate brings the database to today's version. What a newer agentd wrote is refused: this one does not know what its columns restrict.
func migrate(ctx context.Context, db *sql.DB, k kind) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if k.lockSchema != "" {
		if _, err := tx.ExecContext(ctx, k.lockSchema); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, createVersion); err != nil {
		return err
	}
	var version int
	err = tx.QueryRowContext(ctx, selectVersion).Scan(&version)
	write := updateVersion
	switch {
	case errors.Is(err, sql.ErrNoRows):
		write = insertVersion
	case err != nil:
		return err
	case version > len(migrations):
		return fmt.Errorf("it is of version %d, and this agentd knows versions up to %d: use a newer agentd", version, len(migrations))
	case version == len(migrations):
		return nil
	}
	for _, migration := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, migration); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, write, len(migrations)); err != nil {
		return err
	}
	return tx.Commit()
}
