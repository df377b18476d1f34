package intake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadTopic takes the events of an intake's topic until the context ends. All replicas of agentd are one consumer group for each fleet, environment and intake.
//
// What was taken is committed, and nothing else: whatever happens in between, an event comes again rather than not at all. While events wait no more are
// fetched. A rebalance does not wait for them: it ends the attempts, and whoever has the partition then begins with the first event that was not taken.
func (s *Service) ReadTopic(ctx context.Context, k Kafka, intake string) error {
	group, topic, err := s.groupOf(ctx, intake)
	if err != nil {
		return err
	}
	all, err := k.options()
	if err != nil {
		return err
	}
	g := &gate{}
	client, err := kgo.NewClient(append(all,
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// Eagerly: in a rebalance everybody gives everything back, and begins where the group has committed.
		kgo.Balancers(kgo.StickyBalancer()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.HeartbeatInterval(time.Second), kgo.SessionTimeout(sessionTimeout),
		kgo.OnPartitionsCallbackBlocked(func(context.Context, *kgo.Client) { g.hurry() }),
		kgo.FetchMaxBytes(4<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchMaxWait(time.Second), kgo.MaxDecompressBatchBytes(mostBatch),
	)...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer client.CloseAllowingRebalance()
	r := &reader{s, client, g, intake}
	for ctx.Err() == nil {
		unread := r.round(ctx)
		client.AllowRebalance()
		if unread && s.Wait(ctx, unreadWait) != nil {
			break
		}
	}
	return ctx.Err()
}

const (
	// sessionTimeout is after how long without a heartbeat the partitions of a replica that died go to the others. Until then its events wait, and, once somebody
	// else comes or goes, everybody's.
	sessionTimeout = 10 * time.Second

	mostRecords = 128      // of a round: what comes again at most after a crash
	mostBatch   = 64 << 20 // bytes of a batch of records, unpacked
)

// groupOf an intake, and its topic.
func (s *Service) groupOf(ctx context.Context, intake string) (group, topic string, err error) {
	f, err := s.filters()
	if err != nil {
		return "", "", err
	}
	r := f.routes[intake]
	if r == nil || r.intake.Topic == "" {
		return "", "", fmt.Errorf("%q: the bundle has no such intake with a topic", intake)
	}
	m := f.engine.Manifest.Metadata
	return fmt.Sprintf("agentd.%s.%s.%s", m.Fleet, m.Environment, intake), r.intake.Topic, nil
}

// gate between a round and a rebalance that waits for it.
type gate struct {
	mu     sync.Mutex
	cancel context.CancelCauseFunc // of the round; nil: there is none
}

var errRebalance = errors.New("the partitions go to others")

// hurry ends the round.
func (g *gate) hurry() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cancel != nil {
		g.cancel(errRebalance)
	}
}

func (g *gate) open(ctx context.Context) context.Context {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, g.cancel = context.WithCancelCause(ctx)
	return ctx
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cancel(nil)
	g.cancel = nil
}

// reader of one topic.
type reader struct {
	service *Service
	client  *kgo.Client
	gate    *gate
	intake  string
}

// unreadWait is how long a topic is left alone that could not be read.
const unreadWait = time.Second

// round takes some records, and commits those that were taken. It says whether there was something that could not be read.
func (r *reader) round(ctx context.Context) (unread bool) {
	attempts := r.gate.open(ctx) // before the poll: a rebalance may wait from then on
	defer r.gate.close()
	fetches := r.client.PollRecords(attempts, mostRecords)
	fetches.EachError(func(topic string, partition int32, err error) {
		if ctx.Err() == nil && !errors.Is(err, errRebalance) && !errors.Is(err, context.Canceled) {
			unread = true
			r.service.Log.Error("a topic cannot be read", "intake", r.intake, "topic", topic, "partition", partition, "error", err)
		}
	})
	taken, rest := r.take(attempts, fetches.Records())
	if len(taken) > 0 {
		// Not by the context: what was handed over is committed even at the end.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
		defer cancel()
		if err := r.client.CommitRecords(last, taken...); err != nil {
			r.service.Log.Error("events may come again: they were taken, and it could not be committed", "intake", r.intake, "error", err)
		}
	}
	r.rewind(rest)
	return unread
}

const commitTimeout = 10 * time.Second

// position of a partition in a round.
type position struct {
	topic     string
	partition int32
}

// take records side by side. Of each partition it says the last one up to which all were taken, and the first one that was not.
func (r *reader) take(ctx context.Context, records []*kgo.Record) (taken, rest []*kgo.Record) {
	done := make([]bool, len(records))
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(r.service.Workers, len(records)) {
		wait.Go(func() {
			for i := range next {
				done[i] = r.one(ctx, records[i])
			}
		})
	}
	for i := range records {
		next <- i
	}
	close(next)
	wait.Wait()
	last, stopped := map[position]*kgo.Record{}, map[position]bool{}
	for i, record := range records {
		at := position{record.Topic, record.Partition}
		switch {
		case stopped[at]:
		case done[i]:
			last[at] = record
		default:
			stopped[at] = true
			rest = append(rest, record)
		}
	}
	for _, record := range last {
		taken = append(taken, record)
	}
	return taken, rest
}

// one record.
func (r *reader) one(ctx context.Context, record *kgo.Record) bool {
	if ctx.Err() != nil {
		return false
	}
	parent := ""
	for _, h := range record.Headers {
		if h.Key == "traceparent" {
			parent = string(h.Value[:min(len(h.Value), 64)])
		}
	}
	from := fmt.Sprintf("%s/%d/%d", record.Topic, record.Partition, record.Offset)
	_, err := r.service.takeWhatever(ctx, arrival{intake: r.intake, raw: record.Value, parent: parent, from: from, waits: true})
	if err != nil && ctx.Err() == nil {
		r.service.Log.Error("an event could not be taken", "intake", r.intake, "from", from, "error", err)
	}
	return err == nil
}

// rewind to what was not taken, for the case that the partitions stay ours.
func (r *reader) rewind(rest []*kgo.Record) {
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for _, record := range rest {
		if offsets[record.Topic] == nil {
			offsets[record.Topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[record.Topic][record.Partition] = kgo.EpochOffset{Epoch: record.LeaderEpoch, Offset: record.Offset}
	}
	r.client.SetOffsets(offsets)
}
