package admission

import (
	"testing"

	"agentc/verify/internal/judged"
)

func TestShipped(t *testing.T) { judged.Shipped(t, Judge) }
