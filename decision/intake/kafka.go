package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Kafka says how to reach brokers.
type Kafka struct {
	Brokers    []string
	TLS        *tls.Config // nil: none
	Mechanism  string      // of SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; empty: none
	User       string      // empty: the credential says it
	Credential string      // file: the password, or user:password; read for every connection, so that it may change
}

// mechanisms of SASL.
var mechanisms = map[string]func(func(context.Context) (user, password string, err error)) sasl.Mechanism{
	"PLAIN": func(who func(context.Context) (string, string, error)) sasl.Mechanism {
		return plain.Plain(func(ctx context.Context) (plain.Auth, error) {
			user, password, err := who(ctx)
			return plain.Auth{User: user, Pass: password}, err
		})
	},
	"SCRAM-SHA-256": func(who func(context.Context) (string, string, error)) sasl.Mechanism {
		return scram.Sha256(func(ctx context.Context) (scram.Auth, error) {
			user, password, err := who(ctx)
			return scram.Auth{User: user, Pass: password}, err
		})
	},
	"SCRAM-SHA-512": func(who func(context.Context) (string, string, error)) sasl.Mechanism {
		return scram.Sha512(func(ctx context.Context) (scram.Auth, error) {
			user, password, err := who(ctx)
			return scram.Auth{User: user, Pass: password}, err
		})
	},
}

// options of a client.
func (k Kafka) options() ([]kgo.Opt, error) {
	if len(k.Brokers) == 0 {
		return nil, errors.New("kafka: there are no brokers to begin with")
	}
	all := []kgo.Opt{kgo.SeedBrokers(k.Brokers...), kgo.ClientID("agentd"), kgo.DisableClientMetrics(), kgo.MetadataMinAge(metadataAge)}
	if k.TLS != nil {
		all = append(all, kgo.DialTLSConfig(k.TLS))
	}
	switch mechanism := mechanisms[k.Mechanism]; {
	case k.Mechanism == "" && k.Credential != "":
		return nil, errors.New("kafka: there is a credential, and no mechanism of SASL that it is for")
	case k.Mechanism == "":
	case mechanism == nil:
		return nil, fmt.Errorf("kafka: the mechanism of SASL is %q; there are PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512", k.Mechanism)
	case k.Mechanism == "PLAIN" && k.TLS == nil:
		return nil, errors.New("kafka: PLAIN sends the password as it is, and is used with TLS alone")
	default:
		if _, _, err := k.who(context.Background()); err != nil {
			return nil, err
		}
		all = append(all, kgo.SASL(mechanism(k.who)))
	}
	return all, nil
}

// who we are to the brokers.
func (k Kafka) who(context.Context) (user, password string, err error) {
	text, err := os.ReadFile(k.Credential)
	if err != nil {
		return "", "", fmt.Errorf("kafka: the credential: %w", err)
	}
	password = strings.TrimRight(string(text), "\r\n")
	if user = k.User; user == "" {
		var is bool
		if user, password, is = strings.Cut(password, ":"); !is {
			return "", "", errors.New("kafka: the credential is no user:password, and nothing else says the user")
		}
	}
	if user == "" || password == "" {
		return "", "", errors.New("kafka: the user or the password is empty")
	}
	return user, password, nil
}

// Topic is the hop to a topic.
type Topic struct {
	name   string
	client *kgo.Client
}

// NewTopic to pass events on to. A record is there once all replicas in sync have it.
func NewTopic(k Kafka, topic string) (*Topic, error) {
	all, err := k.options()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(all,
		kgo.RequiredAcks(kgo.AllISRAcks()), // and idempotent, which is the client's default
		kgo.RecordDeliveryTimeout(deliveryTimeout), kgo.UnknownTopicRetries(0), kgo.ProducerBatchMaxBytes(1<<20),
		// An attempt must end when its source must give the event back. The record may be there then, and come again: under the same message id.
		kgo.AllowIdempotentProduceCancellation(),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &Topic{topic, client}, nil
}

// deliveryTimeout of one attempt: then whoever waits for it hears of it.
const deliveryTimeout = 10 * time.Second

// Close the connections.
func (t *Topic) Close() { t.client.Close() }

// metadataAge is how soon a client asks again who leads a partition, after one that was wrong.
const metadataAge = time.Second
