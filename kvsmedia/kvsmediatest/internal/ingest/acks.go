package kvsmediatest

import (
	"encoding/json"
	"slices"
	"time"
)

// errorCodes are the codes of the error acknowledgements.
var errorCodes = map[int]string{
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

// ErrorIDs returns the IDs of all error acknowledgements, ascending; that of
// MIN_FRAGMENT_DURATION_REACHED is Variants.MinDurationID.
func ErrorIDs() []int {
	var ids []int
	for id := range errorCodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
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
func (u *Upload) write(a ack) error {
	var v any = a
	if u.svc.cfg.Variants.WrapAcks {
		v = map[string]ack{"Acknowledgement": a}
	}
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	pieces := [][]byte{line}
	if u.svc.cfg.Variants.SplitAcks {
		pieces = [][]byte{line[:len(line)/2], line[len(line)/2:]}
	}
	for _, p := range pieces {
		if _, err := u.w.Write(p); err != nil {
			return err
		}
		if err := u.control.Flush(); err != nil {
			return err
		}
	}
	e := Event{Name: a.EventType, Stream: u.stream.Name, Fragment: a.FragmentNumber, Detail: a.ErrorCode}
	u.svc.note(e)
	return nil
}

// dueAck is an acknowledgement that is to be sent at a time.
type dueAck struct {
	ack
	due time.Time
}

// push lets an acknowledgement be sent after delay, behind those that are due no
// later.
func (u *Upload) push(a ack, delay time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	due := time.Now().Add(delay + u.slow)
	i := len(u.acks)
	for i > 0 && u.acks[i-1].due.After(due) {
		i--
	}
	u.acks = slices.Insert(u.acks, i, dueAck{a, due})
	u.signal()
}

// signal wakes the sender.
func (u *Upload) signal() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}
