package kvsmedia

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Notifications is where the service tells of fragments that
// [Producer.TagNotification] has marked, once they are stored. The zero
// Notifications is that of a stream without. Sources:
// UpdateNotificationConfiguration, "Notifications in Kinesis Video Streams".
type Notifications struct {
	// Enabled turns them on. What is only turned off is remembered by the service.
	Enabled bool

	// Topic is the ARN of a standard SNS topic; the service takes no FIFO topics.
	Topic string
}

// isTopic reports whether notifications can go to a topic.
func isTopic(topic string) bool {
	a, err := arn.Parse(topic)
	return err == nil && len(topic) <= maxURI && a.Service == "sns" && a.Resource != "" &&
		strings.Trim(a.Resource, alphanumerics+"_-") == "" // names of FIFO topics have a dot
}

// notificationConfiguration is a NotificationConfiguration of the API.
type notificationConfiguration struct {
	Status            string
	DestinationConfig destination
}

// Notifications returns where the service tells of a stream's fragments, the zero
// Notifications if that was never set (DescribeNotificationConfiguration).
func (s *Streams) Notifications(ctx context.Context, stream string) (Notifications, error) {
	var out struct {
		NotificationConfiguration *notificationConfiguration
	}
	err := s.ask(ctx, "DescribeNotificationConfiguration", stream, &out)
	if c := out.NotificationConfiguration; c != nil {
		return Notifications{c.Status == status(true), c.DestinationConfig.Uri}, err
	}
	return Notifications{}, err
}

// SetNotifications sets where the service tells of a stream's fragments; the zero
// Notifications removes it (UpdateNotificationConfiguration). It needs a stream with
// a retention. Allow a minute until it acts. The notifications are sent with the
// rights of the credentials that the camera uploads with, which need sns:Publish.
func (s *Streams) SetNotifications(ctx context.Context, stream string, n Notifications) error {
	var c *notificationConfiguration
	if n != (Notifications{}) {
		if !isTopic(n.Topic) {
			return &ConfigError{"Notifications.Topic", fmt.Sprintf("is %q: give the ARN of a standard SNS topic, not of a FIFO topic", n.Topic)}
		}
		c = &notificationConfiguration{status(n.Enabled), destination{Uri: n.Topic}}
	}
	return s.update(ctx, stream, "", nil, func(streamInfo, string) error {
		return s.call(ctx, "UpdateNotificationConfiguration", stream, struct {
			naming
			NotificationConfiguration *notificationConfiguration `json:",omitempty"`
		}{nameOf(stream), c}, nil)
	})
}
