package kvsmediatest

import (
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
	"time"
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

func (s *Service) info(st *stream) streamInfo {
	return streamInfo{st.DeviceName, st.Name, st.ARN, st.MediaType, st.KMSKey, st.Version, s.status(st),
		seconds(st.Created), st.RetentionHours}
}

// seconds returns a time as the service writes it in JSON.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (s *Service) createStream(c *call) (any, error) {
	var in struct {
		DeviceName, StreamName, MediaType, KmsKeyId string
		DataRetentionInHours                        int
		Tags                                        map[string]string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !namePattern.MatchString(in.StreamName) {
		return nil, invalid("StreamName must match [a-zA-Z0-9_.-]{1,256}.")
	}
	if in.DataRetentionInHours < 0 || in.DataRetentionInHours > maxRetention {
		return nil, invalid("DataRetentionInHours must be from 0 to %d.", maxRetention)
	}
	tags := map[string]string{}
	if err := addTags(tags, in.Tags); err != nil {
		return nil, err
	}
	if err := c.allow(Access{Principal: c.principal, Action: c.op.name, Stream: in.StreamName}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[in.StreamName] != nil {
		return nil, badRequest("ResourceInUseException", "The stream %s exists already.", in.StreamName)
	}
	if n := s.cfg.Limits.Streams; n > 0 && len(s.streams) >= n {
		return nil, badRequest("AccountStreamLimitExceededException", "The account has as many streams as it may have.")
	}
	st, err := s.addStream(description{
		Name: in.StreamName, DeviceName: in.DeviceName, MediaType: in.MediaType, KMSKey: in.KmsKeyId,
		RetentionHours: in.DataRetentionInHours, Tags: tags,
	})
	if err != nil {
		return nil, broken(err)
	}
	return map[string]string{"StreamARN": st.ARN}, nil
}

func (s *Service) describeStream(c *call) (any, error) {
	st, err := c.onlyStream()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]streamInfo{"StreamInfo": s.info(st)}, nil
}

// onlyStream is the stream of a call that says nothing else.
func (c *call) onlyStream() (*stream, error) {
	var in named
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return c.stream(in)
}

func (s *Service) listStreams(c *call) (any, error) {
	var in struct {
		MaxResults          *int
		NextToken           string
		StreamNameCondition *struct{ ComparisonOperator, ComparisonValue string }
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.allow(Access{Principal: c.principal, Action: c.op.name}); err != nil {
		return nil, err
	}
	limit := 100
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 10000 {
		return nil, invalid("MaxResults must be from 1 to 10000.")
	}
	prefix := ""
	if cond := in.StreamNameCondition; cond != nil {
		if cond.ComparisonOperator != "BEGINS_WITH" || !namePattern.MatchString(cond.ComparisonValue) {
			return nil, invalid("StreamNameCondition must be BEGINS_WITH and a name.")
		}
		prefix = cond.ComparisonValue
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Sorted(maps.Keys(s.streams))
	out := struct {
		StreamInfoList []streamInfo
		NextToken      string `json:",omitempty"`
	}{StreamInfoList: []streamInfo{}}
	for _, name := range names[sort.SearchStrings(names, in.NextToken):] {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if len(out.StreamInfoList) == limit {
			out.NextToken = name
			break
		}
		out.StreamInfoList = append(out.StreamInfoList, s.info(s.streams[name]))
	}
	return out, nil
}

// change changes the description of a stream whose version is given, and keeps
// it.
func (s *Service) change(st *stream, version string, do func(*description) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != st.Version {
		return badRequest("VersionMismatchException", "The version given is not the latest of the stream: describe it and try again.")
	}
	if s.status(st) != "ACTIVE" {
		return badRequest("ResourceInUseException", "The stream %s is not in the status ACTIVE.", st.Name)
	}
	before := st.description
	st.Tags = maps.Clone(st.Tags)
	err := do(&st.description)
	if err == nil {
		st.Version = newVersion()
		if err = s.saveStream(st); err != nil {
			err = broken(err)
		}
	}
	if err != nil {
		st.description = before
	}
	return err
}

func (s *Service) updateStream(c *call) (any, error) {
	var in struct {
		named
		CurrentVersion, DeviceName, MediaType string
	}
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.change(st, in.CurrentVersion, func(d *description) error {
		if in.DeviceName != "" {
			d.DeviceName = in.DeviceName
		}
		if in.MediaType != "" {
			d.MediaType = in.MediaType
		}
		return nil
	})
}

// streamOf decodes a body into in, of which n is a part, and returns the stream
// that it names.
func (c *call) streamOf(in any, n *named) (*stream, error) {
	if err := c.decode(in); err != nil {
		return nil, err
	}
	if err := c.decode(n); err != nil {
		return nil, err
	}
	return c.stream(*n)
}

func (s *Service) deleteStream(c *call) (any, error) {
	var in struct{ StreamARN, CurrentVersion string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	st, err := c.stream(named{StreamARN: in.StreamARN})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.CurrentVersion != "" && in.CurrentVersion != st.Version {
		return nil, badRequest("VersionMismatchException", "The version given is not the latest of the stream: describe it and try again.")
	}
	st.deleted = true
	st.wake()
	for _, u := range st.uploads {
		u.fail(4507)
	}
	delete(s.streams, st.Name)
	for _, f := range st.fragments {
		f.remove()
	}
	st.fragments = nil
	if s.cfg.Dir != "" {
		if err := os.RemoveAll(s.streamDir(st.Name)); err != nil {
			return nil, broken(err)
		}
	}
	return struct{}{}, nil
}

func (s *Service) updateRetention(c *call) (any, error) {
	var in struct {
		named
		CurrentVersion, Operation  string
		DataRetentionChangeInHours int
	}
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	change := in.DataRetentionChangeInHours
	switch {
	case change < 1:
		return nil, invalid("DataRetentionChangeInHours must be at least 1.")
	case in.Operation == "DECREASE_DATA_RETENTION":
		change = -change
	case in.Operation != "INCREASE_DATA_RETENTION":
		return nil, invalid("Operation must be INCREASE_DATA_RETENTION or DECREASE_DATA_RETENTION.")
	}
	return struct{}{}, s.change(st, in.CurrentVersion, func(d *description) error {
		hours := d.RetentionHours + change
		if hours < 0 || hours > maxRetention {
			return invalid("The retention would be %d hours; it is from 0 to %d.", hours, maxRetention)
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

func (s *Service) dataEndpoint(c *call) (any, error) {
	var in struct {
		named
		APIName string
	}
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(dataAPIs, in.APIName) {
		return nil, invalid("APIName must be one of %s.", strings.Join(dataAPIs, ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status(st) != "ACTIVE" {
		return nil, notFound("The requested stream %s is not found or not active.", st.Name)
	}
	return map[string]string{"DataEndpoint": s.dataURL(c)}, nil
}

// dataURL returns the base URL of the data plane.
func (s *Service) dataURL(c *call) string {
	if s.cfg.DataEndpoint != "" {
		return s.cfg.DataEndpoint
	}
	scheme := "http"
	if c.request.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.request.Host
}
