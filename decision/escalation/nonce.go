package escalation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
)

const (
	insertNonce = `INSERT INTO nonces (hash, escalation, approve, created) VALUES ($1, $2, $3, $4)`
	selectNonce = `SELECT escalation, approve FROM nonces WHERE hash = $1 AND used = 0`
	burnNonce   = `UPDATE nonces SET used = $1 WHERE hash = $2 AND used = 0`
)

// Nonce for a button that approves or rejects. It stands for one vote of whoever may give it; the store keeps only its hash.
func (s *Service) Nonce(ctx context.Context, escalationID string, approve bool) (string, error) {
	random := make([]byte, 32)
	rand.Read(random) // never fails
	nonce := hex.EncodeToString(random)
	return nonce, s.do(ctx, func(t *tx) error {
		if _, err := t.load(escalationID); err != nil {
			return err
		}
		_, err := t.exec(insertNonce, hashed(nonce), escalationID, asNumber(approve), t.now)
		return err
	})
}

// VoteByNonce votes as the button with this nonce does. who says whose vote it is, or refuses; Approve is the nonce's. The nonce is burnt with the vote: a vote
// that does not count leaves it, or else anybody who sees the button could make it useless.
func (s *Service) VoteByNonce(ctx context.Context, nonce string, who func(Escalation) (Vote, error)) (Escalation, error) {
	id, approve, err := s.nonce(ctx, nonce)
	if err != nil {
		return Escalation{}, err
	}
	e, err := s.Get(ctx, id)
	if err != nil {
		return Escalation{}, err
	}
	v, err := who(e) // may ask another server, so no transaction waits for it
	if err != nil {
		return Escalation{}, err
	}
	v.Approve = approve
	if err := readable(v.Person.Name, v.Person.Team, v.Reason, v.Via); err != nil {
		return Escalation{}, err
	}
	return s.change(ctx, id, func(t *tx, e *row) error {
		rows, err := t.exec(burnNonce, t.now, hashed(nonce))
		if err != nil {
			return err
		}
		if rows != 1 {
			return errNonce()
		}
		return t.vote(e, v)
	})
}

func (s *Service) nonce(ctx context.Context, nonce string) (id string, approve bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	var number int64
	err = s.read.QueryRowContext(ctx, selectNonce, hashed(nonce)).Scan(&id, &number)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, errNonce()
	}
	return id, number == 1, failed(err)
}

func errNonce() error {
	return &Refusal{"nonce", "this button was used already, or was never there"}
}

func hashed(nonce string) string {
	sum := sha256.Sum256([]byte(nonce))
	return hex.EncodeToString(sum[:])
}

func asNumber(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
