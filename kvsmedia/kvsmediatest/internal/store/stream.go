package kvsmediatest

import (
	"slices"
	"strconv"
	"time"
)

// stream is one Kinesis video stream. Service.mu guards it.
type stream struct {
	description

	uploads   []*Upload
	sessions  []*session  // of playback, oldest first
	readers   int         // GetMedia connections
	fragments []*fragment // in the order of their arrival
	starts    []time.Time // of the last fragments, for their rate
	kms       int         // ID of the error of its key, 0 if the key is usable
	deleted   bool
	changed   chan struct{} // closed and replaced when fragments come, or at the end
}

// description is what a stream is, and what is kept of it in its directory.
type description struct {
	Name, ARN, Version string
	DeviceName         string
	MediaType          string
	KMSKey             string
	Created            time.Time
	RetentionHours     int
	Tags               map[string]string
	Images             *imageConfig        `json:",omitempty"`
	ImagesSince        time.Time           // when Images was set
	Notifications      *notificationConfig `json:",omitempty"`
	NotificationsSince time.Time
}

type destination struct {
	Uri               string
	DestinationRegion string `json:",omitempty"`
}

type imageConfig struct {
	Status            string
	ImageSelectorType string
	DestinationConfig *destination
	SamplingInterval  int
	Format            string
	FormatConfig      map[string]string `json:",omitempty"`
	WidthPixels       int               `json:",omitempty"`
	HeightPixels      int               `json:",omitempty"`
}

type notificationConfig struct {
	Status            string
	DestinationConfig *destination
}

// StreamConfig describes a stream to add.
type StreamConfig struct {
	// RetentionHours is how long fragments are kept; zero keeps them in the host
	// buffer alone.
	RetentionHours int

	MediaType string // such as "video/h264,audio/aac"; optional
	KMSKey    string // "arn:aws:kms:…:alias/aws/kinesisvideo"
}

// AddStream makes a stream, as CreateStream does, and returns its ARN. A stream
// of that name that exists already is left as it is.
func (s *Service) AddStream(name string, cfg StreamConfig) (arn string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.streams[name]; st != nil {
		return st.ARN, nil
	}
	if !namePattern.MatchString(name) {
		return "", invalid("The name %q must match [a-zA-Z0-9_.-]{1,256}.", name)
	}
	st, err := s.addStream(description{Name: name, RetentionHours: cfg.RetentionHours, MediaType: cfg.MediaType, KMSKey: cfg.KMSKey})
	if err != nil {
		return "", err
	}
	return st.ARN, nil
}

func (s *Service) addStream(d description) (*stream, error) {
	d.Created = s.nowLocked()
	d.ARN = s.arnPrefix() + d.Name + "/" + strconv.FormatInt(d.Created.UnixMilli(), 10)
	d.Version = newVersion()
	if d.Tags == nil {
		d.Tags = map[string]string{}
	}
	if d.KMSKey == "" {
		d.KMSKey = "arn:aws:kms:" + s.cfg.Region + ":" + s.cfg.Account + ":alias/aws/kinesisvideo"
	}
	st := &stream{description: d, changed: make(chan struct{})}
	if err := s.saveStream(st); err != nil {
		return nil, err
	}
	s.streams[d.Name] = st
	return st, nil
}

// status is the stream's status.
func (s *Service) status(st *stream) string {
	switch {
	case st.deleted:
		return "DELETING"
	case s.nowLocked().Sub(st.Created) < s.cfg.Timing.Create:
		return "CREATING"
	}
	return "ACTIVE"
}

func (st *stream) wake() {
	close(st.changed)
	st.changed = make(chan struct{})
}

// prune drops the fragments that are kept no longer.
func (s *Service) prune(st *stream) {
	now := s.nowLocked()
	buffered := 0
	for _, f := range st.fragments {
		if !f.archived {
			buffered += int(f.size())
		}
	}
	kept := st.fragments[:0]
	for _, f := range st.fragments {
		keep := now.Sub(f.server) < time.Duration(st.RetentionHours)*time.Hour
		if !f.archived {
			limit := s.cfg.Limits.HostBufferBytes
			keep = now.Sub(f.server) < s.cfg.Timing.HostBuffer && (limit == 0 || buffered <= limit)
		}
		if keep {
			kept = append(kept, f)
			continue
		}
		if !f.archived {
			buffered -= int(f.size())
		}
		f.remove()
	}
	clear(st.fragments[len(kept):])
	st.fragments = kept
}

// held returns a copy of the list of the fragments that are kept, only those in
// the archive if archived is set.
func (s *Service) held(st *stream, archived bool) []*fragment {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune(st)
	if !archived {
		return slices.Clone(st.fragments)
	}
	var list []*fragment
	for _, f := range st.fragments {
		if f.archived {
			list = append(list, f)
		}
	}
	return list
}

// keepFragment puts a fragment into its stream.
func (s *Service) keepFragment(u *Upload, f *fragment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := u.stream
	if st.deleted {
		f.remove()
		return refuse(4507, "the stream was deleted")
	}
	f.stored = time.Now()
	st.fragments = append(st.fragments, f)
	s.prune(st)
	st.wake()
	return nil
}

// throttle waits until the stream may have a further fragment.
func (u *Upload) throttle() error {
	rate := u.svc.cfg.Limits.FragmentRate
	if rate == 0 {
		return nil
	}
	s := u.svc
	s.mu.Lock()
	st := u.stream
	now := time.Now()
	wait := time.Duration(0)
	if len(st.starts) >= rate {
		st.starts = st.starts[len(st.starts)-rate:]
		wait = time.Second - now.Sub(st.starts[0])
	}
	st.starts = append(st.starts, now.Add(max(wait, 0)))
	s.mu.Unlock()
	return u.proceed(wait)
}
