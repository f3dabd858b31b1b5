package nats

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Stream says how the broker keeps events, always in files.
type Stream struct {
	Name       string        // if empty, the sink's prefix
	Subjects   []string      // if nil, all of the sink's
	Replicas   int           // if zero, three; 1 for a server that stands alone
	Keep       time.Duration // how long; if zero, until somebody removes them
	Duplicates time.Duration // within which the repeat of an id is dropped; if zero, two minutes
}

// Ensure makes the stream unless it is there. It changes nothing that is there:
// it fails with [ErrDiffers] when the settings are others, with [ErrRefused] when
// the broker refuses them, as it does for subjects of another stream, and with
// [ErrNoStream] when there is no JetStream.
//
// It logs one warning in the sink's life unless it sees that every server of the
// stream syncs to disk before it acknowledges; for that it needs
// [Options.System].
func (s *Sink) Ensure(ctx context.Context, want Stream) error {
	config := s.config(want)
	stream, err := s.js.CreateStream(ctx, config)
	differs := errors.Is(err, jetstream.ErrStreamNameAlreadyInUse)
	if differs {
		stream, err = s.js.Stream(ctx, config.Name)
	}
	switch {
	case err != nil:
		return fmt.Errorf("stream %s: %w", config.Name, verdict(err))
	case differs:
		return fmt.Errorf("stream %s has %s, not %s: %w", config.Name, settings(stream.CachedInfo().Config), settings(config), ErrDiffers)
	}
	s.warn(ctx, stream.CachedInfo())
	return nil
}

func (s *Sink) config(want Stream) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name:       cmp.Or(want.Name, strings.ReplaceAll(s.opts.Prefix, ".", "_")),
		Subjects:   want.Subjects,
		Storage:    jetstream.FileStorage,
		Replicas:   cmp.Or(want.Replicas, 3),
		MaxAge:     want.Keep,
		Duplicates: cmp.Or(want.Duplicates, 2*time.Minute),
	}
	if c.Subjects == nil {
		c.Subjects = []string{s.opts.Prefix + ".>"}
	}
	if c.MaxAge > 0 {
		c.Duplicates = min(c.Duplicates, c.MaxAge) // as the server demands
	}
	return c
}

// settings are those that [Stream] has, and where events are kept.
func settings(c jetstream.StreamConfig) string {
	return fmt.Sprintf("(%v, %d replicas, subjects %v, keep %v, duplicates %v)", c.Storage, c.Replicas, c.Subjects, c.MaxAge, c.Duplicates)
}

// warn names the servers of which it is not known that they sync always.
func (s *Sink) warn(ctx context.Context, of *jetstream.StreamInfo) {
	if s.opts.Log == nil {
		return
	}
	servers := []string{s.conn.ConnectedServerName()}
	if of.Cluster != nil {
		servers = []string{of.Cluster.Leader}
		for _, r := range of.Cluster.Replicas {
			servers = append(servers, r.Name)
		}
	}
	var unsure []string
	for _, name := range servers {
		if !s.syncs(ctx, name) {
			unsure = append(unsure, name)
		}
	}
	if len(unsure) > 0 {
		s.warned.Do(func() {
			s.opts.Log.WarnContext(ctx, "acknowledged events may be lost with the power: set sync_interval: always in the jetstream block of these servers, and let the sink see it by Options.System",
				"stream", of.Config.Name, "servers", unsure)
		})
	}
}

// syncs asks a server for its settings, as only the system account may.
func (s *Sink) syncs(ctx context.Context, server string) bool {
	if s.opts.System == nil || server == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ask, err := json.Marshal(map[string]any{"server_name": server, "exact_match": true})
	if err != nil {
		return false
	}
	answer, err := s.opts.System.RequestWithContext(ctx, "$SYS.REQ.SERVER.PING.JSZ", ask)
	if err != nil {
		return false
	}
	var is struct {
		Data struct {
			Config struct {
				SyncAlways bool `json:"sync_always"`
			}
		}
	}
	return json.Unmarshal(answer.Data, &is) == nil && is.Data.Config.SyncAlways
}
