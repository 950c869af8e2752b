package signaling

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxPayload is the documented limit of a message's payload, in bytes
	// before base64.
	maxPayload = 10_000

	// maxFrame bounds what is read as one WebSocket message. The service
	// relays far less; anything longer ends the connection unread.
	maxFrame = 1 << 20
)

// control is what the service says to the client itself.
type control uint8

const (
	noControl    control = iota
	goAway               // connect anew within a minute
	reconnectICE         // fetch the ICE servers anew
)

// envelope is a message of the signaling WebSocket, as the JavaScript SDK
// spells it. Fields match in any case, so the C SDK's RecipientClientId is read
// as well.
type envelope struct {
	// to the service
	Action            string `json:"action,omitempty"`
	RecipientClientID string `json:"recipientClientId,omitempty"`
	CorrelationID     string `json:"correlationId,omitempty"`

	// from the service
	MessageType    string          `json:"messageType,omitempty"`
	SenderClientID sender          `json:"senderClientId,omitzero"`
	StatusResponse *statusResponse `json:"statusResponse,omitempty"`

	// both ways, base64
	MessagePayload string `json:"messagePayload,omitempty"`
}

// sender is the client ID of the viewer that a message comes from; empty for the
// master and the storage service. A frame may name it twice, in spellings that all
// match the field: then both must be the same, so that no viewer passes for the
// storage service. Each occurrence is decoded by UnmarshalJSON.
type sender struct {
	id      string
	named   bool
	invalid bool // the sender cannot be told
}

// UnmarshalJSON takes one occurrence of the field. It never fails: a frame with an
// invalid sender may still be a control.
func (s *sender) UnmarshalJSON(b []byte) error {
	var id *string
	if json.Unmarshal(b, &id) != nil || id == nil || *id != "" && !clientName.MatchString(*id) || s.named && *id != s.id {
		s.invalid = true
		return nil
	}
	s.id, s.named = *id, true
	return nil
}

type statusResponse struct {
	CorrelationID string          `json:"correlationId"`
	ErrorType     string          `json:"errorType"`
	StatusCode    json.RawMessage `json:"statusCode"` // a string, after the documentation
	Description   string          `json:"description"`
}

var actions = map[Kind]string{Offer: "SDP_OFFER", Answer: "SDP_ANSWER", ICECandidate: "ICE_CANDIDATE"}

// encode returns the frame that carries m to the service.
func encode(m Message, correlationID string) ([]byte, error) {
	action, ok := actions[m.Kind]
	if !ok {
		return nil, fmt.Errorf("signaling: a message of kind %q cannot be sent", m.Kind)
	}
	if n := len(m.Payload); n > maxPayload {
		return nil, fmt.Errorf("signaling: the %v has %d bytes, the service takes %d: offer fewer codecs or send candidates apart", m.Kind, n, maxPayload)
	}
	if !json.Valid(m.Payload) {
		return nil, fmt.Errorf("signaling: the payload of the %v is not JSON", m.Kind)
	}
	return json.Marshal(envelope{
		Action: action, RecipientClientID: m.Peer, CorrelationID: correlationID,
		MessagePayload: base64.StdEncoding.EncodeToString(m.Payload),
	})
}

// incoming is a decoded frame: a control, or a message. For a Rejected message
// correlation is that of the message that was refused.
type incoming struct {
	Message
	control     control
	correlation string
}

// errSender is the error of a message of which it is not certain who sent it.
var errSender = errors.New("signaling: the sender cannot be told")

// decode reads a frame of the service.
func decode(frame []byte) (incoming, error) {
	var e envelope
	if err := json.Unmarshal(frame, &e); err != nil {
		return incoming{}, fmt.Errorf("signaling: a message of the service is not the expected JSON: %w", err)
	}
	in := incoming{Message: Message{Peer: e.SenderClientID.id}}
	switch e.MessageType {
	case "SDP_OFFER":
		in.Kind = Offer
	case "SDP_ANSWER":
		in.Kind = Answer
	case "ICE_CANDIDATE":
		in.Kind = ICECandidate
	case "GO_AWAY":
		in.control = goAway
		return in, nil
	case "RECONNECT_ICE_SERVER":
		in.control = reconnectICE
		return in, nil
	case "STATUS_RESPONSE":
		if e.StatusResponse == nil {
			return incoming{}, errors.New("signaling: a STATUS_RESPONSE without statusResponse")
		}
		in.Kind = Rejected
		in.correlation = e.StatusResponse.CorrelationID
		in.Err = e.StatusResponse.rejection()
		return in, nil
	default:
		return incoming{}, fmt.Errorf("signaling: a message of unknown type %.40q", e.MessageType)
	}
	if e.SenderClientID.invalid {
		return incoming{}, fmt.Errorf("%w of the %v", errSender, in.Kind)
	}
	var err error
	if in.Payload, err = decodeBase64(e.MessagePayload); err != nil {
		return incoming{}, fmt.Errorf("signaling: the payload of a message from %q is not base64: %w", in.Peer, err)
	}
	if len(in.Payload) == 0 {
		return incoming{}, fmt.Errorf("signaling: an empty %v from %q", in.Kind, in.Peer)
	}
	return in, nil
}

func (s *statusResponse) rejection() *RejectedError {
	code, err := strconv.Atoi(strings.Trim(string(s.StatusCode), `" `))
	if err != nil || code < 0 || code > 999 {
		code = 0
	}
	return &RejectedError{StatusCode: code, Code: s.ErrorType, Description: s.Description}
}

var base64Alphabet = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "", "\t", "", " ", "")

// decodeBase64 takes both alphabets of RFC 4648, padded or not: Android sends
// the URL-safe one.
func decodeBase64(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(base64Alphabet.Replace(s), "="))
}
