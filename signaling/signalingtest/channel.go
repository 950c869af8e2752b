package signalingtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// Forms from the API reference.
var (
	namePattern   = form{regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`), 256}
	clientPattern = namePattern
	arnPattern    = form{regexp.MustCompile(`^arn:[a-z0-9-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:channel/[a-zA-Z0-9_.-]+/[0-9]+$`), 1024}
	streamPattern = form{regexp.MustCompile(`^arn:[a-z0-9-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:stream/[a-zA-Z0-9_.-]+/[0-9]+$`), 1024}
)

// form is what a name must look like. Its length is apart from the expression,
// which would take a hundred kilobytes of memory with it.
type form struct {
	chars *regexp.Regexp
	most  int // bytes
}

// MatchString reports whether s has the form.
func (f form) MatchString(s string) bool { return len(s) <= f.most && f.chars.MatchString(s) }

const (
	standardTTL, minTTL, maxTTL = 60, 5, 120 // seconds that undelivered messages wait

	maxPending = 256 // undelivered messages of one recipient
	maxTags    = 50
)

// channel is one signaling channel. Service.mu guards all but its name and ARN.
type channel struct {
	name, arn   string
	description description

	master     *Conn
	masterLeft time.Time // when there last was a master, or the channel was made or loaded
	viewers    map[string]*Conn
	held       map[string]time.Time // until when departed viewers keep their slots
	pending    map[string][]pending // by recipient, "" being the master

	sessions map[string]*StorageSession // by viewer, "" being the master
	alexa    map[string]chan string     // who waits for an answer, by sender
}

// pending is a message that waits for its recipient.
type pending struct {
	sender, kind string
	frame        []byte
	expires      time.Time
}

// AddChannel makes a channel, as CreateSignalingChannel does, and returns its
// ARN. A channel of that name that exists already is left as it is. The error is of
// the name, of Limits.Channels or of Config.Dir.
func (s *Service) AddChannel(name string) (arn string, err error) {
	if !namePattern.MatchString(name) {
		return "", fmt.Errorf("signalingtest: the name %q must match [a-zA-Z0-9_.-]{1,256}", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[name]; ch != nil {
		return ch.arn, nil
	}
	ch, err := s.add(name, standardTTL, map[string]string{})
	if err != nil {
		return "", fmt.Errorf("signalingtest: %w", err)
	}
	return ch.arn, nil
}

func (s *Service) add(name string, ttlSeconds int, tags map[string]string) (*channel, error) {
	if n := s.channelLimit(); n > 0 && len(s.channels) >= n {
		return nil, badRequest("AccountChannelLimitExceededException", "The account has as many signaling channels as it may have.")
	}
	now := time.Now()
	ch := newChannel(description{Name: name, ARN: s.arn(name, now), Version: newVersion(), Created: now,
		MessageTTLSeconds: ttlSeconds, Tags: tags})
	if err := s.change(ch, func(*description) {}); err != nil {
		return nil, err
	}
	s.channels[name] = ch
	return ch, nil
}

func newChannel(d description) *channel {
	return &channel{
		name: d.Name, arn: d.ARN, description: d, masterLeft: time.Now(),
		viewers: map[string]*Conn{}, held: map[string]time.Time{}, pending: map[string][]pending{},
		sessions: map[string]*StorageSession{}, alexa: map[string]chan string{},
	}
}

// channelLimit returns how many channels the account may have, 0 for any number.
func (s *Service) channelLimit() int { return s.cfg.Limits.limit(s.cfg.Limits.Channels, 5000) }

// arn returns the ARN of a channel that was created at a time.
func (s *Service) arn(name string, created time.Time) string {
	return s.arnPrefix() + name + "/" + strconv.FormatInt(created.UnixMilli(), 10)
}

// lookup returns the channel of a target. With an ARN it is that very channel,
// not a later one of the same name.
func (s *Service) lookup(t target) (*channel, error) {
	ch := s.channels[t.name]
	if ch == nil || t.arn != "" && t.arn != ch.arn {
		return nil, notFound(t.name)
	}
	return ch, nil
}

// active returns the channel of a target if its creation is complete.
func (s *Service) active(t target) (*channel, error) {
	ch, err := s.lookup(t)
	if err == nil && s.status(ch) != "ACTIVE" {
		err = inUse("The channel %s is not in the status ACTIVE.", t.name)
	}
	return ch, err
}

func (s *Service) status(ch *channel) string {
	if double.Within(ch.description.Created, time.Now(), s.cfg.Timing.Create) {
		return "CREATING"
	}
	return "ACTIVE"
}

func (ch *channel) connections() []*Conn {
	all := slices.Collect(maps.Values(ch.viewers))
	if ch.master != nil {
		all = append(all, ch.master)
	}
	return all
}

// conn returns the connection of a recipient, "" being the master.
func (ch *channel) conn(recipient string) *Conn {
	if recipient == "" {
		return ch.master
	}
	return ch.viewers[recipient]
}

// deliver hands a frame to its recipient, or keeps it for the channel's message
// time to live. A newer offer or answer replaces one that still waits.
func (ch *channel) deliver(recipient, sender, kind string, frame []byte) {
	if c := ch.conn(recipient); c != nil {
		c.queue(frame)
		return
	}
	now := time.Now()
	waiting := slices.DeleteFunc(ch.pending[recipient], func(p pending) bool {
		return !now.Before(p.expires) || kind != "ICE_CANDIDATE" && p.kind == kind && p.sender == sender
	})
	if len(waiting) < maxPending {
		waiting = append(waiting, pending{sender, kind, frame, now.Add(time.Duration(ch.description.MessageTTLSeconds) * time.Second)})
	}
	ch.pending[recipient] = waiting
}

// flush sends what waited for c.
func (ch *channel) flush(c *Conn) {
	now := time.Now()
	for _, p := range ch.pending[c.clientID] {
		if now.Before(p.expires) {
			c.queue(p.frame)
		}
	}
	delete(ch.pending, c.clientID)
}

// reserve takes a slot for a viewer, or reports that all are taken.
func (ch *channel) reserve(clientID string, limit int, hold time.Duration) bool {
	now := time.Now()
	maps.DeleteFunc(ch.held, func(_ string, until time.Time) bool { return !now.Before(until) })
	taken := len(ch.viewers)
	for id := range ch.held {
		if ch.viewers[id] == nil && id != clientID {
			taken++
		}
	}
	if limit > 0 && ch.viewers[clientID] == nil && taken >= limit {
		return false
	}
	ch.held[clientID] = now.Add(hold)
	return true
}
