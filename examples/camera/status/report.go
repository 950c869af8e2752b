package status

import (
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Report is the JSON of /status.
type Report struct {
	Time        time.Time     `json:"time"`
	Started     *time.Time    `json:"started"` // null before the camera runs
	Build       program.Build `json:"build"`
	Credentials Credentials   `json:"credentials"`
	Signaling   Signaling     `json:"signaling"`
	Tracks      []Track       `json:"tracks"`
	Viewers     []Viewer      `json:"viewers"`   // the oldest first
	Recording   *Recording    `json:"recording"` // null if nothing is uploaded
	Clips       *Clips        `json:"clips"`     // null if no clips are kept
	Privacy     bool          `json:"privacy"`   // nothing is filmed
	Night       bool          `json:"night"`
	Talk        Talk          `json:"talk"`
}

// Credentials are the AWS credentials that were used last.
type Credentials struct {
	Expires *time.Time `json:"expires"` // null if none were used yet, or they do not expire
}

// Signaling tells whether viewers can find the camera.
type Signaling struct {
	Channel string `json:"channel"`
	Online  bool   `json:"online"`
	Error   string `json:"error"` // why it is offline
}

// Track is one encoded stream of the camera.
type Track struct {
	Name        string     `json:"name"`
	Kind        string     `json:"kind"` // "video" or "audio"
	Codec       string     `json:"codec"`
	NotLive     string     `json:"notLive"`     // why viewers do not get it
	NotJoinable string     `json:"notJoinable"` // why nobody can begin in the middle of it
	Frames      int64      `json:"frames"`      // that the camera took
	Bytes       int64      `json:"bytes"`
	Refused     int64      `json:"refusedFrames"` // that the camera did not take
	Skipped     int64      `json:"skippedFrames"` // that the source lost
	LastFrame   *time.Time `json:"lastFrame"`     // null before the first
}

// Viewer is one session.
type Viewer struct {
	ClientID      string    `json:"clientId"`
	Since         time.Time `json:"since"`
	Connected     bool      `json:"connected"`
	Track         string    `json:"track"` // name of the picture that it gets
	KeyframesOnly bool      `json:"keyframesOnly"`
	Path          Path      `json:"path"`
	Report        Connect   `json:"report"`
}

// Path is the network to a viewer; see camera.Path.
type Path struct {
	Bitrate float64 `json:"bitsPerSecond"`
	Full    bool    `json:"full"`
	Loss    float64 `json:"lossRatio"` // 0 to 1
	RTT     float64 `json:"rttSeconds"`
	Queue   float64 `json:"queueSeconds"`
}

// Connect is how a session came about, or why it did not; see signaling.ConnectReport.
type Connect struct {
	Started  time.Time                `json:"started"` // when the offer came
	Phases   []Phase                  `json:"phases"`  // in the order in which they ended
	Local    []signaling.Candidate    `json:"localCandidates"`
	Remote   []signaling.Candidate    `json:"remoteCandidates"`
	Selected *signaling.CandidatePair `json:"selectedPair"` // null until a pair was chosen
	Relayed  bool                     `json:"relayed"`      // the selected pair goes through TURN
	Unusable int                      `json:"unusableCandidates"`
	Unplaced int                      `json:"unplacedPackets"`
	Failure  string                   `json:"failure"` // empty while the session is well
}

// Phase is one step of connecting: "answer", "ice", "dtls", "first key frame".
type Phase struct {
	Name  string  `json:"name"`
	Start float64 `json:"startSeconds"` // since Connect.Started
	Took  float64 `json:"tookSeconds"`
}

// Recording is the upload to the stream; see kvsmedia.Stats.
type Recording struct {
	Connected    bool    `json:"connected"`
	Error        string  `json:"error"` // why there is no session
	Buffered     Amount  `json:"buffered"`
	BufferedTime float64 `json:"bufferedSeconds"`
	Stored       Amount  `json:"stored"`
	Dropped      Amount  `json:"dropped"`
	Refused      Amount  `json:"refused"`
	Sessions     int     `json:"sessions"`
	Resent       int     `json:"resentFragments"`
	Unfit        int     `json:"unfitFrames"`
	Buffering    Latency `json:"buffering"`
	Received     Latency `json:"received"`
	Persisted    Latency `json:"persisted"`
}

// Amount is an amount of media.
type Amount struct {
	Fragments int   `json:"fragments"`
	Frames    int   `json:"frames"`
	Bytes     int64 `json:"bytes"`
}

// Latency is how long acknowledgements took.
type Latency struct {
	Count int     `json:"count"`
	Last  float64 `json:"lastSeconds"`
	Max   float64 `json:"maxSeconds"`
	Mean  float64 `json:"meanSeconds"`
}

// Talk is what viewers say to the camera.
type Talk struct {
	Talker  string `json:"talker"` // client ID of who has the floor
	Packets int64  `json:"packets"`
}

// NewReport returns the report of a device's figures at a time. expires is that of
// its AWS credentials, zero if it is not known.
func NewReport(f device.Figures, expires, now time.Time) *Report {
	r := &Report{
		Time: now.UTC(), Started: known(f.Started), Build: program.ReadBuild(),
		Credentials: Credentials{known(expires)},
		Signaling:   Signaling{f.Channel, f.Camera.Online, text(f.Camera.Err)},
		Tracks:      []Track{}, Viewers: []Viewer{},
		Privacy: f.Camera.Privacy, Night: f.Night, Talk: Talk{f.Talker, f.Heard},
	}
	for _, t := range f.Camera.Tracks {
		track := Track{Name: t.Track.Name, Kind: "audio", Codec: t.Track.Codec.String(), NotLive: text(t.NotLive), NotJoinable: text(t.NotJoinable)}
		if t.Track.Codec.Video() {
			track.Kind = "video"
		}
		for _, s := range f.Source {
			if s.Track == t.Track {
				track.Frames, track.Bytes, track.Refused, track.Skipped, track.LastFrame = s.Frames, s.Bytes, s.Refused, s.Skipped, known(s.Last)
			}
		}
		r.Tracks = append(r.Tracks, track)
	}
	for _, v := range f.Camera.Viewers {
		r.Viewers = append(r.Viewers, newViewer(v))
	}
	if f.Recording != nil {
		r.Recording = newRecording(f.Recording)
	}
	if f.Clips != nil {
		r.Clips = newClips(f.Clips)
	}
	return r
}

func newViewer(v camera.Viewer) Viewer {
	track := ""
	if v.Track != nil {
		track = v.Track.Name
	}
	return Viewer{
		ClientID: v.Peer.ID, Since: v.Since.UTC(), Connected: v.Connected, Track: track, KeyframesOnly: v.KeyframesOnly,
		Path:   Path{float64(v.Path.Bitrate), v.Path.Full, v.Path.Loss, v.Path.RTT.Seconds(), v.Path.Queue.Seconds()},
		Report: newConnect(v.Report),
	}
}

func newConnect(r signaling.ConnectReport) Connect {
	c := Connect{
		Started: r.Started.UTC(), Phases: []Phase{},
		Local: append([]signaling.Candidate{}, r.Local...), Remote: append([]signaling.Candidate{}, r.Remote...),
		Selected: r.Selected, Relayed: r.Relayed(), Unusable: r.Unusable, Unplaced: r.Unplaced, Failure: r.Failure,
	}
	for _, p := range r.Phases {
		c.Phases = append(c.Phases, Phase{p.Name, p.Start.Seconds(), p.Took.Seconds()})
	}
	return c
}

func newRecording(s *kvsmedia.Stats) *Recording {
	latency := func(l kvsmedia.Latency) Latency {
		return Latency{l.Count, l.Last.Seconds(), l.Max.Seconds(), l.Mean.Seconds()}
	}
	return &Recording{
		Connected: s.Connected, Error: text(s.Err),
		Buffered: Amount(s.Buffered), BufferedTime: s.BufferedTime.Seconds(),
		Stored: Amount(s.Stored), Dropped: Amount(s.Dropped), Refused: Amount(s.Refused),
		Sessions: s.Sessions, Resent: s.Resent, Unfit: s.UnfitFrames,
		Buffering: latency(s.Buffering), Received: latency(s.Received), Persisted: latency(s.Persisted),
	}
}

// text returns an error's text, empty for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// known returns a time in UTC, nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
