// Package control is the control plane of streams.
package control

import (
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Plane serves the operations of the control plane.
type Plane struct {
	Store   *store.Store
	Region  string
	Now     func() time.Time    // the service's clock
	Deleted func(*store.Stream) // told of a stream that exists no longer

	WarmNeedsMonth, WarmStays bool // as kvsmediatest.Variants has them
}

// Operations returns the operations by path.
func (p *Plane) Operations() map[string]*api.Operation {
	// The newer ones have an exception of their own for what the caller may not do.
	const denied = "AccessDeniedException"
	return map[string]*api.Operation{
		"/createStream":                         {Name: "CreateStream", Run: p.createStream},
		"/describeStream":                       {Name: "DescribeStream", Deleting: true, Run: p.describeStream},
		"/listStreams":                          {Name: "ListStreams", Run: p.listStreams},
		"/updateStream":                         {Name: "UpdateStream", Run: p.updateStream},
		"/deleteStream":                         {Name: "DeleteStream", Run: p.deleteStream},
		"/updateDataRetention":                  {Name: "UpdateDataRetention", Run: p.updateRetention},
		"/getDataEndpoint":                      {Name: "GetDataEndpoint", Run: p.dataEndpoint},
		"/tagStream":                            {Name: "TagStream", Run: p.tagStream},
		"/untagStream":                          {Name: "UntagStream", Run: p.untagStream},
		"/listTagsForStream":                    {Name: "ListTagsForStream", Run: p.listTags},
		"/describeImageGenerationConfiguration": {Name: "DescribeImageGenerationConfiguration", Denied: denied, Run: p.describeImages},
		"/updateImageGenerationConfiguration":   {Name: "UpdateImageGenerationConfiguration", Denied: denied, Run: p.updateImages},
		"/describeNotificationConfiguration":    {Name: "DescribeNotificationConfiguration", Denied: denied, Run: p.describeNotifications},
		"/updateNotificationConfiguration":      {Name: "UpdateNotificationConfiguration", Denied: denied, Run: p.updateNotifications},
		"/describeStreamStorageConfiguration":   {Name: "DescribeStreamStorageConfiguration", Denied: denied, Run: p.describeStorage},
		"/updateStreamStorageConfiguration":     {Name: "UpdateStreamStorageConfiguration", Denied: denied, Run: p.updateStorage},
	}
}
