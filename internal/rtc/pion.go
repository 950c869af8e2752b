package rtc

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	pionsdp "github.com/pion/sdp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/path"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sctpguard"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
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

// maxChecks is how often pion checks a pair: 75 times within setupLimit, as it
// checks each 200 ms, and once for each candidate. It bounds nothing that is sent:
// the network paces the checks to addresses that do not answer.
const maxChecks = 256

// feedbackEvery is how often arrival times are reported to the sender, who cannot
// react to a path that gets worse before it knows.
const feedbackEvery = 50 * time.Millisecond

// flightRepeat is when a DTLS flight is first sent again; the intervals double.
// RFC 6347, 4.2.4.1 proposes a second, browsers take 50 ms: a session's first
// packets are few, and each lost one costs this long.
const flightRepeat = 100 * time.Millisecond

// Net is a network as pion sees it.
type Net = transport.Net

// pairFilter says whether a pair on which the peer's check arrived is used at once.
type pairFilter func(_ *stun.Message, local, remote ice.Candidate, _ *ice.CandidatePair) bool

// receivers makes the place for what comes for an SSRC.
type receivers func(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser

// newPeerConnection makes pion's part of a session with the codecs given.
func newPeerConnection(c Config, codecs []negotiable, early pairFilter, own *path.Network, in receivers, guard *sctpguard.Guard) (*webrtc.PeerConnection, error) {
	media := &webrtc.MediaEngine{}
	for _, n := range codecs {
		if err := n.register(media); err != nil {
			return nil, fmt.Errorf("webrtc: registering %v: %w", n.codec, err)
		}
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		ext := webrtc.RTPHeaderExtensionCapability{URI: pionsdp.TransportCCURI}
		if err := media.RegisterHeaderExtension(ext, kind); err != nil {
			return nil, fmt.Errorf("webrtc: registering the transport sequence number: %w", err)
		}
	}
	// Only what serves received streams: sent ones get their headers, sender
	// reports and retransmissions from the session itself.
	registry := &interceptor.Registry{}
	receiver, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(path.LoggerFactory{Log: c.Logger}))
	if err != nil {
		return nil, err
	}
	feedback, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(path.LoggerFactory{Log: c.Logger}), twcc.SendInterval(feedbackEvery))
	if err != nil {
		return nil, err
	}
	registry.Add(whenReceiving{receiver})
	registry.Add(whenReceiving{feedback})

	cert, err := c.Certificates.Get()
	if err != nil {
		return nil, err
	}
	engine := settings(c, own, guard)
	engine.BufferFactory = in
	engine.SetICEBindingRequestHandler(early)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(engine))
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		Certificates:       []webrtc.Certificate{cert},
		ICEServers:         iceServers(c.ICEServers, c.ICEPolicy),
		ICETransportPolicy: transportPolicy(c.ICEPolicy),
		BundlePolicy:       webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return nil, fmt.Errorf("webrtc: making a peer connection: %w", err)
	}
	return pc, nil
}

func settings(c Config, own *path.Network, guard *sctpguard.Guard) webrtc.SettingEngine {
	var s webrtc.SettingEngine
	s.SetNet(own)
	if c.Net != nil {
		s.SetNet(c.Net)
	}
	s.SetICEProxyDialer(own) // of TURN servers over TCP and TLS
	s.LoggerFactory = guard.Listen(path.LoggerFactory{Log: c.Logger, Hear: own.Complaints.Hear})
	s.SetICETimeouts(disconnectAfter, failAfter, keepalive)
	s.SetSrflxAcceptanceMinWait(100 * time.Millisecond)
	s.SetPrflxAcceptanceMinWait(100 * time.Millisecond)
	if c.ICEPolicy == signaling.ICERelayOnly {
		s.SetRelayAcceptanceMinWait(0)
		own.Hasten()
	} else {
		s.SetRelayAcceptanceMinWait(400 * time.Millisecond) // a direct path may still come
	}
	// Each new candidate makes pion check all pairs again, and after seven checks
	// it would give a pair up: the camera's, before the viewer has its answer.
	s.SetICEMaxBindingRequests(maxChecks)
	// Both families, whatever the machine has now: it may have another one when ICE
	// restarts. For a server that is reached over IPv6 pion asks for an IPv6 relay
	// (RFC 8656, 18.6), so a machine that has IPv6 alone gets one.
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	// Candidates that hide behind multicast names still reach us: their checks
	// arrive at our plain candidates, so no name needs to be resolved.
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(own.OnlyLoopback())
	// Pion does not tell the peer of these, so their sockets would serve nothing.
	s.SetIPFilter(path.Told)
	// ICE has proved the peer's address before DTLS starts.
	s.SetDTLSInsecureSkipHelloVerify(true)
	s.SetDTLSRetransmissionInterval(flightRepeat)
	_ = s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer) // saves a round trip; fails only on an unknown role
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetSRTPReplayProtectionWindow(1024) // room for packets resent without RTX
	s.SetSCTPMaxMessageSize(sdp.MaxMessage)
	// A viewer takes the picture of a peer that declares no SSRC.
	s.SetHandleUndeclaredSSRCWithoutAnswer(true)
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
			case strings.HasPrefix(u, "turns:") && strings.HasSuffix(u, "?transport=udp"):
				// TURN over DTLS: pion does the handshake itself, with the system's
				// authorities alone, and nobody could look into the packets. Servers
				// that have it, those of AWS among them, take plain UDP as well, and
				// what they relay is encrypted.
			case strings.HasPrefix(u, "turns:"):
				urls = append(urls, path.MarkTLS(u))
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
		MimeType: mimeType(n.codec), ClockRate: packet.ClockRate(n.codec), SDPFmtpLine: n.fmtp,
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
	default: // not for live view
		return ""
	}
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
