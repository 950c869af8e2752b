package signalingtest

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// StorageSession is one session of the storage service with a master or
// viewer, for [Config].Storage. It is safe for concurrent use.
type StorageSession struct {
	ChannelARN string
	StreamARN  string // to which the channel is mapped
	ClientID   string // of the viewer that joined; empty for the master

	svc     *Service
	channel *channel
	in      chan signaling.Message
	cancel  context.CancelFunc
}

// Send sends a message to the client that joined; Peer is ignored. The first
// should be an offer.
func (p *StorageSession) Send(m signaling.Message) error {
	for name, kind := range kinds {
		if kind != m.Kind {
			continue
		}
		if passed := p.svc.cfg.Passed; passed != nil {
			passed(p.ChannelARN, m.Payload)
		}
		p.svc.mu.Lock()
		defer p.svc.mu.Unlock()
		sender := p.svc.cfg.Variants.StorageSender
		p.channel.deliver(p.ClientID, sender, name, delivery{SenderClientID: sender, MessageType: name,
			MessagePayload: base64.StdEncoding.EncodeToString(m.Payload)}.frame())
		return nil
	}
	return errors.New("signalingtest: only offers, answers and candidates can be sent")
}

// Receive waits for the next message of the client.
func (p *StorageSession) Receive(ctx context.Context) (signaling.Message, error) {
	select {
	case m := <-p.in:
		return m, nil
	case <-ctx.Done():
		return signaling.Message{}, ctx.Err()
	}
}

func (p *StorageSession) put(e envelope) error {
	payload, err := decodeBase64(e.MessagePayload, true)
	if err != nil {
		return awsapitest.Invalid("messagePayload is not base64.")
	}
	select {
	case p.in <- signaling.Message{Kind: kinds[e.Action], Peer: p.ClientID, Payload: payload}:
		return nil
	default:
		return awsapitest.TooMany("The storage service has too many unread messages.")
	}
}

func (s *Service) joinStorage(c *call) (any, error) {
	var in struct {
		ChannelARN string `json:"channelArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return nil, s.join(c, in.ChannelARN, "")
}

func (s *Service) joinStorageAsViewer(c *call) (any, error) {
	var in struct {
		ChannelARN string `json:"channelArn"`
		ClientID   string `json:"clientId"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !goodClientID(in.ClientID) {
		return nil, awsapitest.Invalid("clientId must match [a-zA-Z0-9_.-]{1,256} and not begin with AWS_.")
	}
	return nil, s.join(c, in.ChannelARN, in.ClientID)
}

// join begins a storage session. The newest one of a client replaces the one before.
func (s *Service) join(c *call, arn, clientID string) error {
	if arn == "" {
		return awsapitest.Invalid("channelArn is missing.")
	}
	t, err := c.target("", arn, clientID)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.active(t)
	if err != nil {
		return err
	}
	if !ch.description.StorageEnabled {
		return awsapitest.Invalid("The channel has no media storage configuration.")
	}
	limit := s.cfg.Limits.limit(s.cfg.Limits.StorageViewers, 3)
	viewers := len(ch.sessions)
	if ch.sessions[""] != nil {
		viewers--
	}
	if clientID != "" && ch.sessions[clientID] == nil && limit > 0 && viewers >= limit {
		return awsapitest.TooMany("The channel has %d storage viewers already.", limit)
	}
	if s.cfg.Storage == nil {
		return nil
	}
	if old := ch.sessions[clientID]; old != nil {
		old.cancel()
	}
	ctx, cancel := context.WithTimeout(s.core.Context(), s.cfg.Timing.Storage)
	session := &StorageSession{ChannelARN: ch.arn, StreamARN: ch.description.StorageStream, ClientID: clientID, svc: s, channel: ch,
		in: make(chan signaling.Message, queueLength), cancel: cancel}
	ch.sessions[clientID] = session
	s.core.Go("a storage session of "+ch.name, func() {
		defer cancel()
		s.cfg.Storage(ctx, session)
		s.mu.Lock()
		defer s.mu.Unlock()
		if ch.sessions[clientID] == session {
			delete(ch.sessions, clientID)
		}
	})
	return nil
}
