package control

import (
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// maxRetention is the longest retention, in hours: ten years.
const maxRetention = 87600

type streamInfo struct {
	DeviceName           string `json:",omitempty"`
	StreamName           string
	StreamARN            string
	MediaType            string `json:",omitempty"`
	KmsKeyId             string
	Version              string
	Status               string
	CreationTime         float64 // epoch seconds
	DataRetentionInHours int
}

func info(st *store.Stream) streamInfo {
	d := st.Describe()
	return streamInfo{d.DeviceName, d.Name, d.ARN, d.MediaType, d.KMSKey, d.Version, st.Status(),
		api.Seconds(d.Created), d.RetentionHours}
}

func (p *Plane) createStream(c *api.Call) (any, error) {
	var in struct {
		DeviceName, StreamName, MediaType, KmsKeyId string
		DataRetentionInHours                        int
		Tags                                        map[string]string
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if !api.ValidName(in.StreamName) {
		return nil, api.Invalid("StreamName must match [a-zA-Z0-9_.-]{1,256}.")
	}
	if in.DataRetentionInHours < 0 || in.DataRetentionInHours > maxRetention {
		return nil, api.Invalid("DataRetentionInHours must be from 0 to %d.", maxRetention)
	}
	tags := map[string]string{}
	if err := addTags(tags, in.Tags); err != nil {
		return nil, err
	}
	if err := c.Allow(in.StreamName, ""); err != nil {
		return nil, err
	}
	st, err := p.Store.Create(store.Description{
		Name: in.StreamName, DeviceName: in.DeviceName, MediaType: in.MediaType, KMSKey: in.KmsKeyId,
		RetentionHours: in.DataRetentionInHours, Tags: tags,
	})
	switch {
	case errors.Is(err, store.ErrExists):
		return nil, api.BadRequest("ResourceInUseException", "The stream %s exists already.", in.StreamName)
	case errors.Is(err, store.ErrTooMany):
		return nil, api.BadRequest("AccountStreamLimitExceededException", "The account has as many streams as it may have.")
	case err != nil:
		return nil, err
	}
	return map[string]string{"StreamARN": st.ARN}, nil
}

func (p *Plane) describeStream(c *api.Call) (any, error) {
	st, err := c.OnlyStream()
	if err != nil {
		return nil, err
	}
	return map[string]streamInfo{"StreamInfo": info(st)}, nil
}

func (p *Plane) listStreams(c *api.Call) (any, error) {
	var in struct {
		MaxResults          *int
		NextToken           string
		StreamNameCondition *struct{ ComparisonOperator, ComparisonValue string }
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := c.Allow("", ""); err != nil {
		return nil, err
	}
	limit := 100
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 10000 {
		return nil, api.Invalid("MaxResults must be from 1 to 10000.")
	}
	prefix := ""
	if cond := in.StreamNameCondition; cond != nil {
		if cond.ComparisonOperator != "BEGINS_WITH" || !api.ValidName(cond.ComparisonValue) {
			return nil, api.Invalid("StreamNameCondition must be BEGINS_WITH and a name.")
		}
		prefix = cond.ComparisonValue
	}
	streams := p.Store.Streams()
	first := sort.Search(len(streams), func(i int) bool { return streams[i].Name >= in.NextToken })
	out := struct {
		StreamInfoList []streamInfo
		NextToken      string `json:",omitempty"`
	}{StreamInfoList: []streamInfo{}}
	for _, st := range streams[first:] {
		if !strings.HasPrefix(st.Name, prefix) {
			continue
		}
		if len(out.StreamInfoList) == limit {
			out.NextToken = st.Name
			break
		}
		out.StreamInfoList = append(out.StreamInfoList, info(st))
	}
	return out, nil
}

// change changes the description of a stream whose version is given, and keeps
// it.
func change(st *store.Stream, version string, do func(*store.Description) error) error {
	if st.Status() != "ACTIVE" {
		return api.BadRequest("ResourceInUseException", "The stream %s is not in the status ACTIVE.", st.Name)
	}
	return st.Change(func(d *store.Description) error {
		if version != d.Version {
			return versionMismatch()
		}
		d.Version = store.NewVersion()
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
	if err != nil {
		return nil, err
	}
	return struct{}{}, change(st, in.CurrentVersion, func(d *store.Description) error {
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
	return struct{}{}, change(st, in.CurrentVersion, func(d *store.Description) error {
		hours := d.RetentionHours + hours
		if hours < 0 || hours > maxRetention {
			return api.Invalid("The retention would be %d hours; it is from 0 to %d.", hours, maxRetention)
		}
		d.RetentionHours = hours
		return nil
	})
}

// dataAPIs are the names by which GetDataEndpoint is asked.
var dataAPIs = []string{
	"PUT_MEDIA", "GET_MEDIA", "LIST_FRAGMENTS", "GET_MEDIA_FOR_FRAGMENT_LIST", "GET_HLS_STREAMING_SESSION_URL",
	"GET_DASH_STREAMING_SESSION_URL", "GET_CLIP", "GET_IMAGES",
}

func (p *Plane) dataEndpoint(c *api.Call) (any, error) {
	var in struct {
		api.Named
		APIName string
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(dataAPIs, in.APIName) {
		return nil, api.Invalid("APIName must be one of %s.", strings.Join(dataAPIs, ", "))
	}
	if st.Status() != "ACTIVE" {
		return nil, api.NotFound("The requested stream %s is not found or not active.", st.Name)
	}
	return map[string]string{"DataEndpoint": c.DataURL()}, nil
}
