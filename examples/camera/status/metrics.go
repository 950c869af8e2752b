package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// metrics is Prometheus text that is being written: families one after the other,
// each with its help, its type and its samples.
type metrics struct{ b strings.Builder }

// Kinds of families.
const (
	gauge   = "gauge"
	counter = "counter"
	summary = "summary"
)

// family begins a family.
func (m *metrics) family(kind, name, help string) {
	fmt.Fprintf(&m.b, "# HELP smartcam_%s %s\n# TYPE smartcam_%s %s\n", name, help, name, kind)
}

// escape escapes the value of a label.
var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// sample writes a sample; labels are names and values in turn.
func (m *metrics) sample(name string, value float64, labels ...string) {
	m.b.WriteString("smartcam_" + name)
	for i := 0; i+1 < len(labels); i += 2 {
		m.b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		m.b.WriteString(labels[i] + `="` + escape.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD")) + `"`)
	}
	if len(labels) > 0 {
		m.b.WriteByte('}')
	}
	m.b.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

// one writes a family of one sample.
func (m *metrics) one(kind, name, help string, value float64) {
	m.family(kind, name, help)
	m.sample(name, value)
}

// flag writes a family of one sample that is 1 or 0.
func (m *metrics) flag(name, help string, on bool) { m.one(gauge, name, help, number(on)) }

func number(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// at writes a family of a time, if it is known.
func (m *metrics) at(name, help string, t *time.Time) {
	if t != nil {
		m.one(gauge, name, help, unix(*t))
	}
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// WriteMetrics writes the report as Prometheus text.
func (r *Report) WriteMetrics(w io.Writer) error {
	m := &metrics{}
	m.family(gauge, "build_info", "What the program was built from; always 1.")
	m.sample("build_info", 1, "version", r.Build.Version, "sdk", r.Build.SDK, "commit", r.Build.Commit, "go", r.Build.Go, "platform", r.Build.Platform)
	m.at("start_time_seconds", "When the camera began to run, in Unix time.", r.Started)
	m.at("credentials_expiry_timestamp_seconds", "When the AWS credentials used last expire, in Unix time.", r.Credentials.Expires)
	m.flag("online", "Whether viewers can find the camera.", r.Signaling.Online)
	m.flag("signaling_error", "Whether the camera is offline for a reason that /status tells.", r.Signaling.Error != "")
	m.flag("privacy", "Whether privacy is on: nothing is filmed.", r.Privacy)
	m.flag("night", "Whether the picture is that of the night.", r.Night)
	m.flag("talk_active", "Whether a viewer has the floor.", r.Talk.Talker != "")
	m.one(counter, "talk_packets_total", "Packets of talk that came from viewers.", float64(r.Talk.Packets))
	m.tracks(r.Tracks)
	m.viewers(r)
	if r.Recording != nil {
		m.recording(r.Recording)
	}
	if r.Clips != nil {
		m.clips(r.Clips)
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// tracks writes the families of the tracks, with their names as labels.
func (m *metrics) tracks(tracks []Track) {
	each := func(kind, name, help string, value func(Track) (float64, bool)) {
		m.family(kind, name, help)
		for _, t := range tracks {
			if v, ok := value(t); ok {
				m.sample(name, v, "track", t.Name, "codec", t.Codec)
			}
		}
	}
	if len(tracks) == 0 {
		return
	}
	each(gauge, "track_live", "Whether viewers can get the track.", func(t Track) (float64, bool) { return number(t.NotLive == ""), true })
	each(gauge, "track_joinable", "Whether the picture has key frames to begin at.", func(t Track) (float64, bool) { return number(t.NotJoinable == ""), t.Kind == "video" })
	each(counter, "track_frames_total", "Frames that the camera took.", func(t Track) (float64, bool) { return float64(t.Frames), true })
	each(counter, "track_bytes_total", "Bytes of the frames that the camera took.", func(t Track) (float64, bool) { return float64(t.Bytes), true })
	each(counter, "track_refused_frames_total", "Frames that the camera did not take.", func(t Track) (float64, bool) { return float64(t.Refused), true })
	each(counter, "track_skipped_frames_total", "Frames that the source lost.", func(t Track) (float64, bool) { return float64(t.Skipped), true })
	each(gauge, "track_last_frame_timestamp_seconds", "When the camera took its last frame, in Unix time.", func(t Track) (float64, bool) {
		if t.LastFrame == nil {
			return 0, false
		}
		return unix(*t.LastFrame), true
	})
}

// viewers writes sums and extremes over the viewers.
func (m *metrics) viewers(r *Report) {
	var connected, keyframes, relayed, failed, full, rate, loss, rtt, queue, age float64
	watching := map[string]float64{}
	for _, v := range r.Viewers {
		connected += number(v.Connected)
		keyframes += number(v.KeyframesOnly)
		relayed += number(v.Report.Relayed)
		failed += number(v.Report.Failure != "")
		full += number(v.Path.Full)
		rate += v.Path.Bitrate / 8 // a base unit of Prometheus
		loss, rtt, queue = max(loss, v.Path.Loss), max(rtt, v.Path.RTT), max(queue, v.Path.Queue)
		age = max(age, r.Time.Sub(v.Since).Seconds())
		watching[v.Track]++
	}
	m.family(gauge, "viewers", "Sessions of viewers.")
	m.sample("viewers", connected, "state", "connected")
	m.sample("viewers", float64(len(r.Viewers))-connected, "state", "connecting")
	m.family(gauge, "track_viewers", "Sessions that get the picture of a track.")
	for _, t := range r.Tracks {
		m.sample("track_viewers", watching[t.Name], "track", t.Name, "codec", t.Codec)
	}
	m.one(gauge, "viewers_keyframes_only", "Sessions whose network is too slow for more than key frames.", keyframes)
	m.one(gauge, "viewers_relayed", "Sessions that go through a TURN relay.", relayed)
	m.one(gauge, "viewers_failed", "Sessions that have failed and are about to end.", failed)
	m.one(gauge, "viewers_full_paths", "Sessions whose network carries no more than it does now.", full)
	m.one(gauge, "viewers_bytes_per_second", "What the networks to all viewers carry.", rate)
	m.one(gauge, "viewers_loss_ratio_max", "The largest share of packets lost on the way to a viewer.", loss)
	m.one(gauge, "viewers_rtt_seconds_max", "The longest round trip to a viewer.", rtt)
	m.one(gauge, "viewers_queue_seconds_max", "The longest that packets to a viewer wait on their way.", queue)
	m.one(gauge, "viewers_age_seconds_max", "How long the oldest session has lasted.", age)
}

// recording writes the figures of the upload.
func (m *metrics) recording(r *Recording) {
	m.flag("recording_connected", "Whether a session with the stream is open.", r.Connected)
	m.flag("recording_error", "Whether there is none for a reason that /status tells.", r.Error != "")
	m.amount(gauge, "recording_buffered", "", "that the stream has not stored yet", r.Buffered)
	m.one(gauge, "recording_buffered_seconds", "Media that the stream has not stored yet.", r.BufferedTime)
	m.amount(counter, "recording_stored", "_total", "that the stream stored", r.Stored)
	m.amount(counter, "recording_dropped", "_total", "that were given up for lack of room", r.Dropped)
	m.amount(counter, "recording_refused", "_total", "that the stream refused", r.Refused)
	m.one(counter, "recording_sessions_total", "Sessions with the stream that were opened.", float64(r.Sessions))
	m.one(counter, "recording_resent_fragments_total", "Fragments that were sent again.", float64(r.Resent))
	m.one(counter, "recording_unfit_frames_total", "Frames that could not be stored.", float64(r.Unfit))
	acks := []struct {
		name string
		Latency
	}{{"buffering", r.Buffering}, {"received", r.Received}, {"persisted", r.Persisted}}
	m.family(summary, "recording_ack_seconds", "How long the stream took to acknowledge fragments.")
	for _, a := range acks {
		m.sample("recording_ack_seconds_sum", a.Mean*float64(a.Count), "ack", a.name)
		m.sample("recording_ack_seconds_count", float64(a.Count), "ack", a.name)
	}
	m.family(gauge, "recording_ack_seconds_last", "How long the last acknowledgement took.")
	for _, a := range acks {
		m.sample("recording_ack_seconds_last", a.Last, "ack", a.name)
	}
	m.family(gauge, "recording_ack_seconds_max", "How long the slowest acknowledgement took.")
	for _, a := range acks {
		m.sample("recording_ack_seconds_max", a.Max, "ack", a.name)
	}
}

// amount writes three families of an amount of media.
func (m *metrics) amount(kind, name, suffix, which string, a Amount) {
	m.one(kind, name+"_fragments"+suffix, "Fragments "+which+".", float64(a.Fragments))
	m.one(kind, name+"_frames"+suffix, "Frames "+which+".", float64(a.Frames))
	m.one(kind, name+"_bytes"+suffix, "Bytes of fragments "+which+".", float64(a.Bytes))
}
