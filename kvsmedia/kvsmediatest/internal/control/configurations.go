package control

import (
	"regexp"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/images"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// destinationPattern is that of destination URIs in the API reference.
var destinationPattern = regexp.MustCompile(`^[a-zA-Z_0-9]+:(//)?([^/]+)/?([^*]*)$`)

func (p *Plane) describeImages(c *api.Call) (any, error) {
	st, err := c.OnlyStream()
	if err != nil {
		return nil, err
	}
	return struct {
		ImageGenerationConfiguration *store.ImageConfig `json:",omitempty"`
	}{st.Describe().Images}, nil
}

func (p *Plane) describeNotifications(c *api.Call) (any, error) {
	st, err := c.OnlyStream()
	if err != nil {
		return nil, err
	}
	return struct {
		NotificationConfiguration *store.NotificationConfig `json:",omitempty"`
	}{st.Describe().Notifications}, nil
}

func (p *Plane) updateImages(c *api.Call) (any, error) {
	var in struct {
		api.Named
		ImageGenerationConfiguration *store.ImageConfig
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	if cfg := in.ImageGenerationConfiguration; cfg != nil {
		if err := check(cfg, p.Region); err != nil {
			return nil, err
		}
	}
	return struct{}{}, configure(st, func(d *store.Description) {
		d.Images, d.ImagesSince = in.ImageGenerationConfiguration, p.Now()
	})
}

func (p *Plane) updateNotifications(c *api.Call) (any, error) {
	var in struct {
		api.Named
		NotificationConfiguration *store.NotificationConfig
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	if cfg := in.NotificationConfiguration; cfg != nil {
		if !validStatus(cfg.Status) || cfg.DestinationConfig == nil || !destinationPattern.MatchString(cfg.DestinationConfig.Uri) {
			return nil, api.Invalid("NotificationConfiguration needs a Status of ENABLED or DISABLED and the ARN of a topic.")
		}
	}
	return struct{}{}, configure(st, func(d *store.Description) {
		d.Notifications, d.NotificationsSince = in.NotificationConfiguration, p.Now()
	})
}

func validStatus(status string) bool { return status == "ENABLED" || status == "DISABLED" }

// configure changes what a stream does with its fragments, and keeps it.
func configure(st *store.Stream, do func(*store.Description)) error {
	if err := active(st); err != nil {
		return err
	}
	return st.Change(func(d *store.Description) error {
		if d.RetentionHours == 0 {
			return api.NoRetention(st)
		}
		do(d)
		return nil
	})
}

func check(cfg *store.ImageConfig, region string) error {
	switch {
	case !validStatus(cfg.Status):
		return api.Invalid("Status must be ENABLED or DISABLED.")
	case cfg.DestinationConfig == nil || !destinationPattern.MatchString(cfg.DestinationConfig.Uri):
		return api.Invalid("DestinationConfig needs a Uri such as s3://bucket/prefix.")
	case cfg.DestinationConfig.DestinationRegion != region:
		return api.Invalid("DestinationRegion must be the stream's region, %s.", region)
	}
	_, err := api.Stamp(cfg.ImageSelectorType)
	if err != nil {
		return api.Invalid("ImageSelectorType must be PRODUCER_TIMESTAMP or SERVER_TIMESTAMP.")
	}
	return images.FormOf(cfg).Check()
}
