package mattermost

import (
	"context"
	"slices"
	"strings"

	"agentc/decision/escalation"
	"agentc/decision/fleet"
)

// voter says whose vote a click is, after Mattermost was asked about everything that it says.
func (c *Callbacks) voter(ctx context.Context, k click, e escalation.Escalation) (v escalation.Vote, err error) {
	client, err := c.Client(e.Endpoint)
	if err != nil {
		return v, err
	}
	if client == nil {
		return v, &doubt{elsewhere, "the escalation was not asked in Mattermost"}
	}
	if err := c.genuine(ctx, client, k, e); err != nil {
		return v, err
	}
	user, err := client.User(ctx, k.user)
	switch {
	case gone(err):
		return v, &doubt{stranger, "there is no such user"}
	case err != nil:
		return v, err
	}
	if why := unfit(user); why != "" {
		return v, &doubt{stranger, why}
	}
	name, person := known(c.People(), user.Username)
	if person == nil {
		return v, &doubt{stranger, "the bundle knows nobody by this user name"}
	}
	return escalation.Vote{
		Person: escalation.Person{Name: name, Team: person.Team, Groups: person.Groups},
		Via:    "mattermost", Assurance: escalation.Chat,
	}, nil
}

// genuine refuses a click that is not on the message that our bot posted about the escalation, where it posted it.
func (c *Callbacks) genuine(ctx context.Context, client *Client, k click, e escalation.Escalation) error {
	ours, ok, err := c.Votes.Post(ctx, e.ID)
	if err != nil {
		return err
	}
	if !ok || ours != k.post {
		return &doubt{elsewhere, "another message"}
	}
	bot, err := client.Me(ctx)
	if err != nil {
		return err
	}
	post, err := client.Post(ctx, k.post)
	switch {
	case gone(err):
		return &doubt{elsewhere, "the message is not there any more"}
	case err != nil:
		return err
	case post.DeleteAt != 0:
		return &doubt{elsewhere, "the message is not there any more"}
	case post.UserID != bot.ID:
		return &doubt{elsewhere, "somebody else wrote the message"}
	case post.Props.Approval != e.ID:
		return &doubt{elsewhere, "the message shows something else"}
	case post.ChannelID != k.channel || post.Props.Channel != k.channel:
		return &doubt{elsewhere, "another channel"}
	}
	return nil
}

// unfit says why an account does not vote, whoever it belongs to; "" where it may.
func unfit(u User) string {
	roles := strings.Fields(u.Roles)
	switch {
	case u.DeleteAt != 0:
		return "the account is deactivated"
	case u.IsBot:
		return "a bot"
	case u.RemoteID != "":
		return "an account of another server"
	case slices.Contains(roles, "system_guest") || !slices.Contains(roles, "system_user"):
		return "a guest"
	}
	return ""
}

// known finds the one person of the bundle who has this user name. Two would be nobody.
func known(people *fleet.Escalation, username string) (name string, person *fleet.Person) {
	if people == nil || username == "" {
		return "", nil
	}
	for n, p := range people.People {
		if p == nil || p.Mattermost == "" || !strings.EqualFold(p.Mattermost, username) {
			continue
		}
		if person != nil {
			return "", nil
		}
		name, person = n, p
	}
	return name, person
}
