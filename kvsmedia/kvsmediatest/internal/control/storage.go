package control

import (
	"cmp"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// The tiers of storage. A stream that names none is HOT.
const (
	hot  = "HOT"
	warm = "WARM"
)

// warmHours is the shortest retention of the tier WARM that is not billed as more.
const warmHours = 30 * 24

// storage is a StreamStorageConfiguration of the API.
type storage struct{ DefaultStorageTier string }

// tier returns the tier that s asks for.
func (s *storage) tier() (string, error) {
	switch {
	case s == nil:
		return hot, nil
	case s.DefaultStorageTier != hot && s.DefaultStorageTier != warm:
		return "", api.Invalid("DefaultStorageTier must be HOT or WARM.")
	}
	return s.DefaultStorageTier, nil
}

// suits returns the error of a retention that a tier does not have.
func (p *Plane) suits(tier string, hours int) error {
	if p.WarmNeedsMonth && tier == warm && hours < warmHours {
		return api.Invalid("The storage tier WARM needs a retention of at least %d hours.", warmHours)
	}
	return nil
}

func (p *Plane) describeStorage(c *api.Call) (any, error) {
	st, err := c.OnlyStream()
	if err != nil {
		return nil, err
	}
	d, tier := st.Describe(), ""
	if st.Status() == "UPDATING" {
		tier = d.FormerTier
	}
	return struct {
		StreamName, StreamARN      string
		StreamStorageConfiguration storage
	}{d.Name, d.ARN, storage{cmp.Or(tier, d.Tier, hot)}}, nil
}

func (p *Plane) updateStorage(c *api.Call) (any, error) {
	var in struct {
		api.Named
		CurrentVersion             string
		StreamStorageConfiguration *storage
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	if in.StreamStorageConfiguration == nil {
		return nil, api.Invalid("StreamStorageConfiguration must be given.")
	}
	tier, err := in.StreamStorageConfiguration.tier()
	if err != nil {
		return nil, err
	}
	return struct{}{}, p.change(st, in.CurrentVersion, func(d *store.Description) error {
		if p.WarmStays && d.Tier == warm && tier == hot {
			return api.Invalid("The storage tier of the stream %s is WARM and cannot become HOT.", st.Name)
		}
		d.Tier = tier
		return p.suits(tier, d.RetentionHours)
	})
}
