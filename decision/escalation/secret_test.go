package escalation

import (
	"bytes"
	"sync"
	"testing"
)

// TestSecret: whoever asks first makes it, and all others get the same, also those who ask at the same time.
func TestSecret(t *testing.T) {
	onBoth(t, func(b *bench) {
		replica := b.open(Options{})
		var all sync.WaitGroup
		got := make([][]byte, 8)
		for i := range got {
			all.Go(func() { got[i] = must([]*Service{b.Service, replica}[i%2].Secret(b.Context(), "page")) })
		}
		all.Wait()
		for _, secret := range got {
			if len(secret) != 32 || !bytes.Equal(secret, got[0]) {
				b.Errorf("%x, and %x", secret, got[0])
			}
		}
		if bytes.Equal(must(b.Secret(b.Context(), "other")), got[0]) {
			b.Error("two names have one secret")
		}
	})
}
