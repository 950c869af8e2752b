package ingest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// Codes are the codes of the error acknowledgements.
var Codes = map[int]string{
	4000: "STREAM_READ_ERROR",
	4001: "MAX_FRAGMENT_SIZE_REACHED",
	4002: "MAX_FRAGMENT_DURATION_REACHED",
	4003: "MAX_CONNECTION_DURATION_REACHED",
	4004: "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS",
	4005: "MORE_THAN_ONE_TRACK_FOUND",
	4006: "INVALID_MKV_DATA",
	4007: "INVALID_PRODUCER_TIMESTAMP",
	4008: "STREAM_NOT_ACTIVE",
	4009: "FRAGMENT_METADATA_LIMIT_REACHED",
	4010: "TRACK_NUMBER_MISMATCH",
	4011: "FRAMES_MISSING_FOR_TRACK",
	4012: "MORE_THAN_ALLOWED_TRACKS_FOUND",
	4500: "KMS_KEY_ACCESS_DENIED",
	4501: "KMS_KEY_DISABLED",
	4502: "KMS_KEY_VALIDATION_ERROR",
	4503: "KMS_KEY_UNAVAILABLE",
	4504: "KMS_KEY_INVALID_USAGE",
	4505: "KMS_KEY_INVALID_STATE",
	4506: "KMS_KEY_NOT_FOUND",
	4507: "STREAM_DELETED",
	5000: "INTERNAL_ERROR",
	5001: "ARCHIVAL_ERROR",
}

// ack is an acknowledgement as it is written.
type ack struct {
	EventType        string
	FragmentTimecode *uint64 `json:",omitempty"`
	FragmentNumber   string  `json:",omitempty"`
	ErrorCode        string  `json:",omitempty"`
	ErrorId          int     `json:",omitempty"`
}

// write sends one acknowledgement, in a chunk of its own.
func (c *Connection) write(a ack) error {
	var v any = a
	if c.endpoint.cfg.WrapAcks {
		v = map[string]ack{"Acknowledgement": a}
	}
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	pieces := [][]byte{line}
	if c.endpoint.cfg.SplitAcks {
		pieces = [][]byte{line[:len(line)/2], line[len(line)/2:]}
	}
	for _, p := range pieces {
		if _, err := c.w.Write(p); err != nil {
			return err
		}
		if err := c.control.Flush(); err != nil {
			return err
		}
	}
	c.endpoint.cfg.Core.Note(double.Event{Name: a.EventType, On: c.Stream.Name, Part: a.FragmentNumber, Detail: a.ErrorCode})
	return nil
}

// dueAck is an acknowledgement that is to be sent at a time.
type dueAck struct {
	ack
	due time.Time
}

// push lets an acknowledgement be sent after delay, behind those that are due no
// later.
func (c *Connection) push(a ack, delay time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	due := time.Now().Add(delay + c.slow)
	i := len(c.acks)
	for i > 0 && c.acks[i-1].due.After(due) {
		i--
	}
	c.acks = slices.Insert(c.acks, i, dueAck{a, due})
	c.signal()
}

// signal wakes the sender.
func (c *Connection) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
