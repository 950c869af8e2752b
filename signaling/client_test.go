package signaling

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

func TestOfferAndAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		c, ws := s.master(t, s.config(t))
		if c.ChannelARN() != testARN {
			t.Errorf("ChannelARN() = %q", c.ChannelARN())
		}
		ws.say(t, offerFrame("viewer-1"))
		m := receive(t, c)
		if m.Kind != Offer || m.Peer != "viewer-1" || string(m.Payload) != `{"type":"offer","sdp":""}` {
			t.Errorf("received %+v", m)
		}
		if err := c.Send(t.Context(), Message{Kind: Answer, Peer: "viewer-1", Payload: []byte(`{"type":"answer"}`)}); err != nil {
			t.Fatal(err)
		}
		f := <-ws.frames
		if f["action"] != "SDP_ANSWER" || f["recipientClientId"] != "viewer-1" || f["messagePayload"] != "eyJ0eXBlIjoiYW5zd2VyIn0=" {
			t.Errorf("sent %v", f)
		}
		ws.say(t, `{"messageType":"STATUS_RESPONSE","statusResponse":{"correlationId":"`+f["correlationId"]+
			`","errorType":"InvalidArgumentException","statusCode":"400","description":"no such client"}}`)
		m = receive(t, c)
		var r *RejectedError
		if m.Kind != Rejected || m.Peer != "viewer-1" || !errors.As(m.Err, &r) || r.Kind != Answer || r.StatusCode != 400 {
			t.Errorf("received %+v", m)
		}
	})
}

func TestSendRefusesLocally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		c, _ := s.master(t, s.config(t))
		for _, m := range []Message{
			{Kind: Answer, Peer: "v", Payload: []byte(`"` + strings.Repeat("x", maxPayload) + `"`)},
			{Kind: Answer, Peer: "v", Payload: []byte("v=0")},
			{Kind: Answer, Payload: []byte("{}")},
			{Kind: Rejected, Peer: "v", Payload: []byte("{}")},
		} {
			if err := c.Send(t.Context(), m); err == nil {
				t.Errorf("Send of a %v of %d bytes to %q succeeded", m.Kind, len(m.Payload), m.Peer)
			}
		}
	})
}

// TestQuotas sends faster than the service allows and looks at every window of
// a second.
func TestQuotas(t *testing.T) {
	for kind, limit := range map[Kind]int{Answer: 5, ICECandidate: 20} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t)
			c, ws := s.master(t, s.config(t))
			const n = 60
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range n {
					if err := c.Send(t.Context(), Message{Kind: kind, Peer: "v", Payload: []byte("{}")}); err != nil {
						t.Error(err)
					}
				}
			}()
			var at []time.Time
			for range n {
				<-ws.frames
				at = append(at, time.Now())
			}
			<-done
			for i := limit; i < n; i++ {
				if d := at[i].Sub(at[i-limit]); d < time.Second {
					t.Fatalf("%v: %d sends within %v", kind, limit+1, d)
				}
			}
			if took := at[n-1].Sub(at[0]); took > time.Duration(n/limit)*paceWindow {
				t.Errorf("%v: %d sends took %v", kind, n, took)
			}
		})
	}
}

func TestSendWaitsForTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		c, ws := s.master(t, s.config(t))
		s.net.set(func() { s.net.dial = errRefused })
		ws.CloseNow()
		synctest.Wait()
		m := Message{Kind: Answer, Peer: "v", Payload: []byte("{}")}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := c.Send(ctx, m)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("Send offline: %v after %v", err, time.Since(start))
		}
		if err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("the error does not say why the client is offline: %v", err)
		}
		time.AfterFunc(10*time.Second, func() { s.net.set(func() { s.net.dial = nil }) })
		if err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if f := <-(<-s.sockets).frames; f["action"] != "SDP_ANSWER" {
			t.Errorf("sent %v", f)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	for name, hole := range map[string]bool{"well": false, "stalled": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				c, ws := s.master(t, s.config(t))
				s.net.set(func() { s.net.hole = hole })
				waiting := make(chan error, 1)
				go func() {
					_, err := c.Receive(t.Context())
					waiting <- err
				}()
				synctest.Wait()
				start := time.Now()
				c.Close()
				c.Close()
				if d := time.Since(start); d > closeLimit {
					t.Errorf("Close took %v", d)
				}
				if err := <-waiting; !errors.Is(err, net.ErrClosed) {
					t.Errorf("Receive: %v", err)
				}
				if err := c.Send(t.Context(), Message{Kind: Answer, Peer: "v", Payload: []byte("{}")}); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Send: %v", err)
				}
				if _, err := c.ICEServers(t.Context()); err != nil && !errors.Is(err, net.ErrClosed) {
					t.Errorf("ICEServers: %v", err)
				}
				ws.CloseNow()
			})
		})
	}
}

// TestHugeMessage has the service send what no service sends.
func TestHugeMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		states := make(chan State, 100)
		cfg.States = states
		c, ws := s.master(t, cfg)
		<-states
		ws.SetReadLimit(-1)
		go ws.Write(t.Context(), websocket.MessageText, make([]byte, 10<<20))
		st := <-states
		if st.Online || st.Err == nil || !strings.Contains(st.Err.Error(), "more than 1048576 bytes") {
			t.Errorf("state %+v", st)
		}
		ws = <-s.sockets
		ws.say(t, "not JSON")
		ws.say(t, `{"messageType":"NEWS"}`)
		ws.say(t, offerFrame("v"))
		if m := receive(t, c); m.Kind != Offer {
			t.Errorf("received %+v", m)
		}
	})
}

// TestFlood shows that an application that does not receive costs bounded memory.
func TestFlood(t *testing.T) {
	b := newInbox()
	m := Message{Kind: Offer, Payload: make([]byte, 10_000)}
	n := 0
	for b.put(m) {
		n++
	}
	if n != maxQueuedBytes/10_000 {
		t.Errorf("%d messages of 10000 bytes fit", n)
	}
	for range n {
		if _, ok := b.take(); !ok {
			t.Fatal("a message is missing")
		}
	}
	if _, ok := b.take(); ok || b.bytes != 0 {
		t.Errorf("after the last message: %v, %d bytes", ok, b.bytes)
	}
	for n = 0; b.put(Message{Kind: ICECandidate}); n++ {
	}
	if n != maxQueued {
		t.Errorf("%d empty messages fit", n)
	}
}
