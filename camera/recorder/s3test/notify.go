package s3test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// Waits before an event that was not taken comes again.
const (
	notifyFirst = time.Second
	notifyLast  = time.Minute
)

const eventTime = "2006-01-02T15:04:05.000Z"

// testEvent is what S3 sends when a bucket is told whom to notify.
func (s *Service) testEvent(bucket string) any {
	return map[string]string{
		"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": s.core.Now().UTC().Format(eventTime), "Bucket": bucket,
		"RequestId": strings.ToUpper(random(8)), "HostId": random(24),
	}
}

// objectEvent is what S3 sends of an object ("Event message structure"). It has neither the
// metadata nor the content type.
func (s *Service) objectEvent(name, bucket string, o *object) any {
	type entity = map[string]any
	object := entity{"key": eventKey(o.Key), "sequencer": fmt.Sprintf("%018X", o.Sequence)}
	if o.ETag != "" {
		object["size"], object["eTag"] = o.Size, strings.Trim(o.ETag, `"`)
	}
	return entity{"Records": []entity{{
		"eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": s.cfg.Region, "eventTime": s.core.Now().UTC().Format(eventTime),
		"eventName": name, "userIdentity": entity{"principalId": "AWS:" + s.cfg.Account}, "requestParameters": entity{"sourceIPAddress": "127.0.0.1"},
		"responseElements": entity{"x-amz-request-id": strings.ToUpper(random(8)), "x-amz-id-2": random(24)},
		"s3": entity{
			"s3SchemaVersion": "1.0", "configurationId": "stand-in",
			"bucket": entity{"name": bucket, "ownerIdentity": entity{"principalId": s.cfg.Account}, "arn": "arn:aws:s3:::" + bucket},
			"object": object,
		},
	}}}
}

// notify hands an event to Config.Notify until that takes it.
func (s *Service) notify(event any, bucket, key string) {
	if s.cfg.Notify == nil {
		return
	}
	message, err := json.Marshal(event)
	if err != nil {
		s.core.Note(double.Event{Name: "Notify", On: bucket, Part: key, Detail: err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Limits.Pending > 0 && s.pending >= s.cfg.Limits.Pending {
		s.core.Note(double.Event{Name: "Notify", On: bucket, Part: key, Detail: "too many events wait to be taken: this one is lost"})
		return
	}
	s.pending++
	s.core.Go("an event of "+bucket, func() {
		s.hand(message, bucket, key)
		s.mu.Lock()
		s.pending--
		s.mu.Unlock()
	})
}

func (s *Service) hand(message []byte, bucket, key string) {
	for wait := notifyFirst; ; wait = min(2*wait, notifyLast) {
		err := s.cfg.Notify(message)
		e := double.Event{Name: "Notify", On: bucket, Part: key}
		if err != nil {
			e.Detail = err.Error()
		}
		s.core.Note(e)
		if err == nil {
			return
		}
		again := time.NewTimer(wait)
		select {
		case <-again.C:
		case <-s.core.Context().Done():
			again.Stop()
			return
		}
	}
}
