package signaling

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

// said is an offer with these members beside it.
func said(members string) string {
	return `{"messageType":"SDP_OFFER","messagePayload":"e30",` + members + `"x":0}`
}

// certain are frames of which the sender can be told, ambiguous ones of which not.
var (
	certain = map[string]string{
		said(``):                     "",
		said(`"senderClientId":"",`): "",
		said(`"senderClientId":"","SenderClientId":"",`):             "",
		said(`"senderClientId":"v-1",`):                              "v-1",
		said(`"SenderClientId":"v-1",`):                              "v-1",
		said(`"senderClientId":"v-1","SenderClientId":"v-1",`):       "v-1",
		said(`"senderClientId":"v-\u0031","SENDERCLIENTID":"v-1",`):  "v-1",
		said(`"x":{"senderClientId":"v-2"},"senderClientId":"v-1",`): "v-1",
		said(`"senderClientId":"` + strings.Repeat("v", 256) + `",`): strings.Repeat("v", 256),
	}
	ambiguous = []string{
		said(`"senderClientId":"v-1","SenderClientId":"",`),
		said(`"SenderClientId":"","senderClientId":"v-1",`),
		said(`"senderClientId":"v-1","senderClientId":"",`),
		said(`"senderClientId":"v-1","senderClientId":"v-2",`),
		said(`"senderClientId":"v-1","` + "\u017f" + `enderClientId":"",`), // a long s, which matches
		said(`"senderClientId":"v-1","senderClientId":null,`),
		said(`"senderClientId":"","senderClientId":"v-1","senderClientId":"",`),
		said(`"senderClientId":null,`),
		said(`"senderClientId":0,`),
		said(`"senderClientId":false,`),
		said(`"senderClientId":["v-1"],`),
		said(`"senderClientId":{"id":"v-1"},`),
		said(`"senderClientId":" ",`),
		said(`"senderClientId":" v-1",`),
		said(`"senderClientId":"v-1\n",`),
		said(`"senderClientId":"\u200b",`),
		said(`"senderClientId":"\u0000",`),
		said(`"senderClientId":"` + "\xff" + `",`),
		said(`"senderClientId":"` + strings.Repeat("v", 257) + `",`),
	}
)

func TestSender(t *testing.T) {
	for frame, want := range certain {
		if in, err := decode([]byte(frame)); err != nil || in.Peer != want || in.Kind != Offer {
			t.Errorf("%s: from %q, %v", frame, in.Peer, err)
		}
	}
	for _, frame := range ambiguous {
		if in, err := decode([]byte(frame)); !errors.Is(err, errSender) {
			t.Errorf("%s: from %q, %v", frame, in.Peer, err)
		}
		control := strings.Replace(frame, "SDP_OFFER", "GO_AWAY", 1)
		if in, err := decode([]byte(control)); err != nil || in.control != goAway {
			t.Errorf("%s: %+v, %v", control, in, err)
		}
	}
}

// TestViewerIsNotTheStorageService has a master of a channel with storage receive
// what may come from a viewer or from the service: it is dropped, and not said
// loudly.
func TestViewerIsNotTheStorageService(t *testing.T) {
	for _, storage := range []bool{true, false} {
		t.Run(fmt.Sprint(storage), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := newService(t)
				cfg := s.config(t)
				cfg.Storage = storage
				cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				c, ws := s.master(t, cfg)
				for _, frame := range ambiguous {
					if !strings.Contains(frame, "\xff") { // which no WebSocket carries as text
						ws.say(t, frame)
					}
				}
				ws.say(t, offerFrame(""))
				ws.say(t, offerFrame("v"))
				if storage {
					if m := receive(t, c); m.Peer != "" {
						t.Errorf("received %+v, want the storage service's", m)
					}
				}
				if m := receive(t, c); m.Peer != "v" {
					t.Errorf("received %+v", m)
				}
				c.Close()
				if text := log.String(); strings.Contains(text, "level=WARN") || strings.Count(text, "the sender cannot be told") != len(ambiguous)-1 {
					t.Error(text)
				}
			})
		})
	}
}

// withName returns the values of the members of a frame that may name the sender.
func withName(frame []byte) (values []string) {
	d := json.NewDecoder(bytes.NewReader(frame))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return values
		}
		if name, ok := key.(string); ok && strings.EqualFold(name, "senderClientId") {
			values = append(values, string(value))
		}
	}
	return values
}

// FuzzSender holds the sender against all that a frame says of it.
func FuzzSender(f *testing.F) {
	for frame := range certain {
		f.Add([]byte(frame))
	}
	for _, frame := range ambiguous {
		f.Add([]byte(frame))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		in, err := decode(frame)
		if err != nil || in.control != noControl || in.Kind == Rejected {
			return
		}
		for _, value := range withName(frame) {
			var id string
			if json.Unmarshal([]byte(value), &id) != nil || id != in.Peer {
				t.Errorf("%s: from %q", frame, in.Peer)
			}
		}
	})
}
