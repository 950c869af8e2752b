package rtc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/internal/rtc/send"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Answer makes a session out of a viewer's offer and returns the answer to
// send. An offer of which nothing can be served is refused with a
// [*signaling.Refusal]; [sdp.Description.Refuse] makes its answer.
func Answer(ctx context.Context, cfg Config, offer *sdp.Description, source Source) (*Session, []byte, error) {
	choice, err := sdp.Choose(offer, sdp.Source{Tracks: source.Tracks, Profile: source.Profile, Barred: source.Barred}, nil)
	if err != nil {
		return nil, nil, err
	}
	s, err := newSession(cfg, source, answered)
	if err != nil {
		return nil, nil, err
	}
	answer, err := s.answerFirst(ctx, offer, choice)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	s.mark("answer")
	return s, answer, nil
}

// answered lists the codecs under which pion knows the media of an answerer's
// session; see [sdp.Choice.Remote].
var answered = []negotiable{
	{kvsmedia.H264, sdp.PictureType, sdp.RepairType, sdp.PictureParameters},
	{kvsmedia.Opus, sdp.OpusType, 0, ""},
	{kvsmedia.PCMU, sdp.PCMUType, 0, ""},
	{kvsmedia.PCMA, sdp.PCMAType, 0, ""},
}

func (s *Session) answerFirst(ctx context.Context, offer *sdp.Description, choice *sdp.Choice) ([]byte, error) {
	picture, err := s.addOutlet(webrtc.RTPCodecTypeVideo)
	if err != nil {
		return nil, err
	}
	sound, err := s.addOutlet(webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, err
	}
	s.startSending(s.source, picture, sound)
	s.ports = [2]send.Port{picture, sound}
	return s.answer(ctx, offer, choice)
}

// Renegotiate answers a further offer of the same session: one that pauses or
// resumes, adds or removes media, or restarts ICE. Trickle is called again once
// the answer was sent.
func (s *Session) Renegotiate(ctx context.Context, offer *sdp.Description) ([]byte, error) {
	s.mu.Lock()
	current := s.remote
	s.mu.Unlock()
	choice, err := sdp.Choose(offer, sdp.Source{Tracks: s.source.Tracks, Profile: s.source.Profile, Barred: s.source.Barred}, &current)
	if err != nil {
		return nil, err
	}
	if s.restarts(choice.Transport()) {
		s.hold()
		s.net.Restart()
	}
	return s.answer(ctx, offer, choice)
}

// restarts reports whether ICE begins anew with the peer's side of a transport.
func (s *Session) restarts(t sdp.Transport) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.Fragment != s.remote.Fragment || t.Password != s.remote.Password
}

// answer applies what was chosen of an offer and returns the answer to it.
func (s *Session) answer(ctx context.Context, offer *sdp.Description, choice *sdp.Choice) ([]byte, error) {
	types := choice.VoiceTypes()
	s.types.Store(&types)
	t := choice.Transport()
	if s.restarts(t) || choice.Data && !s.data {
		if err := s.applyOffer(ctx, offer, choice); err != nil {
			return nil, err
		}
	}
	s.takeRemote(t, offer)
	local, err := s.localSide(ctx)
	if err != nil {
		return nil, err
	}
	s.version++
	local.Session, local.Version, local.Setup = s.id, s.version, s.role
	local.Picture, local.Repair, local.Sound = s.ports[0].SSRC, s.ports[0].Repair, s.ports[1].SSRC
	answer, err := choice.Answer(local)
	if err != nil {
		return nil, err
	}
	s.role = choice.Setup(s.role)
	s.sender.Set(choice.Picture, choice.Sound)
	return answer, nil
}

// applyOffer gives pion the offer as it is to see it. A peer without trickle ICE
// gets all candidates in the answer, so they are waited for.
func (s *Session) applyOffer(ctx context.Context, offer *sdp.Description, choice *sdp.Choice) error {
	s.data = s.data || choice.Data
	if s.restarts(choice.Transport()) {
		s.chooseEarly(true)
	}
	if !offer.Trickle {
		s.net.Hasten()
	}
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: choice.Remote(s.data)}
	if err := s.pc.SetRemoteDescription(remote); err != nil {
		return fmt.Errorf("webrtc: the peer's offer cannot be applied: %w", err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("webrtc: making the answer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return fmt.Errorf("webrtc: applying the answer: %w", err)
	}
	if offer.Trickle {
		return nil
	}
	limit := time.NewTimer(gatherLimit)
	defer limit.Stop()
	select {
	case <-gathered:
	case <-limit.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// localSide is pion's side of the transport.
func (s *Session) localSide(ctx context.Context) (sdp.Local, error) {
	lines := s.ownLines(ctx)
	own, err := sdp.Parse(sdp.Marshal("answer", s.pc.LocalDescription().SDP), "answer")
	if err != nil {
		return sdp.Local{}, fmt.Errorf("%w (the own description)", err)
	}
	t := own.Media[0].Transport
	return sdp.Local{Fragment: t.Fragment, Password: t.Password, Fingerprint: t.Fingerprint, Candidates: lines}, nil
}

// offered lists the codecs that a viewer offers, in order of preference.
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
	if cfg.Codecs != nil {
		codecs = slices.DeleteFunc(codecs, func(n negotiable) bool { return !slices.Contains(cfg.Codecs, n.codec) })
	}
	if len(source.Tracks) > 0 { // the voice's codec is the preferred one
		slices.SortStableFunc(codecs, func(a, b negotiable) int {
			return boolInt(b.codec == source.Tracks[0].Codec) - boolInt(a.codec == source.Tracks[0].Codec)
		})
	}
	s, err := newSession(cfg, source, codecs)
	if err != nil {
		return nil, nil, err
	}
	offer, err := s.offerFirst()
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

func (s *Session) offerFirst() ([]byte, error) {
	receive := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	if _, err := s.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, receive); err != nil {
		return nil, fmt.Errorf("webrtc: offering the picture: %w", err)
	}
	var voice send.Port
	if len(s.source.Tracks) > 0 {
		var err error
		if voice, err = s.addOutlet(webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	} else if _, err := s.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, receive); err != nil {
		return nil, fmt.Errorf("webrtc: offering the sound: %w", err)
	}
	s.startSending(s.source, send.Port{}, voice)
	if !s.cfg.NoData {
		if err := s.open(); err != nil {
			return nil, err
		}
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
		return nil, fmt.Errorf("webrtc: making the offer: %w", err)
	}
	if err := s.pc.SetLocalDescription(offer); err != nil {
		return nil, fmt.Errorf("webrtc: applying the offer: %w", err)
	}
	s.ownLines(context.Background()) // which pion puts into its description
	return s.offering(s.pc.LocalDescription().SDP)
}

// offering returns the payload of an offer and remembers what it says.
func (s *Session) offering(text string) ([]byte, error) {
	payload := sdp.Marshal("offer", text)
	d, err := sdp.Parse(payload, "offer")
	if err != nil {
		return nil, fmt.Errorf("%w (the own offer)", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = d
	return payload, nil
}

// errBeganAnew is why a restart of ICE does not help: the DTLS association, which
// outlasts the restart, is with one who knows nothing of it any more.
var errBeganAnew = errors.New("webrtc: the peer has begun anew and knows nothing of the session: dial it again")

// ExpectsVideo reports whether the peer's answer promises a picture.
func (s *Session) ExpectsVideo() bool { return s.expectsVideo.Load() }

// TakeRefusal ends the session if payload is an answer that refuses all media. Such an
// answer comes unasked when a camera disconnects a viewer.
func (s *Session) TakeRefusal(payload []byte) {
	answer, err := sdp.Parse(payload, "answer")
	if err != nil {
		return
	}
	if refusal := answer.Refused(); refusal != nil {
		s.end(refusal)
	}
}

// SetAnswer applies the answer to the session's offer. An answer that refuses
// all media ends the session with a [*signaling.Refusal], and so does one of a peer
// that has begun anew, with an error that says so.
func (s *Session) SetAnswer(payload []byte) error {
	answer, err := sdp.Parse(payload, "answer")
	if err != nil {
		return err
	}
	var talk kvsmedia.Codec
	if len(s.source.Tracks) > 0 {
		talk = s.source.Tracks[0].Codec
	}
	s.mu.Lock()
	offer, known := s.offered, s.remote.Fingerprint
	s.mu.Unlock()
	accepted, err := sdp.Accept(offer, answer, talk)
	if err != nil {
		s.end(err)
		return err
	}
	if known != "" && !strings.EqualFold(known, accepted.Transport.Fingerprint) {
		s.end(errBeganAnew)
		return errBeganAnew
	}
	s.mark("answer")
	s.chooseEarly(answer.Eager)
	s.expectsVideo.Store(accepted.Video)
	s.takesData.Store(accepted.Data)
	s.received.promise(accepted.Tracks)
	s.types.Store(&accepted.Types)
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: accepted.Remote}); err != nil {
		return fmt.Errorf("webrtc: the peer's answer cannot be applied: %w", err)
	}
	s.takeRemote(accepted.Transport, answer)
	s.sender.Set(packet.Format{}, accepted.Voice)
	return nil
}
