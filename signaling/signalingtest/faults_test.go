package signalingtest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

func TestRefuseAndDelay(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		c.srv.Refuse("DescribeSignalingChannel", 2, signalingtest.Error{Status: 503, Name: "ServiceUnavailable", Message: "later"})
		for range 2 {
			c.refused("/describeSignalingChannel", `{"ChannelName":"door"}`, 503, "ServiceUnavailable")
		}
		c.ok("/describeSignalingChannel", `{"ChannelName":"door"}`)
		c.srv.Refuse("ConnectAsMaster", -1, signalingtest.Error{Status: 500, Name: "InternalFailure"})
		c.dialRefused(arn, "", 500, "InternalFailure")
		c.dialRefused(arn, "", 500, "InternalFailure")
		c.srv.Refuse("ConnectAsMaster", 0, signalingtest.Error{})
		c.dial(arn, "")
		c.srv.Drop("GetIceServerConfig", 1)
		if r := c.post("/v1/get-ice-server-config", `{"ChannelARN":"`+arn+`"}`); r.status != 0 {
			t.Errorf("got %d, want a connection cut off", r.status)
		}
		start := time.Now()
		c.srv.Delay("DescribeSignalingChannel", 7*time.Second)
		c.ok("/describeSignalingChannel", `{"ChannelName":"door"}`)
		if d := time.Since(start); d != 7*time.Second {
			t.Errorf("took %v, want 7s", d)
		}
		if n := c.srv.Calls("DescribeSignalingChannel"); n != 4 {
			t.Errorf("%d calls, want 4", n)
		}
	})
}

func TestAPIRates(t *testing.T) {
	inBubble(t, signalingtest.Config{Limits: signalingtest.Limits{Rates: map[string]signalingtest.Rate{
		"DescribeSignalingChannel": {Account: 7, Channel: 5}, "ListSignalingChannels": {Account: -1}}}}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		added(t)(c.srv.AddChannel("other"))
		burst := func(n int, path, body string) {
			t.Helper()
			for range n {
				c.ok(path, body)
			}
		}
		burst(5, "/describeSignalingChannel", `{"ChannelName":"door"}`)
		c.refused("/describeSignalingChannel", `{"ChannelName":"door"}`, 400, "ClientLimitExceededException")
		burst(2, "/describeSignalingChannel", `{"ChannelName":"other"}`)
		c.refused("/describeSignalingChannel", `{"ChannelName":"other"}`, 400, "ClientLimitExceededException")
		burst(5, "/v1/get-ice-server-config", `{"ChannelARN":"`+arn+`"}`)
		c.refused("/v1/get-ice-server-config", `{"ChannelARN":"`+arn+`"}`, 400, "ClientLimitExceededException")
		burst(60, "/listSignalingChannels", `{}`)
		time.Sleep(time.Second)
		burst(5, "/describeSignalingChannel", `{"ChannelName":"door"}`)
	})
}

func TestDropStallOutage(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		p := c.dial(arn, "")
		c.srv.Master("door").Drop()
		p.ended(-1)

		p = c.dial(arn, "")
		conn := c.srv.Master("door")
		conn.Stall()
		p.send(`{"action":"HELLO","correlationId":"1"}`)
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
		defer cancel()
		if err := p.ws.Ping(ctx); err == nil {
			t.Error("a stalled connection answered a ping")
		}
		if c.srv.Master("door") != conn {
			t.Error("the service noticed the stall")
		}

		p = c.dial(arn, "")
		c.srv.SetOutage(true)
		p.ended(-1)
		if _, resp, err := c.tryDial(arn, ""); err == nil || resp != nil {
			t.Errorf("connected during an outage: %v %v", resp, err)
		}
		c.srv.SetOutage(false)
		p = c.dial(arn, "")
		c.srv.Master("door").Expire()
		p.ended(websocket.StatusGoingAway)
	})
}

func TestControlMessages(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		p := c.dial(added(t)(c.srv.AddChannel("door")), "")
		conn := c.srv.Master("door")
		conn.ReconnectICE()
		check(t, p.receive(), map[string]any{"messageType": "RECONNECT_ICE_SERVER"})
		conn.Inject([]byte("garbage"))
		check(t, p.receive(), map[string]any{"raw": "garbage"})
		start := time.Now()
		conn.GoAway()
		check(t, p.receive(), map[string]any{"messageType": "GO_AWAY"})
		p.ended(websocket.StatusGoingAway)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("ended %v after GO_AWAY, want 1m", d)
		}
	})
}

func TestICEServers(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		list := c.ok("/v1/get-ice-server-config", fmt.Sprintf(`{"ChannelARN":%q,"ClientId":"v","Service":"TURN"}`, arn))["IceServerList"].([]any)
		if len(list) != 2 {
			t.Fatalf("%d servers", len(list))
		}
		first := list[0].(map[string]any)
		if want := signalingtest.TURNUsername(arn, time.Now().Add(300*time.Second)); first["Username"] != want || first["Ttl"] != 300.0 ||
			len(first["Uris"].([]any)) != 3 || len(first["Password"].(string)) != 44 {
			t.Errorf("got %v, want user name %s", first, want)
		}
	})
}

func TestStorageSession(t *testing.T) {
	answers := make(chan signaling.Message, 10)
	cfg := signalingtest.Config{Storage: func(ctx context.Context, s *signalingtest.StorageSession) {
		if err := s.Send(signaling.Message{Kind: signaling.Offer, Payload: []byte("offer to " + s.ClientID)}); err != nil {
			t.Error(err)
		}
		for {
			m, err := s.Receive(ctx)
			if err != nil {
				return
			}
			answers <- m
		}
	}}
	inBubble(t, cfg, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		if err := c.srv.SetStorage("door", stream); err != nil {
			t.Fatal(err)
		}
		c.ok("/joinStorageSession", `{"channelArn":"`+arn+`"}`) // the offer waits
		master, viewer := c.dial(arn, ""), c.dial(arn, "v")
		check(t, master.receive(), map[string]any{"messageType": "SDP_OFFER", "messagePayload": b64("offer to ")})
		master.send(`{"action":"SDP_ANSWER","recipientClientId":"","messagePayload":"` + b64("answer") + `"}`)
		if m := <-answers; m.Kind != signaling.Answer || string(m.Payload) != "answer" || m.Peer != "" {
			t.Errorf("got %v", m)
		}
		c.ok("/joinStorageSessionAsViewer", `{"channelArn":"`+arn+`","clientId":"v"}`)
		check(t, viewer.receive(), map[string]any{"messageType": "SDP_OFFER", "messagePayload": b64("offer to v")})
		viewer.send(`{"action":"ICE_CANDIDATE","messagePayload":"` + b64("candidate") + `"}`)
		if m := <-answers; m.Kind != signaling.ICECandidate || m.Peer != "v" {
			t.Errorf("got %v", m)
		}
		master.nothing()
		time.Sleep(time.Second)
		for _, id := range []string{"v2", "v3"} {
			c.ok("/joinStorageSessionAsViewer", `{"channelArn":"`+arn+`","clientId":"`+id+`"}`)
			time.Sleep(time.Second)
		}
		c.refused("/joinStorageSessionAsViewer", `{"channelArn":"`+arn+`","clientId":"v4"}`, 400, "ClientLimitExceededException")
	})
}

func TestAlexaOffer(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		master := c.dial(arn, "")
		go func() {
			m := <-master.in
			master.send(fmt.Sprintf(`{"action":"SDP_ANSWER","recipientClientId":%q,"messagePayload":%q}`, m["senderClientId"], b64("answer")))
		}()
		body := fmt.Sprintf(`{"ChannelARN":%q,"SenderClientId":"echo","MessagePayload":%q}`, arn, b64("offer"))
		if got := c.ok("/v1/send-alexa-offer-to-master", body)["Answer"]; got != b64("answer") {
			t.Errorf("answer %v", got)
		}
		c.refused("/v1/send-alexa-offer-to-master", body, 404, "ResourceNotFoundException")
	})
}

func TestWaitAndEvents(t *testing.T) {
	inBubble(t, signalingtest.Config{}, func(c *client) {
		arn := added(t)(c.srv.AddChannel("door"))
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
		defer cancel()
		found := make(chan error, 1)
		go func() { found <- c.srv.Wait(ctx, func() bool { return c.srv.Master("door") != nil }) }()
		synctest.Wait()
		c.dial(arn, "")
		if err := <-found; err != nil {
			t.Error(err)
		}
		if err := c.srv.Wait(ctx, func() bool { return len(c.srv.Viewers("door")) > 0 }); err == nil {
			t.Error("found a viewer that is not there")
		}
		var names []string
		for _, e := range c.srv.Events() {
			names = append(names, e.Name)
		}
		if fmt.Sprint(names) != "[ConnectAsMaster Connected]" {
			t.Errorf("events %v", names)
		}
	})
}
