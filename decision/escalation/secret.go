package escalation

import (
	"context"
	"crypto/rand"
	"encoding/hex"
)

const (
	insertSecret = `INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`
	selectSecret = `SELECT value FROM secrets WHERE name = $1`
)

// Secret of 32 bytes that all replicas share, by its name: made by chance by whoever asks first, and then always the same.
func (s *Service) Secret(ctx context.Context, name string) (secret []byte, err error) {
	var fresh [32]byte
	rand.Read(fresh[:]) // it never fails
	err = s.do(ctx, func(t *tx) error {
		if _, err := t.exec(insertSecret, name, hex.EncodeToString(fresh[:])); err != nil {
			return err
		}
		var text string
		if err := t.QueryRowContext(t.ctx, selectSecret, name).Scan(&text); err != nil {
			return err
		}
		secret, err = hex.DecodeString(text)
		return err
	})
	return secret, err
}
