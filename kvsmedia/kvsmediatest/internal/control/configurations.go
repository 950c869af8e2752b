package kvsmediatest

import (
	"regexp"
	"slices"
	"strconv"
)

// destinationPattern is that of destination URIs in the API reference.
var destinationPattern = regexp.MustCompile(`^[a-zA-Z_0-9]+:(//)?([^/]+)/?([^*]*)$`)

func (s *Service) describeImages(c *call) (any, error) {
	st, err := c.onlyStream()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return struct {
		ImageGenerationConfiguration *imageConfig `json:",omitempty"`
	}{st.Images}, nil
}

func (s *Service) describeNotifications(c *call) (any, error) {
	st, err := c.onlyStream()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return struct {
		NotificationConfiguration *notificationConfig `json:",omitempty"`
	}{st.Notifications}, nil
}

func (s *Service) updateImages(c *call) (any, error) {
	var in struct {
		named
		ImageGenerationConfiguration *imageConfig
	}
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	if cfg := in.ImageGenerationConfiguration; cfg != nil {
		if err := cfg.check(s.cfg.Region); err != nil {
			return nil, err
		}
	}
	return struct{}{}, s.configure(st, func(d *description) {
		d.Images, d.ImagesSince = in.ImageGenerationConfiguration, s.nowLocked()
	})
}

func (s *Service) updateNotifications(c *call) (any, error) {
	var in struct {
		named
		NotificationConfiguration *notificationConfig
	}
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	if cfg := in.NotificationConfiguration; cfg != nil {
		if !validStatus(cfg.Status) || cfg.DestinationConfig == nil || !destinationPattern.MatchString(cfg.DestinationConfig.Uri) {
			return nil, invalid("NotificationConfiguration needs a Status of ENABLED or DISABLED and the ARN of a topic.")
		}
	}
	return struct{}{}, s.configure(st, func(d *description) {
		d.Notifications, d.NotificationsSince = in.NotificationConfiguration, s.nowLocked()
	})
}

func validStatus(status string) bool { return status == "ENABLED" || status == "DISABLED" }

// configure changes what a stream does with its fragments, and keeps it.
func (s *Service) configure(st *stream, do func(*description)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.RetentionHours == 0 {
		return noRetention(st)
	}
	before := st.description
	do(&st.description)
	if err := s.saveStream(st); err != nil {
		st.description = before
		return broken(err)
	}
	return nil
}

func (cfg *imageConfig) check(region string) error {
	switch {
	case !validStatus(cfg.Status):
		return invalid("Status must be ENABLED or DISABLED.")
	case cfg.DestinationConfig == nil || !destinationPattern.MatchString(cfg.DestinationConfig.Uri):
		return invalid("DestinationConfig needs a Uri such as s3://bucket/prefix.")
	case cfg.DestinationConfig.DestinationRegion != region:
		return invalid("DestinationRegion must be the stream's region, %s.", region)
	}
	_, err := stamp(cfg.ImageSelectorType)
	if err != nil {
		return invalid("ImageSelectorType must be PRODUCER_TIMESTAMP or SERVER_TIMESTAMP.")
	}
	return cfg.imageForm().check()
}

// imageForm is what an image is to be like.
type imageForm struct {
	SamplingInterval int // ms
	Format           string
	FormatConfig     map[string]string
	WidthPixels      int // 0: as the frame has it, or by the other side
	HeightPixels     int
}

func (cfg *imageConfig) imageForm() *imageForm {
	return &imageForm{cfg.SamplingInterval, cfg.Format, cfg.FormatConfig, cfg.WidthPixels, cfg.HeightPixels}
}

// standardQuality is that of JPEG where none is given.
const standardQuality = 80

func (f *imageForm) check() error {
	switch {
	case f.SamplingInterval < 200:
		return invalid("SamplingInterval must be at least 200 ms.")
	case !slices.Contains([]string{"JPEG", "PNG"}, f.Format):
		return invalid("Format must be JPEG or PNG.")
	case f.WidthPixels < 0 || f.WidthPixels > 3840 || f.HeightPixels < 0 || f.HeightPixels > 2160:
		return invalid("WidthPixels must be from 1 to 3840 and HeightPixels from 1 to 2160.")
	}
	for k, v := range f.FormatConfig {
		if q, err := strconv.Atoi(v); k != "JPEGQuality" || f.Format != "JPEG" || err != nil || q < 1 || q > 100 {
			return invalid("FormatConfig takes JPEGQuality from 1 to 100 alone.")
		}
	}
	return nil
}

func (f *imageForm) quality() int {
	if q, err := strconv.Atoi(f.FormatConfig["JPEGQuality"]); err == nil {
		return q
	}
	return standardQuality
}
