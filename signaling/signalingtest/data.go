package signalingtest

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// iceServer is an entry of IceServerList as the service writes it.
type iceServer struct {
	Uris     []string
	Username string
	Password string
	Ttl      int
}

func (s *Service) iceServers(c *call) (any, error) {
	var in struct{ ChannelARN, ClientId, Service, Username string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case in.ChannelARN == "":
		return nil, awsapitest.Invalid("ChannelARN is missing.")
	case in.Service != "" && in.Service != "TURN":
		return nil, awsapitest.Invalid("Service must be TURN.")
	case in.ClientId != "" && !clientPattern.MatchString(in.ClientId),
		in.Username != "" && !clientPattern.MatchString(in.Username):
		return nil, awsapitest.Invalid("ClientId and Username must match [a-zA-Z0-9_.-]{1,256}.")
	}
	t, err := c.target("", in.ChannelARN, in.ClientId)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	ch, err := s.active(t)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ttl := s.cfg.Timing.ICE
	list := []iceServer{}
	for _, srv := range s.cfg.TURN(ch.arn, s.core.Now().Add(ttl)) {
		list = append(list, iceServer{srv.URIs, srv.Username, srv.Password, int(ttl / time.Second)})
	}
	return map[string][]iceServer{"IceServerList": list}, nil
}

// TURNUsername returns the user name that the service gives out for a channel:
// the time at which it expires and the channel.
func TURNUsername(channelARN string, expires time.Time) string {
	return strconv.FormatInt(expires.Unix(), 10) + ":" + base64.StdEncoding.EncodeToString([]byte("v1:"+channelARN))
}

// inventTURN returns servers in the form of AWS, at the discard port.
func inventTURN(arn string, expires time.Time) []ICEServer {
	var list []ICEServer
	for _, host := range []string{"127.0.0.1:9", "127.0.0.2:9"} {
		var password [32]byte
		_, _ = rand.Read(password[:]) // never fails
		list = append(list, ICEServer{
			URIs:     []string{"turn:" + host + "?transport=udp", "turns:" + host + "?transport=udp", "turns:" + host + "?transport=tcp"},
			Username: TURNUsername(arn, expires),
			Password: base64.StdEncoding.EncodeToString(password[:]),
		})
	}
	return list
}

func (s *Service) alexaOffer(c *call) (any, error) {
	var in struct{ ChannelARN, SenderClientId, MessagePayload string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.ChannelARN == "" || !clientPattern.MatchString(in.SenderClientId) || in.MessagePayload == "" || len(in.MessagePayload) > 10_000 {
		return nil, awsapitest.Invalid("ChannelARN, SenderClientId and a MessagePayload of up to 10000 characters are required.")
	}
	if _, err := decodeBase64(in.MessagePayload, true); err != nil {
		return nil, awsapitest.Invalid("MessagePayload is not base64.")
	}
	t, err := c.target("", in.ChannelARN, in.SenderClientId)
	if err != nil {
		return nil, err
	}
	answer := make(chan string, 1)
	s.mu.Lock()
	ch, err := s.active(t)
	if err == nil {
		ch.alexa[in.SenderClientId] = answer
		ch.deliver("", in.SenderClientId, "SDP_OFFER",
			delivery{SenderClientID: in.SenderClientId, MessageType: "SDP_OFFER", MessagePayload: in.MessagePayload}.frame())
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if ch.alexa[in.SenderClientId] == answer {
			delete(ch.alexa, in.SenderClientId)
		}
	}()
	timeout := time.NewTimer(s.cfg.Timing.AlexaAnswer)
	defer timeout.Stop()
	select {
	case a := <-answer:
		return map[string]string{"Answer": a}, nil
	case <-timeout.C:
		return nil, awsapitest.Errorf(http.StatusNotFound, "ResourceNotFoundException", "No master answered the offer.")
	case <-c.request.Context().Done():
		return nil, awsapitest.ErrDropped
	case <-s.core.Context().Done():
		return nil, awsapitest.ErrDropped
	}
}
