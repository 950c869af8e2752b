package signalingtest

import (
	"errors"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"action":"SDP_OFFER","messagePayload":"eA==","correlationId":"1","IceServerList":[{"Ttl":1}]}`))
	f.Add([]byte("{\n\t\"action\": \"ICE_CANDIDATE\", \"RecipientClientId\": \"v\", \"MessagePayload\": \"_-8=\"}"))
	s, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := s.parse(data)
		var refused *awsapitest.Error
		switch {
		case err != nil && !errors.As(err, &refused):
			t.Fatalf("untyped error %v", err)
		case err == nil && len(e.MessagePayload) == 0:
			t.Fatal("accepted without payload")
		}
		d := delivery{MessageType: e.Action, MessagePayload: e.MessagePayload, ICEServerList: e.ICEServerList}
		if d.frame() == nil {
			t.Fatal("accepted what cannot be relayed")
		}
	})
}
