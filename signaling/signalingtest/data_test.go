package signalingtest_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// By default ICE servers are listed as in a captured reply of AWS: two, each with
// TURN over UDP, over DTLS and over TLS in this order, and no TURN over plain TCP.
func TestICEServersAsAWSListsThem(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		list, ok := c.ok("/v1/get-ice-server-config", `{"ChannelARN":"`+arn+`"}`)["IceServerList"].([]any)
		if !ok || len(list) != 2 {
			t.Fatalf("got %v", list)
		}
		hosts := map[string]bool{}
		for _, server := range list {
			s := server.(map[string]any)
			first, _, _ := strings.Cut(s["Uris"].([]any)[0].(string), "?")
			host := strings.TrimPrefix(first, "turn:")
			hosts[host] = true
			want := fmt.Sprintf("[turn:%[1]s?transport=udp turns:%[1]s?transport=udp turns:%[1]s?transport=tcp]", host)
			if got := fmt.Sprint(s["Uris"]); got != want {
				t.Errorf("URIs %s, want %s", got, want)
			}
			name := fmt.Sprintf("%d:%s", time.Now().Add(300*time.Second).Unix(), base64.StdEncoding.EncodeToString([]byte("v1:"+arn)))
			password, err := base64.StdEncoding.DecodeString(s["Password"].(string))
			if s["Username"] != name || err != nil || len(password) != 32 || s["Ttl"] != 300.0 {
				t.Errorf("%v, want the user %s", s, name)
			}
		}
		if len(hosts) != 2 {
			t.Errorf("both servers are at %v", hosts)
		}
	})
}
