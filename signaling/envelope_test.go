package signaling

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	const sdp = `{"type":"offer","sdp":"v=0\r\n???>>>"}`
	std := base64.StdEncoding.EncodeToString([]byte(sdp))
	web := base64.RawURLEncoding.EncodeToString([]byte(sdp))
	if std == web || !strings.ContainsAny(web, "-_") {
		t.Fatal("the sample does not tell the alphabets apart")
	}
	for name, frame := range map[string]string{
		"JavaScript": `{"messageType":"SDP_OFFER","senderClientId":"v-1","messagePayload":"` + std + `"}`,
		"C":          "{\n\t\"MessageType\": \"SDP_OFFER\",\n\t\"SenderClientId\": \"v-1\",\n\t\"MessagePayload\": \"" + std + "\"\n}",
		"Android":    `{"messageType":"SDP_OFFER","senderClientId":"v-1","messagePayload":"` + web + `"}`,
		"padded":     `{"messageType":"SDP_OFFER","senderClientId":"v-1","messagePayload":"` + web + `==","statusResponse":null,"x":[1]}`,
		"in lines":   `{"messageType":"SDP_OFFER","senderClientId":"v-1","messagePayload":"` + std[:20] + `\r\n` + std[20:] + `\n"}`,
		"C, all":     `{"messageType":"SDP_OFFER","senderClientId":"v-1","messagePayload":"` + std + `","statusResponse":{"correlationId":"","errorType":"","statusCode":"","description":""}}`,
	} {
		in, err := decode([]byte(frame))
		if err != nil || in.Kind != Offer || in.Peer != "v-1" || string(in.Payload) != sdp {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
	}
	for frame, want := range map[string]control{
		`{"messageType":"GO_AWAY","senderClientId":"","messagePayload":"!!"}`: goAway,
		`{"MessageType":"RECONNECT_ICE_SERVER"}`:                              reconnectICE,
	} {
		if in, err := decode([]byte(frame)); err != nil || in.control != want {
			t.Errorf("%s: %+v, %v", frame, in, err)
		}
	}
	for _, code := range []string{`"400"`, `400`} {
		in, err := decode([]byte(`{"messageType":"STATUS_RESPONSE","statusResponse":{"correlationId":"c","errorType":"E","statusCode":` + code + `,"description":"d"}}`))
		var r *RejectedError
		if err != nil || in.Kind != Rejected || in.correlation != "c" || !errors.As(in.Err, &r) || *r != (RejectedError{0, 400, "E", "d"}) {
			t.Errorf("status code %s: %+v, %v", code, in, err)
		}
	}
	for _, frame := range []string{
		"", "null", "[]", `{"messageType":"SDP_OFFER"}`, `{"messageType":"SDP_OFFER","messagePayload":"a"}`, `{"messageType":1}`,
		`{"messageType":"STATUS_RESPONSE"}`, `{"messageType":"OTHER"}`, `{"messageType":"SDP_OFFER","messagePayload":"=="}`,
	} {
		if in, err := decode([]byte(frame)); err == nil {
			t.Errorf("%s: %+v without an error", frame, in)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(offerFrame("v")))
	f.Add([]byte(`{"MessageType":"ICE_CANDIDATE","MessagePayload":"bnVsbA","SenderClientId":"x"}`))
	f.Add([]byte(`{"messageType":"STATUS_RESPONSE","statusResponse":{"correlationId":"c","statusCode":"400"}}`))
	f.Add([]byte(`{"messageType":"GO_AWAY"}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		in, err := decode(frame)
		if err != nil {
			return
		}
		if in.control == noControl && (in.Kind == 0 || in.Kind != Rejected && len(in.Payload) == 0) {
			t.Errorf("%q: %+v", frame, in)
		}
		if len(in.Payload) > len(frame) {
			t.Errorf("a payload of %d bytes from a frame of %d", len(in.Payload), len(frame))
		}
		var l sentLog
		l.add(Message{Kind: Answer, Peer: "v"})
		l.refused(in)
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(1), "viewer", []byte(`{"sdp":"v=0"}`))
	f.Fuzz(func(t *testing.T, kind uint8, peer string, payload []byte) {
		frame, err := encode(Message{Kind: Kind(kind), Peer: peer, Payload: payload}, "c.1")
		if err != nil {
			return
		}
		// The service turns the action into the type.
		in, err := decode([]byte(strings.Replace(string(frame), `"action"`, `"messageType"`, 1)))
		if err != nil || in.Kind != Kind(kind) || string(in.Payload) != string(payload) {
			t.Errorf("%s: %+v, %v", frame, in, err)
		}
	})
}
