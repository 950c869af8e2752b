package control

import (
	"cmp"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// active returns the error of a stream that cannot be changed now.
func active(st *store.Stream) error {
	if status := st.Status(); status != "ACTIVE" {
		return api.BadRequest("ResourceInUseException", "The stream %s is %s, not ACTIVE.", st.Name, status)
	}
	return nil
}

// change changes the description of a stream whose version is given, and keeps
// it. The stream is UPDATING from then on.
func (p *Plane) change(st *store.Stream, version string, do func(*store.Description) error) error {
	if version == "" {
		return api.Invalid("CurrentVersion must be given.")
	}
	if err := active(st); err != nil {
		return err
	}
	return st.Change(func(d *store.Description) error {
		if version != d.Version {
			return versionMismatch()
		}
		d.Version, d.Updated, d.FormerTier = store.NewVersion(), p.Now(), cmp.Or(d.Tier, hot)
		return do(d)
	})
}

func versionMismatch() error {
	return api.BadRequest("VersionMismatchException", "The version given is not the latest of the stream: describe it and try again.")
}

func (p *Plane) updateStream(c *api.Call) (any, error) {
	var in struct {
		api.Named
		CurrentVersion, DeviceName, MediaType string
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err == nil {
		err = checkLabels(in.DeviceName, in.MediaType, "")
	}
	if err != nil {
		return nil, err
	}
	return struct{}{}, p.change(st, in.CurrentVersion, func(d *store.Description) error {
		if in.DeviceName != "" {
			d.DeviceName = in.DeviceName
		}
		if in.MediaType != "" {
			d.MediaType = in.MediaType
		}
		return nil
	})
}

func (p *Plane) deleteStream(c *api.Call) (any, error) {
	var in struct{ StreamARN, CurrentVersion string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	st, err := c.Stream(api.Named{StreamARN: in.StreamARN})
	if err != nil {
		return nil, err
	}
	if err := active(st); err != nil {
		return nil, err
	}
	err = st.Delete(func(d *store.Description) error {
		if in.CurrentVersion != "" && in.CurrentVersion != d.Version {
			return versionMismatch()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.Deleted(st)
	return struct{}{}, nil
}

func (p *Plane) updateRetention(c *api.Call) (any, error) {
	var in struct {
		api.Named
		CurrentVersion, Operation  string
		DataRetentionChangeInHours int
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	hours := in.DataRetentionChangeInHours
	switch {
	case hours < 1:
		return nil, api.Invalid("DataRetentionChangeInHours must be at least 1.")
	case in.Operation == "DECREASE_DATA_RETENTION":
		hours = -hours
	case in.Operation != "INCREASE_DATA_RETENTION":
		return nil, api.Invalid("Operation must be INCREASE_DATA_RETENTION or DECREASE_DATA_RETENTION.")
	}
	return struct{}{}, p.change(st, in.CurrentVersion, func(d *store.Description) error {
		hours := d.RetentionHours + hours
		if hours < 0 || hours > maxRetention {
			return api.Invalid("The retention would be %d hours; it is from 0 to %d.", hours, maxRetention)
		}
		if err := p.suits(d.Tier, hours); err != nil {
			return err
		}
		d.RetentionHours = hours
		return nil
	})
}
