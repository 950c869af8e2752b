package control

import (
	"encoding/base64"
	"errors"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

const (
	maxRetention = 87600  // hours: ten years
	maxPage      = 10_000 // streams in an answer of ListStreams, also by default
)

// mediaTypes is the pattern of MediaType in the API reference.
var mediaTypes = regexp.MustCompile(`^[\w.+-]+/[\w.+-]+(,[\w.+-]+/[\w.+-]+)*$`)

// checkLabels returns the error of what a stream can be labelled with; empty ones
// are not given.
func checkLabels(device, mediaType, key string) error {
	switch {
	case device != "" && (len(device) > 128 || !api.ValidName(device)):
		return api.Invalid("DeviceName must match [a-zA-Z0-9_.-]{1,128}.")
	case mediaType != "" && (len(mediaType) > 128 || !mediaTypes.MatchString(mediaType)):
		return api.Invalid("MediaType must be types such as video/h264,audio/aac, in 128 characters.")
	case len(key) > 2048:
		return api.Invalid("KmsKeyId must have up to 2048 characters.")
	}
	return nil
}

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
		StreamStorageConfiguration                  *storage
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
	if err := checkLabels(in.DeviceName, in.MediaType, in.KmsKeyId); err != nil {
		return nil, err
	}
	tier, err := in.StreamStorageConfiguration.tier()
	if err == nil {
		err = p.suits(tier, in.DataRetentionInHours)
	}
	if err != nil {
		return nil, err
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
		RetentionHours: in.DataRetentionInHours, Tags: tags, Tier: tier,
	})
	switch {
	case errors.Is(err, store.ErrDeleting):
		return nil, api.BadRequest("ResourceInUseException", "The stream %s is being deleted.", in.StreamName)
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
	limit := maxPage
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > maxPage {
		return nil, api.Invalid("MaxResults must be from 1 to %d.", maxPage)
	}
	from, err := base64.StdEncoding.DecodeString(in.NextToken)
	if err != nil {
		return nil, api.Invalid("NextToken is none that ListStreams has returned.")
	}
	prefix := ""
	if cond := in.StreamNameCondition; cond != nil {
		if cond.ComparisonOperator != "BEGINS_WITH" || !api.ValidName(cond.ComparisonValue) {
			return nil, api.Invalid("StreamNameCondition must be BEGINS_WITH and a name.")
		}
		prefix = cond.ComparisonValue
	}
	streams := p.Store.Streams()
	first := sort.Search(len(streams), func(i int) bool { return streams[i].Name >= string(from) })
	out := struct {
		StreamInfoList []streamInfo
		NextToken      string `json:",omitempty"`
	}{StreamInfoList: []streamInfo{}}
	for _, st := range streams[first:] {
		if !strings.HasPrefix(st.Name, prefix) {
			continue
		}
		if len(out.StreamInfoList) == limit {
			out.NextToken = base64.StdEncoding.EncodeToString([]byte(st.Name))
			break
		}
		out.StreamInfoList = append(out.StreamInfoList, info(st))
	}
	return out, nil
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
	if st.Status() == "CREATING" {
		return nil, api.NotFound("The requested stream %s is not found or not active.", st.Name)
	}
	return map[string]string{"DataEndpoint": c.DataURL()}, nil
}
