package signalingtest

import (
	"errors"
	"strconv"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

var kinds = map[string]signaling.Kind{
	"SDP_OFFER": signaling.Offer, "SDP_ANSWER": signaling.Answer, "ICE_CANDIDATE": signaling.ICECandidate,
}

// handle routes one message of the client. Success is silent; a refusal is
// told only to who gave a correlation ID.
func (c *Conn) handle(data []byte) {
	e, err := c.svc.parse(data)
	if err == nil {
		err = c.route(e)
	}
	detail := ""
	if err != nil {
		detail = err.Error()
	}
	c.svc.note(e.Action, c.channel.name, c.clientID, detail)
	var refused *awsapitest.Error
	if errors.As(err, &refused) && e.CorrelationID != "" {
		c.queue(delivery{MessageType: "STATUS_RESPONSE", StatusResponse: &statusResponse{
			e.CorrelationID, refused.Name, strconv.Itoa(refused.Status), refused.Message,
		}}.frame())
	}
}

func (c *Conn) route(e envelope) error {
	s := c.svc
	if err := c.pace(e); err != nil {
		return err
	}
	if payload, err := decodeBase64(e.MessagePayload, true); err == nil && s.cfg.Passed != nil {
		s.cfg.Passed(c.channel.arn, payload)
	}
	d := delivery{SenderClientID: c.clientID, MessageType: e.Action, MessagePayload: e.MessagePayload}
	if s.cfg.Variants.RelayICEServerList {
		d.ICEServerList = e.ICEServerList
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := c.channel
	if c.clientID != "" {
		if session := ch.sessions[c.clientID]; session != nil {
			return session.put(e)
		}
		ch.deliver("", c.clientID, e.Action, d.frame()) // whatever recipient it names
		return nil
	}
	to := e.RecipientClientID
	if session := ch.sessions[""]; session != nil && (to == "" || to == s.cfg.Variants.StorageSender) {
		return session.put(e)
	}
	if !clientPattern.MatchString(to) {
		return awsapitest.Invalid("A master's message needs a recipientClientId that matches [a-zA-Z0-9_.-]{1,256}.")
	}
	if answer := ch.alexa[to]; answer != nil && e.Action == "SDP_ANSWER" {
		delete(ch.alexa, to)
		answer <- e.MessagePayload
		return nil
	}
	ch.deliver(to, "", e.Action, d.frame())
	return nil
}

// pace enforces the rate of messages, and what a correlation ID must be.
func (c *Conn) pace(e envelope) error {
	l := &c.svc.cfg.Limits
	rate := l.limit(l.SDPs, 5)
	bucket := "SDP"
	if e.Action == "ICE_CANDIDATE" {
		rate, bucket = l.limit(l.Candidates, 20), "candidate"
	}
	if !c.limiter.Allow(bucket, rate) {
		return awsapitest.TooMany("More than %d messages of type %s per second.", rate, e.Action)
	}
	if id := e.CorrelationID; id != "" && c.svc.cfg.Variants.RefuseRepeatedCorrelationID {
		if c.seen[id] {
			return awsapitest.Invalid("The correlationId was used before.")
		}
		c.seen[id] = true
	}
	return nil
}
