package intake

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// MessageIDKey is the header of a record with the id of the message.
const MessageIDKey = "message_id"

// Hand over an event as a record: the event as it came, and the rest in headers.
func (t *Topic) Hand(ctx context.Context, m *Message) error {
	anomaly, err := json.Marshal(m.Anomaly)
	if err != nil {
		return &Refusal{err.Error()}
	}
	record := &kgo.Record{Topic: t.name, Value: m.Raw, Headers: []kgo.RecordHeader{
		{Key: "traceparent", Value: []byte(m.TraceParent)}, {Key: MessageIDKey, Value: []byte(m.ID)}, {Key: AnomalyKey, Value: anomaly},
	}}
	if m.Damaged != "" {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: DamagedKey, Value: []byte(m.Damaged)})
	}
	err = t.client.ProduceSync(ctx, record).FirstErr()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.InvalidRecord), errors.Is(err, kerr.RecordListTooLarge):
		return &Refusal{"the topic " + t.name + " refuses it: " + err.Error()}
	}
	return &busy{err: err}
}
