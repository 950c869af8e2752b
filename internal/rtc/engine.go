package rtc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/sdp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// The clocks of a session. A peer that is gone is noticed after disconnectAfter
// plus failAfter, a peer that never came after setupLimit.
const (
	disconnectAfter = 4 * time.Second
	failAfter       = 8 * time.Second
	keepalive       = time.Second // less than silence: a quiet camera is not a lost path
	setupLimit      = 15 * time.Second
)

// maxChecks is how often a pair is checked: 75 times within setupLimit, as pion
// checks each 200 ms, and once for each candidate.
const maxChecks = 256

// feedbackEvery is how often arrival times are reported to the sender, who cannot
// react to a path that gets worse before it knows.
const feedbackEvery = 50 * time.Millisecond

// flightRepeat is when a DTLS flight is first sent again; the intervals double.
// RFC 6347, 4.2.4.1 proposes a second, browsers take 50 ms: a session's first
// packets are few, and each lost one costs this long.
const flightRepeat = 100 * time.Millisecond

// maxMessage is the largest data channel message in bytes that a session takes.
const maxMessage = 1 << 20

// Certificate is the DTLS identity of a device or viewer for one run.
type Certificate struct{ cert webrtc.Certificate }

// NewCertificate makes a certificate with an ECDSA P-256 key, which takes a
// camera chip milliseconds where RSA takes seconds.
func NewCertificate() (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("rtc: making a DTLS key: %w", err)
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("rtc: making a DTLS certificate: %w", err)
	}
	return &Certificate{*cert}, nil
}

// Net is a network as pion sees it.
type Net = transport.Net

// Config is what camera and viewer give a session alike.
type Config struct {
	Peer        signaling.Peer
	Certificate *Certificate
	ICEServers  []signaling.ICEServer
	ICEPolicy   signaling.ICEPolicy
	Hooks       Hooks
	Logger      *slog.Logger
	PlainSends  bool     // one system call a packet, also where the kernel takes batches
	Buffers     *Buffers // shared by the sessions of a camera; nil for own ones
	Net         Net      // nil is the machine's; tests have virtual ones
}

// Hooks is whom a session tells. Each is called from one of the session's
// goroutines and must return soon; nil ones are not called.
type Hooks struct {
	Candidate func(payload []byte)    // an own ICE candidate, to be sent to the peer
	Connected func()                  // media can flow; again after each ICE restart
	Keyframe  func(*kvsmedia.Track)   // a key frame is needed for the peer
	Path      func(Path)              // news of the way to the peer, while pictures are sent
	Frame     func(kvsmedia.Frame)    // a frame came from the peer
	Channel   func(*Channel) Receiver // a data channel is being opened; nil ignores its messages
}

// pairFilter says whether a pair on which the peer's check arrived is used at once.
type pairFilter func(_ *stun.Message, local, remote ice.Candidate, _ *ice.CandidatePair) bool

// receivers makes the place for what comes for an SSRC.
type receivers func(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser

// newPeerConnection makes pion's part of a session with the codecs given.
func newPeerConnection(c Config, codecs []negotiable, early pairFilter, own *network, in receivers) (*webrtc.PeerConnection, error) {
	media := &webrtc.MediaEngine{}
	for _, n := range codecs {
		if err := n.register(media); err != nil {
			return nil, fmt.Errorf("rtc: registering %v: %w", n.codec, err)
		}
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		ext := webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}
		if err := media.RegisterHeaderExtension(ext, kind); err != nil {
			return nil, fmt.Errorf("rtc: registering the transport sequence number: %w", err)
		}
	}
	// Only what serves received streams: sent ones get their headers, sender
	// reports and retransmissions from the session itself.
	registry := &interceptor.Registry{}
	receiver, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(loggerFactory{log: c.Logger}))
	if err != nil {
		return nil, err
	}
	feedback, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(loggerFactory{log: c.Logger}), twcc.SendInterval(feedbackEvery))
	if err != nil {
		return nil, err
	}
	registry.Add(whenReceiving{receiver})
	registry.Add(whenReceiving{feedback})

	engine := settings(c, own)
	engine.BufferFactory = in
	engine.SetICEBindingRequestHandler(early)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(engine))
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		Certificates:       []webrtc.Certificate{c.Certificate.cert},
		ICEServers:         iceServers(c.ICEServers, c.ICEPolicy),
		ICETransportPolicy: transportPolicy(c.ICEPolicy),
		BundlePolicy:       webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return nil, fmt.Errorf("rtc: making a peer connection: %w", err)
	}
	return pc, nil
}

func settings(c Config, own *network) webrtc.SettingEngine {
	var s webrtc.SettingEngine
	s.SetNet(own)
	if c.Net != nil {
		s.SetNet(c.Net)
	}
	s.LoggerFactory = loggerFactory{log: c.Logger, hear: own.complaints.hear}
	s.SetICETimeouts(disconnectAfter, failAfter, keepalive)
	s.SetSrflxAcceptanceMinWait(100 * time.Millisecond)
	s.SetPrflxAcceptanceMinWait(100 * time.Millisecond)
	if c.ICEPolicy == signaling.ICERelayOnly {
		s.SetRelayAcceptanceMinWait(0)
		own.hasty.Store(true)
	} else {
		s.SetRelayAcceptanceMinWait(400 * time.Millisecond) // a direct path may still come
	}
	// Each new candidate makes pion check all pairs again, and after seven checks
	// it would give a pair up: the camera's, before the viewer has its answer.
	s.SetICEMaxBindingRequests(maxChecks)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	// Candidates that hide behind multicast names still reach us: their checks
	// arrive at our plain candidates, so no name needs to be resolved.
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(own.onlyLoopback())
	// Pion does not tell the peer of these, so their sockets would serve nothing.
	s.SetIPFilter(told)
	// ICE has proved the peer's address before DTLS starts.
	s.SetDTLSInsecureSkipHelloVerify(true)
	s.SetDTLSRetransmissionInterval(flightRepeat)
	_ = s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer) // saves a round trip; fails only on an unknown role
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetSRTPReplayProtectionWindow(1024) // room for packets resent without RTX
	s.SetSCTPMaxMessageSize(maxMessage)
	s.DetachDataChannels()
	return s
}

func iceServers(servers []signaling.ICEServer, policy signaling.ICEPolicy) []webrtc.ICEServer {
	var out []webrtc.ICEServer
	for _, s := range servers {
		var urls []string
		for _, u := range s.URLs {
			relay := strings.HasPrefix(u, "turn")
			switch {
			case relay && policy == signaling.ICENoRelay:
				// A TURN server tells one's address as a STUN server does (RFC 8656, 3).
				if host, ok := strings.CutSuffix(u, "?transport=udp"); ok && strings.HasPrefix(u, "turn:") {
					urls = append(urls, "stun:"+strings.TrimPrefix(host, "turn:"))
				}
			case relay || policy != signaling.ICERelayOnly:
				urls = append(urls, u)
			}
		}
		if len(urls) > 0 {
			out = append(out, webrtc.ICEServer{URLs: urls, Username: s.Username, Credential: s.Credential})
		}
	}
	return out
}

func transportPolicy(p signaling.ICEPolicy) webrtc.ICETransportPolicy {
	if p == signaling.ICERelayOnly {
		return webrtc.ICETransportPolicyRelay
	}
	return webrtc.ICETransportPolicyAll
}

// negotiable is a codec as it is offered or answered.
type negotiable struct {
	codec kvsmedia.Codec
	pt    uint8
	rtx   uint8
	fmtp  string
}

func (n negotiable) register(m *webrtc.MediaEngine) error {
	kind, capability := webrtc.RTPCodecTypeAudio, webrtc.RTPCodecCapability{
		MimeType: mimeType(n.codec), ClockRate: clockRate(n.codec), SDPFmtpLine: n.fmtp,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "transport-cc"}},
	}
	switch {
	case n.codec == kvsmedia.Opus:
		capability.Channels = 2 // always, RFC 7587, 7
	case n.codec.Video():
		kind = webrtc.RTPCodecTypeVideo
		capability.RTCPFeedback = append(capability.RTCPFeedback, webrtc.RTCPFeedback{Type: "nack"},
			webrtc.RTCPFeedback{Type: "nack", Parameter: "pli"}, webrtc.RTCPFeedback{Type: "ccm", Parameter: "fir"})
	}
	err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: capability, PayloadType: webrtc.PayloadType(n.pt)}, kind)
	if err != nil || n.rtx == 0 {
		return err
	}
	return m.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", n.pt)},
		PayloadType:        webrtc.PayloadType(n.rtx),
	}, kind)
}

func mimeType(c kvsmedia.Codec) string {
	switch c {
	case kvsmedia.H264:
		return webrtc.MimeTypeH264
	case kvsmedia.H265:
		return webrtc.MimeTypeH265
	case kvsmedia.Opus:
		return webrtc.MimeTypeOpus
	case kvsmedia.PCMU:
		return webrtc.MimeTypePCMU
	case kvsmedia.PCMA:
		return webrtc.MimeTypePCMA
	}
	return ""
}

// codecOf is the inverse of mimeType; 0 for what the SDK does not carry.
func codecOf(mime string) kvsmedia.Codec {
	for c := kvsmedia.H264; c <= kvsmedia.PCMA; c++ {
		if strings.EqualFold(mime, mimeType(c)) {
			return c
		}
	}
	return 0
}

// clockRate is the RTP clock of a codec in Hz.
func clockRate(c kvsmedia.Codec) uint32 {
	switch {
	case c.Video():
		return 90000
	case c == kvsmedia.Opus:
		return 48000
	}
	return 8000
}
