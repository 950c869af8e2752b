package signalingtest

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// envelope is a message from a client. encoding/json matches the names in any
// case: JavaScript sends recipientClientId, C RecipientClientId.
type envelope struct {
	Action            string          `json:"action"`
	RecipientClientID string          `json:"recipientClientId"`
	MessagePayload    string          `json:"messagePayload"`
	CorrelationID     string          `json:"correlationId"`
	ICEServerList     json.RawMessage `json:"iceServerList"`
}

// delivery is a message to a client. Empty fields are left out: the C SDK
// fails on a STATUS_RESPONSE with an empty payload.
type delivery struct {
	SenderClientID string          `json:"senderClientId,omitempty"`
	MessageType    string          `json:"messageType"`
	MessagePayload string          `json:"messagePayload,omitempty"`
	StatusResponse *statusResponse `json:"statusResponse,omitempty"`
	ICEServerList  json.RawMessage `json:"IceServerList,omitempty"`
}

type statusResponse struct {
	CorrelationID string `json:"correlationId"`
	ErrorType     string `json:"errorType"`
	StatusCode    string `json:"statusCode"`
	Description   string `json:"description"`
}

func (d delivery) frame() []byte {
	b, err := json.Marshal(d)
	if err != nil {
		return nil // only an ICEServerList that is no JSON, which decoding refused
	}
	return b
}

// control returns GO_AWAY or RECONNECT_ICE_SERVER.
func control(messageType string, full bool) []byte {
	if !full {
		return delivery{MessageType: messageType}.frame()
	}
	return []byte(`{"senderClientId":"","messageType":"` + messageType + `","messagePayload":"",` +
		`"statusResponse":{"correlationId":"","errorType":"","statusCode":"","description":""}}`)
}

// parse reads a message of a client and checks it as far as it goes without
// the channel.
func (s *Service) parse(data []byte) (envelope, error) {
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return envelope{CorrelationID: e.CorrelationID}, awsapitest.Invalid("The message is not the expected JSON.")
	}
	if e.CorrelationID != "" && !clientPattern.MatchString(e.CorrelationID) {
		return envelope{}, awsapitest.Invalid("correlationId must match [a-zA-Z0-9_.-]{1,256}.")
	}
	switch e.Action {
	case "SDP_OFFER", "SDP_ANSWER", "ICE_CANDIDATE":
	default:
		return e, awsapitest.Invalid("The action must be SDP_OFFER, SDP_ANSWER or ICE_CANDIDATE.")
	}
	if e.MessagePayload == "" {
		return e, awsapitest.Invalid("messagePayload is missing.")
	}
	payload, err := decodeBase64(e.MessagePayload, !s.cfg.Variants.RefuseURLSafeBase64)
	if err != nil {
		return e, awsapitest.Invalid("messagePayload is not base64.")
	}
	size := len(payload)
	if s.cfg.Variants.EncodedPayloadLimit {
		size = len(e.MessagePayload)
	}
	if limit := s.cfg.Limits.limit(s.cfg.Limits.Payload, 10_000); limit > 0 && size > limit {
		return e, awsapitest.Invalid("messagePayload has %d bytes, %d are allowed.", size, limit)
	}
	return e, nil
}

var toStandard = strings.NewReplacer("-", "+", "_", "/")

func decodeBase64(s string, urlSafe bool) ([]byte, error) {
	if urlSafe {
		s = toStandard.Replace(s)
	}
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "=")) // skips line breaks
}
