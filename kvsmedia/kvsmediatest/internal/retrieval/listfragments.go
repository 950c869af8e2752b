package retrieval

import (
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

type fragmentInfo struct {
	FragmentNumber               string
	FragmentSizeInBytes          int64
	ProducerTimestamp            float64
	ServerTimestamp              float64
	FragmentLengthInMilliseconds int64
}

func (e *Endpoint) listFragments(c *api.Call) (any, error) {
	var in struct {
		api.Named
		MaxResults       *int
		NextToken        string
		FragmentSelector *api.Selector
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	limit := 1000
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 1000 {
		return nil, api.Invalid("MaxResults must be from 1 to 1000.")
	}
	list := st.Archive()
	if wait := e.cfg.List; wait > 0 {
		now := time.Now()
		list = slices.DeleteFunc(list, func(f *store.Fragment) bool { return now.Sub(f.Stored) < wait })
	}
	if in.FragmentSelector != nil {
		if list, err = in.FragmentSelector.Choose(list, true); err != nil {
			return nil, err
		}
	}
	if in.NextToken != "" {
		after, err := decodeToken(in.NextToken)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(f *store.Fragment) bool { return store.Compare(f, after) <= 0 })
	}
	out := struct {
		Fragments []fragmentInfo
		NextToken string `json:",omitempty"`
	}{Fragments: []fragmentInfo{}}
	if len(list) > limit {
		list = list[:limit]
		out.NextToken = encodeToken(list[limit-1])
	}
	for _, f := range list {
		out.Fragments = append(out.Fragments, fragmentInfo{
			f.Number, f.Size(), api.Seconds(f.Producer), api.Seconds(f.Server), f.Length.Milliseconds(),
		})
	}
	if e.cfg.ReverseLists {
		slices.Reverse(out.Fragments)
	}
	return out, nil
}

// A token names the last fragment of a page, by its place in the order.
func encodeToken(f *store.Fragment) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", f.Server.UnixMilli(), f.Number))
}

func decodeToken(token string) (*store.Fragment, error) {
	f := &store.Fragment{}
	var ms int64
	b, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		_, err = fmt.Sscanf(string(b), "%d %s", &ms, &f.Number)
	}
	if err != nil {
		return nil, api.Invalid("NextToken is none of this service's.")
	}
	f.Server = time.UnixMilli(ms)
	return f, nil
}
