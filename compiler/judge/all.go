package judge

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"agentc/compiler/claims"
)

// All judges every layer.
func All(ctx context.Context, program string, asked *claims.Claims, files map[string][]byte) (*Answer, error) {
	answer, err := Ask(ctx, program, asked, files)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(answer.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return answer, nil
}
