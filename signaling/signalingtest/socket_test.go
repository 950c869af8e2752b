package signalingtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

func TestRelay(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{})
	defer srv.Close()
	c := newClient(t, srv)
	arn := added(t)(srv.AddChannel("door"))
	master, viewer := c.dial(arn, ""), c.dial(arn, "v1")
	if got := master.ws.Subprotocol(); got != "wss" {
		t.Errorf("subprotocol %q, want wss", got)
	}
	// As JavaScript sends, to whatever recipient.
	viewer.send(`{"action":"SDP_OFFER","recipientClientId":"v1","messagePayload":"` + b64("offer") + `"}`)
	check(t, master.receive(), map[string]any{"messageType": "SDP_OFFER", "senderClientId": "v1", "messagePayload": b64("offer")})
	// As the C SDK sends, line breaks included.
	viewer.send("{\n\t\"action\": \"ICE_CANDIDATE\",\n\t\"RecipientClientId\": \"ProducerMaster\",\n\t\"MessagePayload\": \"" +
		b64("candidate") + "\",\n\t\"CorrelationId\": \"1\", \"IceServerList\":[{\"Ttl\":1}]\n}")
	check(t, master.receive(), map[string]any{"messageType": "ICE_CANDIDATE", "senderClientId": "v1", "messagePayload": b64("candidate")})
	// As Android sends: base64 for URLs, its own name as sender.
	viewer.send(`{"action":"ICE_CANDIDATE","senderClientId":"forged","messagePayload":"_-8="}`)
	check(t, master.receive(), map[string]any{"messageType": "ICE_CANDIDATE", "senderClientId": "v1", "messagePayload": "_-8="})
	master.send(`{"action":"SDP_ANSWER","recipientClientId":"v1","messagePayload":"` + b64("answer") + `","correlationId":"c"}`)
	check(t, viewer.receive(), map[string]any{"messageType": "SDP_ANSWER", "messagePayload": b64("answer")})
}

func TestStatusResponse(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		master, viewer := c.dial(arn, ""), c.dial(arn, "v1")
		big := b64(strings.Repeat("x", 10_001))
		for name, frame := range map[string]string{
			"no recipient":   `{"action":"SDP_ANSWER","messagePayload":"eA==","correlationId":"id-1"}`,
			"bad recipient":  `{"action":"SDP_ANSWER","recipientClientId":"a b","messagePayload":"eA==","correlationId":"id-1"}`,
			"unknown action": `{"action":"HELLO","recipientClientId":"v1","messagePayload":"eA==","correlationId":"id-1"}`,
			"no payload":     `{"action":"SDP_ANSWER","recipientClientId":"v1","correlationId":"id-1"}`,
			"no base64":      `{"action":"SDP_ANSWER","recipientClientId":"v1","messagePayload":"!","correlationId":"id-1"}`,
			"too big":        `{"action":"SDP_ANSWER","recipientClientId":"v1","messagePayload":"` + big + `","correlationId":"id-1"}`,
			"wrong type":     `{"correlationId":"id-1","action":5}`,
		} {
			master.send(frame)
			m := master.receive()
			status, _ := m["statusResponse"].(map[string]any)
			if status["description"] == "" {
				t.Errorf("%s: no description", name)
			}
			delete(status, "description")
			check(t, status, map[string]any{"correlationId": "id-1", "errorType": "InvalidArgumentException", "statusCode": "400"})
			delete(m, "statusResponse")
			check(t, m, map[string]any{"messageType": "STATUS_RESPONSE"})
			time.Sleep(time.Second) // the bubble's clock: keep to the rate
		}
		// Without a correlation ID an error is silent, and so is success with one.
		master.send(`{"action":"HELLO"}`)
		master.send(`garbage`)
		master.send(`{"action":"SDP_ANSWER","recipientClientId":"v1","messagePayload":"` + b64(strings.Repeat("x", 10_000)) + `","correlationId":"id-1"}`)
		viewer.receive()
		master.nothing()
	})
}

func TestMessageRates(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		master, viewer := c.dial(arn, ""), c.dial(arn, "v1")
		for action, rate := range map[string]int{"SDP_OFFER": 5, "ICE_CANDIDATE": 20} {
			for i := range rate + 1 {
				viewer.send(fmt.Sprintf(`{"action":%q,"messagePayload":"eA==","correlationId":"%d"}`, action, i))
			}
			for range rate {
				master.receive()
			}
			status := viewer.receive()["statusResponse"].(map[string]any)
			if status["errorType"] != "ClientLimitExceededException" || status["correlationId"] != fmt.Sprint(rate) {
				t.Errorf("%s: %v", action, status)
			}
			master.nothing()
			viewer.nothing()
		}
	})
}

func TestMessagesWait(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		viewer, other := c.dial(arn, "v1"), c.dial(arn, "v2")
		viewer.send(`{"action":"SDP_OFFER","messagePayload":"` + b64("old") + `"}`)
		viewer.send(`{"action":"ICE_CANDIDATE","messagePayload":"` + b64("c1") + `"}`)
		other.send(`{"action":"SDP_OFFER","messagePayload":"` + b64("other") + `"}`)
		synctest.Wait()
		time.Sleep(59 * time.Second)
		viewer.send(`{"action":"ICE_CANDIDATE","messagePayload":"` + b64("c2") + `"}`)
		viewer.send(`{"action":"SDP_OFFER","messagePayload":"` + b64("new") + `"}`)
		synctest.Wait()
		master := c.dial(arn, "")
		got := map[any]bool{}
		for range 4 {
			got[master.receive()["messagePayload"]] = true
		}
		for _, want := range []string{"c1", "other", "c2", "new"} {
			if !got[b64(want)] {
				t.Errorf("%s is missing in %v", want, got)
			}
		}
		master.nothing()

		master.send(`{"action":"SDP_ANSWER","recipientClientId":"later","messagePayload":"eA=="}`)
		master.send(`{"action":"SDP_ANSWER","recipientClientId":"never","messagePayload":"eA=="}`)
		synctest.Wait()
		time.Sleep(59 * time.Second)
		c.dial(arn, "later").receive()
		time.Sleep(2 * time.Second)
		c.dial(arn, "never").nothing()
	})
}

func TestRefusedUpgrades(t *testing.T) {
	inBubble(t, signalingtest.Config{Timing: signalingtest.Timing{Create: 10 * time.Second}}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		c.dialRefused(arn, "", 400, "ResourceInUseException")
		time.Sleep(10 * time.Second)
		c.dialRefused(arn, "AWS_v", 400, "InvalidArgumentException")
		c.dialRefused(arn, "aws_v", 400, "InvalidArgumentException")
		c.dialRefused(arn, "a b", 400, "InvalidArgumentException")
		c.dialRefused("", "", 400, "InvalidArgumentException")
		c.dialRefused("arn:aws:kinesisvideo:us-west-2:123456789012:channel/absent/1", "", 404, "ResourceNotFoundException")
		time.Sleep(time.Second)
		for range 3 {
			c.dial(arn, "")
		}
		c.dialRefused(arn, "", 400, "ClientLimitExceededException")
		time.Sleep(time.Second)
		c.dial(arn, "")
		if n := c.srv.Calls("ConnectAsMaster"); n != 8 {
			t.Errorf("%d calls of ConnectAsMaster, want 8", n)
		}
	})
}

func TestViewerSlots(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		c.dial(arn, "")
		var viewers []*peer
		for i := range 10 {
			viewers = append(viewers, c.dial(arn, fmt.Sprint("v", i)))
			time.Sleep(time.Second)
		}
		c.dialRefused(arn, "v10", 400, "ClientLimitExceededException")
		again := c.dial(arn, "v0") // the same client displaces itself
		viewers[0].ended(websocket.StatusNormalClosure)
		if err := viewers[1].ws.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.dialRefused(arn, "v10", 400, "ClientLimitExceededException")
		time.Sleep(time.Second)
		c.dial(arn, "v1").nothing() // may return
		time.Sleep(time.Second)
		if err := viewers[2].ws.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		c.dialRefused(arn, "v10", 400, "ClientLimitExceededException")
		time.Sleep(time.Second)
		c.dial(arn, "v10")
		again.nothing()
		if n := len(c.srv.Viewers("door")); n != 10 {
			t.Errorf("%d viewers, want 10", n)
		}
	})
}

func TestSecondMasterDisplacesTheFirst(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		first, viewer := c.dial(arn, ""), c.dial(arn, "v")
		second := c.dial(arn, "")
		first.ended(websocket.StatusNormalClosure)
		viewer.send(`{"action":"SDP_OFFER","messagePayload":"eA=="}`)
		second.receive()
	})
}

func TestConnectionEnds(t *testing.T) {
	ping := func(p *peer, d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Second) {
			_ = p.ws.Ping(p.t.Context()) // fails once the connection has ended
		}
	}
	t.Run("after an hour", func(t *testing.T) {
		inBubble(t, signalingtest.Config{}, func(c *client) {
			start := time.Now()
			p := c.dial(added(t)(c.srv.AddChannel("door")), "")
			go ping(p, time.Hour)
			m := <-p.in
			check(t, m, map[string]any{"messageType": "GO_AWAY"})
			if d := time.Since(start); d != 59*time.Minute {
				t.Errorf("GO_AWAY after %v, want 59m", d)
			}
			p.ended(websocket.StatusGoingAway)
			if d := time.Since(start); d != time.Hour {
				t.Errorf("ended after %v, want 1h", d)
			}
			time.Sleep(time.Minute) // until the pings end
		})
	})
	t.Run("idle", func(t *testing.T) {
		inBubble(t, signalingtest.Config{}, func(c *client) {
			arn := added(t)(c.srv.AddChannel("door"))
			master := c.dial(arn, "")
			time.Sleep(4 * time.Minute)
			master.send(`{"action":"ICE_CANDIDATE","recipientClientId":"v","messagePayload":"eA=="}`)
			synctest.Wait()
			start := time.Now()
			master.ended(websocket.StatusGoingAway)
			if d := time.Since(start); d != 10*time.Minute {
				t.Errorf("ended after %v, want 10m", d)
			}
		})
	})
	t.Run("no master", func(t *testing.T) {
		inBubble(t, signalingtest.Config{}, func(c *client) {
			arn := added(t)(c.srv.AddChannel("door"))
			viewer := c.dial(arn, "v")
			time.Sleep(2 * time.Minute)
			master := c.dial(arn, "")
			time.Sleep(4 * time.Minute)
			if err := master.ws.CloseNow(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			start := time.Now()
			viewer.ended(websocket.StatusNormalClosure)
			if d := time.Since(start); d != 3*time.Minute {
				t.Errorf("ended after %v, want 3m", d)
			}
		})
	})
	t.Run("binary message", func(t *testing.T) {
		inBubble(t, signalingtest.Config{}, func(c *client) {
			p := c.dial(added(t)(c.srv.AddChannel("door")), "")
			if err := p.ws.Write(p.t.Context(), websocket.MessageBinary, []byte("x")); err != nil {
				t.Fatal(err)
			}
			p.ended(websocket.StatusUnsupportedData)
		})
	})
}

func TestVariants(t *testing.T) {
	inBubble(t, signalingtest.Config{Variants: signalingtest.Variants{
		EncodedPayloadLimit: true, RefuseURLSafeBase64: true, RelayICEServerList: true, RefuseRepeatedCorrelationID: true,
		NoSubprotocol: true, FullControlMessages: true, NoUpgradeErrorBody: true, SignatureErrorInBody: true, CloseDisplaced: 4000,
	}}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		first := c.dial(arn, "")
		master, viewer := c.dial(arn, ""), c.dial(arn, "v")
		first.ended(4000)
		if master.ws.Subprotocol() != "" {
			t.Error("a subprotocol was chosen")
		}
		for _, payload := range []string{"_-8=", b64(strings.Repeat("x", 9000))} {
			viewer.send(`{"action":"SDP_OFFER","messagePayload":"` + payload + `","correlationId":"` + payload[:1] + `"}`)
			if m := viewer.receive(); m["messageType"] != "STATUS_RESPONSE" {
				t.Errorf("got %v", m)
			}
		}
		viewer.send(`{"action":"SDP_OFFER","messagePayload":"eA==","correlationId":"1","IceServerList":[{"Ttl":300}]}`)
		if m := master.receive(); fmt.Sprint(m["IceServerList"]) != "[map[Ttl:300]]" {
			t.Errorf("got %v", m)
		}
		viewer.send(`{"action":"SDP_OFFER","messagePayload":"eA==","correlationId":"1"}`)
		if m := viewer.receive(); m["messageType"] != "STATUS_RESPONSE" {
			t.Errorf("got %v", m)
		}
		c.srv.Master("door").GoAway()
		if m := master.receive(); m["messageType"] != "GO_AWAY" || m["messagePayload"] != "" || m["statusResponse"] == nil {
			t.Errorf("got %v", m)
		}
		_, resp, err := c.tryDial("x", "")
		if err == nil || resp.StatusCode != 400 || resp.ContentLength != 0 {
			t.Errorf("got %v %v", resp, err)
		}
		c.creds.SecretAccessKey = "wrong"
		if r := c.post("/describeSignalingChannel", `{}`); r.body["__type"] != "InvalidSignatureException" || r.header.Get("x-amzn-ErrorType") != "" {
			t.Errorf("got %v %s", r.header, r.raw)
		}
	})
}

func TestPlainRequestIsNoSocket(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{})
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", resp.StatusCode)
	}
}
