package seal

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"agentc/compiler/emit"
	"agentc/compiler/lock"
	"agentc/compiler/model"

	"github.com/a2aproject/a2a-go/v2/a2a"
	"github.com/gowebpki/jcs"
	"golang.org/x/sync/errgroup"
)

// A card's signature (A2A 1.0, section 8.4) is a JWS over the card in canonical form (RFC 8785), the member `signatures` left
// out. The form also leaves out optional fields that hold their default; a compiled card has none of these. Cards do not expire:
// they say what an agent is, and what it may do is the bundle's.

// card is one file of one agent's cards.
type card struct {
	key   string // in the seals
	agent *model.Agent
	file  string
	text  string
	seal  lock.CardSeal // the old one, then the one that counts
	kept  bool
	fresh bool
}

// sealCards keeps the signatures of an environment's cards, or makes new ones. A fleet has tens of thousands: they are
// worked on side by side, and come out in their order.
func (a *application) sealCards(env *model.Environment, ring *keyring) error {
	cards := a.cards(env, ring)
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range cards {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return c.sign(ring)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for len(cards) > 0 {
		n := 1
		for n < len(cards) && cards[n].agent == cards[0].agent {
			n++
		}
		if err := a.writeCards(cards[:n]); err != nil {
			return err
		}
		cards = cards[n:]
	}
	return nil
}

// cards of an environment that are signed, or can be; by agent, then by file.
func (a *application) cards(env *model.Environment, ring *keyring) []*card {
	var all []*card
	for _, agent := range env.Agents {
		texts := emit.Cards(a.compiled, agent)
		for _, file := range slices.Sorted(maps.Keys(texts)) {
			c := &card{key: env.Name + "/" + agent.Name + "/" + file, agent: agent, file: file, text: texts[file]}
			old, signed := a.old.Cards[c.key]
			if c.seal = old; signed || ring.own != nil {
				all = append(all, c)
			}
		}
	}
	return all
}

// sign keeps the old signature if it holds, or makes a new one if there is a key.
func (c *card) sign(ring *keyring) error {
	canonical, err := jcs.Transform([]byte(c.text))
	if err != nil {
		return fmt.Errorf("card %s: %w", c.key, err)
	}
	digest := lock.Digest(canonical)
	if key, listed := ring.listed[c.seal.Key]; listed && ring.keeps(c.seal.Key) && c.seal.Digest == digest {
		input, err := signingInput(key, "JOSE", canonical)
		if err != nil {
			return err
		}
		if c.kept = c.seal.Protected == protected(input) && key.verify(input, c.seal.Signature); c.kept {
			return nil
		}
	}
	if ring.own == nil {
		return nil
	}
	input, err := signingInput(ring.public, "JOSE", canonical)
	if err != nil {
		return err
	}
	signature, err := ring.sign(input)
	c.fresh = true
	c.seal = lock.CardSeal{Digest: digest, Key: ring.public.id, Protected: protected(input), Signature: signature}
	return err
}

// protected is the header of a JWS.
func protected(input []byte) string {
	header, _, _ := strings.Cut(string(input), ".")
	return header
}

// writeCards puts the signed cards of one agent in the place of the compiled ones.
func (a *application) writeCards(cards []*card) error {
	agent := cards[0].agent
	texts := maps.Clone(emit.Cards(a.compiled, agent))
	changed := false
	for _, c := range cards {
		if !c.kept && !c.fresh {
			continue
		}
		text, err := emit.SignedCard(c.text, a2a.AgentCardSignature{Protected: c.seal.Protected, Signature: c.seal.Signature})
		if err != nil {
			return err
		}
		texts[c.file], changed = text, true
		a.seals.Cards[c.key] = c.seal
		if c.fresh {
			a.fresh = append(a.fresh, agent.Env.Name+" card "+agent.Name+"/"+c.file)
		}
	}
	if !changed {
		return nil
	}
	return emit.SetCards(a.tree, agent, texts)
}
