package rtc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// hostLimit bounds the wait for the candidates of the own interfaces, with which
// descriptions are sent. They are there in less than a millisecond.
const hostLimit = 20 * time.Millisecond

// gatherLimit bounds the wait for all own candidates that a peer without
// trickle ICE needs in the answer.
const gatherLimit = 3 * time.Second

// relayedAfter is how long early waits for a direct pair.
const relayedAfter = time.Second

// eagerAttribute is the session-level SDP attribute of an answerer that uses the
// first pair on which a check arrives; see Session.early.
const eagerAttribute = "smartcam-eager"

// Source is what a session sends: the tracks, whose index is their lane in the
// ring, the best rendition first.
type Source struct {
	Ring   *ring.Ring[*Unit]
	Tracks []*kvsmedia.Track
	// Profile names the profile of a video track as [Profile] does, empty while
	// no key frame was seen.
	Profile func(lane int) string
	// Rate is what a lane's encoder makes of late, in bits per second; nil or 0
	// if that is not known.
	Rate func(lane int) int
}

// Answer makes a session out of a viewer's offer and returns the answer to
// send. An offer that has no codec for the picture is refused with a
// [*signaling.Refusal]; [Refuse] makes its answer.
func Answer(ctx context.Context, cfg Config, offer []byte, source Source) (*Session, []byte, error) {
	d, err := parseDescription(offer, "offer")
	if err != nil {
		return nil, nil, err
	}
	video, codecs, err := source.chooseVideo(d)
	if err != nil {
		return nil, nil, err
	}
	audio, more := source.chooseAudio(d)
	s, err := newSession(cfg, append(codecs, more...))
	if err != nil {
		return nil, nil, err
	}
	s.source = source
	for _, lane := range []int{video, audio} {
		if lane >= 0 {
			if err := s.send(lane, video); err != nil {
				s.Close()
				return nil, nil, err
			}
		}
	}
	answer, err := s.answer(ctx, d)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	s.mark("answer")
	return s, answer, nil
}

// Renegotiate answers a further offer of the same session, such as one that
// restarts ICE. Trickle is called again once the answer was sent.
func (s *Session) Renegotiate(ctx context.Context, offer []byte) ([]byte, error) {
	d, err := parseDescription(offer, "offer")
	if err != nil {
		return nil, err
	}
	s.hold()
	s.net.forget()
	return s.answer(ctx, d)
}

func (s *Session) answer(ctx context.Context, d *description) ([]byte, error) {
	s.noteCandidates(d)
	s.chooseEarly(true)
	if !d.trickle {
		s.net.hasty.Store(true)
	}
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: d.sdp}); err != nil {
		return nil, fmt.Errorf("rtc: the peer's offer cannot be applied: %w", err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return nil, fmt.Errorf("rtc: making the answer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return nil, fmt.Errorf("rtc: applying the answer: %w", err)
	}
	if !d.trickle {
		limit := time.NewTimer(gatherLimit)
		defer limit.Stop()
		select {
		case <-gathered:
		case <-limit.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	text := s.local(ctx)
	// The attribute tells a viewer of this SDK how the camera chooses pairs.
	text = strings.Replace(text, "t=0 0\r\n", "t=0 0\r\na="+eagerAttribute+"\r\n", 1)
	return marshalDescription("answer", text)
}

// noteCandidates puts the candidates inside a description into the report.
func (s *Session) noteCandidates(d *description) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range d.parsed.MediaDescriptions {
		for _, a := range m.Attributes {
			if a.Key != "candidate" {
				continue
			}
			if c, err := readCandidate(a.Value); err == nil {
				s.report.Remote = note(s.report.Remote, c)
			}
		}
	}
}

// chooseVideo returns the lane of the best rendition that the offer can take,
// -1 if it asks for no picture.
func (src Source) chooseVideo(d *description) (int, []negotiable, error) {
	section := d.section("video")
	if section == nil || !section.recv {
		return -1, nil, nil
	}
	var have []string
	for lane, t := range src.Tracks {
		if !t.Codec.Video() {
			continue
		}
		have = append(have, t.Codec.String())
		if c := section.match(t.Codec, src.Profile(lane)); c != nil {
			return lane, []negotiable{{codec: c.codec, pt: c.pt, rtx: c.rtx, fmtp: c.fmtp}}, nil
		}
	}
	if len(have) == 0 {
		return -1, nil, nil
	}
	return -1, nil, &signaling.Refusal{Code: "no common codec",
		Reason: fmt.Sprintf("the camera sends %s, the viewer decodes %s", strings.Join(slices.Compact(have), ", "), section.names())}
}

// chooseAudio returns the lane of the sound that the offer can take, -1 for
// none, and the codecs in which a talker may answer, that lane's first.
func (src Source) chooseAudio(d *description) (lane int, codecs []negotiable) {
	section := d.section("audio")
	if section == nil {
		return -1, nil
	}
	lane = -1
	for i, t := range src.Tracks {
		if c := section.match(t.Codec, ""); c != nil && !t.Codec.Video() && section.recv && mimeType(t.Codec) != "" {
			lane = i
			codecs = append(codecs, negotiable{codec: c.codec, pt: c.pt, fmtp: c.fmtp})
			break
		}
	}
	for _, codec := range []kvsmedia.Codec{kvsmedia.Opus, kvsmedia.PCMU, kvsmedia.PCMA} {
		if c := section.match(codec, ""); c != nil && (len(codecs) == 0 || codecs[0].codec != codec) {
			codecs = append(codecs, negotiable{codec: c.codec, pt: c.pt, fmtp: c.fmtp})
		}
	}
	return lane, codecs
}

// names lists the codecs that a section offers, for a person to read.
func (m *mediaSection) names() string {
	var names []string
	for _, c := range m.codecs {
		if c.codec != 0 && !slices.Contains(names, c.codec.String()) {
			names = append(names, c.codec.String())
		}
	}
	if len(names) == 0 {
		return "neither H264 nor H265"
	}
	return strings.Join(names, ", ")
}

// offered is what a viewer can take, in order of preference.
var offered = []negotiable{
	{kvsmedia.H265, 104, 105, "level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST"},
	{kvsmedia.H264, 102, 103, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034"},
	{kvsmedia.H264, 106, 107, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=420034"},
	{kvsmedia.H264, 108, 109, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d0034"},
	{kvsmedia.H264, 112, 113, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640034"},
	{kvsmedia.Opus, 111, 0, "minptime=10;useinbandfec=1"},
	{kvsmedia.PCMU, 0, 0, ""},
	{kvsmedia.PCMA, 8, 0, ""},
}

// Offer makes a viewer's session and its offer. If source has tracks, the first
// of them is the viewer's voice.
func Offer(cfg Config, source Source) (*Session, []byte, error) {
	codecs := slices.Clone(offered)
	if len(source.Tracks) > 0 { // the voice's codec is the preferred one
		slices.SortStableFunc(codecs, func(a, b negotiable) int {
			return boolInt(b.codec == source.Tracks[0].Codec) - boolInt(a.codec == source.Tracks[0].Codec)
		})
	}
	s, err := newSession(cfg, codecs)
	if err != nil {
		return nil, nil, err
	}
	s.source = source
	offer, err := s.offer(source)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	s.mark("offer")
	return s, offer, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *Session) offer(source Source) ([]byte, error) {
	receive := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	if _, err := s.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, receive); err != nil {
		return nil, fmt.Errorf("rtc: offering the picture: %w", err)
	}
	if len(source.Tracks) > 0 {
		if err := s.send(0, -1); err != nil {
			return nil, err
		}
	} else if _, err := s.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, receive); err != nil {
		return nil, fmt.Errorf("rtc: offering the sound: %w", err)
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s.createOffer(nil)
}

func (s *Session) createOffer(options *webrtc.OfferOptions) ([]byte, error) {
	if options == nil {
		options = &webrtc.OfferOptions{}
	}
	options.ICETricklingSupported = true
	offer, err := s.pc.CreateOffer(options)
	if err != nil {
		return nil, fmt.Errorf("rtc: making the offer: %w", err)
	}
	if err := s.pc.SetLocalDescription(offer); err != nil {
		return nil, fmt.Errorf("rtc: applying the offer: %w", err)
	}
	return marshalDescription("offer", s.local(context.Background()))
}

// ExpectsVideo reports whether the peer's answer promises a picture.
func (s *Session) ExpectsVideo() bool { return s.expectsVideo.Load() }

// SetAnswer applies the answer to the session's offer. An answer that refuses
// all media ends the session with a [*signaling.Refusal].
func (s *Session) SetAnswer(payload []byte) error {
	d, err := parseDescription(payload, "answer")
	if err != nil {
		return err
	}
	if err := d.refused(); err != nil {
		s.end(err)
		return err
	}
	s.noteCandidates(d)
	s.mark("answer")
	_, eager := d.parsed.Attribute(eagerAttribute)
	s.chooseEarly(eager)
	video := d.section("video")
	s.expectsVideo.Store(video != nil && video.send && video.port != 0)
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: d.sdp}); err != nil {
		return fmt.Errorf("rtc: the peer's answer cannot be applied: %w", err)
	}
	return nil
}
