package status

import (
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// Clips are the recorder of clips and its storage; see recorder.Status.
type Clips struct {
	Storage      string     `json:"storage"`      // "ready", "full" and so on: recorder.Storage
	Error        string     `json:"error"`        // the storage's trouble
	Source       string     `json:"source"`       // why nothing can be recorded of the source
	Losing       bool       `json:"losing"`       // frames of a clip are being lost now
	LostFrames   int        `json:"lostFrames"`   // since the start
	LostTime     float64    `json:"lostSeconds"`  // since the start
	Card         string     `json:"card"`         // identity of the storage
	Free         int64      `json:"freeBytes"`    // that may still be written
	Used         int64      `json:"usedBytes"`    // by clips
	Clips        int        `json:"clips"`        // on the device
	Recording    string     `json:"recording"`    // ID of the clip that is being recorded
	Queued       int        `json:"queuedBytes"`  // in memory, to be written
	SlowestSync  float64    `json:"syncSeconds"`  // the longest of the last minute
	Waiting      int        `json:"waiting"`      // clips to be uploaded
	WaitingBytes int64      `json:"waitingBytes"` // of these
	Oldest       *time.Time `json:"oldest"`       // start of the first of these; null if there is none
	Upload       string     `json:"upload"`       // why nothing can be uploaded
	Unpublished  int        `json:"unpublished"`  // changes that were not handed on yet
	Pictures     int        `json:"pictures"`     // to be put into the bucket
	PutPicture   string     `json:"putPicture"`   // why none can be put
	Foreign      int        `json:"foreignFiles"` // of newer firmware, left alone
}

func newClips(s *recorder.Status) *Clips {
	return &Clips{
		Storage: s.Storage.String(), Error: text(s.Err), Source: text(s.Source),
		Losing: s.Losing, LostFrames: s.LostFrames, LostTime: s.LostTime.Seconds(),
		Card: s.Card, Free: s.Free, Used: s.Used, Clips: s.Clips, Recording: string(s.Recording),
		Queued: s.Queued, SlowestSync: s.SlowestSync.Seconds(),
		Waiting: s.Waiting, WaitingBytes: s.WaitingBytes, Oldest: known(s.Oldest), Upload: text(s.Upload),
		Unpublished: s.Unpublished, Foreign: s.Foreign, Pictures: s.Pictures, PutPicture: text(s.PutPicture),
	}
}

// clips writes the figures of the recorder of clips.
func (m *metrics) clips(c *Clips) {
	m.family(gauge, "clips_storage", "The state of the clips' storage: 1 for the one that it is in.")
	for s := recorder.Storage(0); s <= recorder.StorageInUse; s++ {
		m.sample("clips_storage", number(s.String() == c.Storage), "state", s.String())
	}
	m.flag("clips_storage_error", "Whether the storage has a trouble that /status tells.", c.Error != "")
	m.flag("clips_source_error", "Whether nothing can be recorded of the source, for a reason that /status tells.", c.Source != "")
	m.flag("clips_upload_error", "Whether nothing can be uploaded, for a reason that /status tells.", c.Upload != "")
	m.flag("clips_pictures_error", "Whether no picture can be put, for a reason that /status tells.", c.PutPicture != "")
	m.flag("clips_recording", "Whether a clip is being recorded.", c.Recording != "")
	m.flag("clips_losing", "Whether frames of a clip are being lost.", c.Losing)
	m.one(counter, "clips_lost_frames_total", "Frames of clips that were lost.", float64(c.LostFrames))
	m.one(counter, "clips_lost_seconds_total", "Media of clips that were lost.", c.LostTime)
	m.one(gauge, "clips_free_bytes", "Bytes that may still be written to the storage.", float64(c.Free))
	m.one(gauge, "clips_used_bytes", "Bytes of the clips on the device.", float64(c.Used))
	m.one(gauge, "clips_on_device", "Clips on the device.", float64(c.Clips))
	m.one(gauge, "clips_queued_bytes", "Bytes that wait in memory to be written to the storage.", float64(c.Queued))
	m.one(gauge, "clips_sync_seconds_max", "The longest sync of the storage within the last minute.", c.SlowestSync)
	m.one(gauge, "clips_waiting", "Clips that are to be uploaded.", float64(c.Waiting))
	m.one(gauge, "clips_waiting_bytes", "Bytes that are to be uploaded.", float64(c.WaitingBytes))
	m.at("clips_waiting_oldest_timestamp_seconds", "Start of the first clip that is to be uploaded, in Unix time.", c.Oldest)
	m.one(gauge, "clips_unpublished", "Changes of clips that were not handed on yet.", float64(c.Unpublished))
	m.one(gauge, "clips_pictures_waiting", "Pictures of events that are to be put into the bucket.", float64(c.Pictures))
	m.one(gauge, "clips_foreign_files", "Files of newer firmware on the storage, which are left alone.", float64(c.Foreign))
}
