package api

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Selector chooses fragments by a range of time, both ends included.
type Selector struct {
	FragmentSelectorType string
	TimestampRange       *TimestampRange
}

// TimestampRange holds seconds since 1970.
type TimestampRange struct{ StartTimestamp, EndTimestamp *float64 }

// Seconds returns a time as the service writes it in JSON.
func Seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Decimal writes a time as seconds with three decimals.
func Decimal(t time.Time) string {
	return fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/int(time.Millisecond))
}

// Time returns the time of a JSON timestamp, to the millisecond.
func Time(seconds float64) time.Time { return time.UnixMilli(int64(math.Round(seconds * 1000))) }

// Stamp returns the time of fragments that a selector's type names.
func Stamp(kind string) (func(*store.Fragment) time.Time, error) {
	switch kind {
	case "PRODUCER_TIMESTAMP":
		return func(f *store.Fragment) time.Time { return f.Producer }, nil
	case "SERVER_TIMESTAMP":
		return func(f *store.Fragment) time.Time { return f.Server }, nil
	}
	return nil, Invalid("FragmentSelectorType must be PRODUCER_TIMESTAMP or SERVER_TIMESTAMP.")
}

// Choose returns the fragments that a selector chooses. needEnd is for ranges
// that must be closed.
func (sel *Selector) Choose(list []*store.Fragment, needEnd bool) ([]*store.Fragment, error) {
	at, err := Stamp(sel.FragmentSelectorType)
	if err != nil {
		return nil, err
	}
	r := sel.TimestampRange
	if r == nil || r.StartTimestamp == nil || needEnd && r.EndTimestamp == nil {
		return nil, Invalid("TimestampRange must have StartTimestamp and EndTimestamp.")
	}
	start, end := Time(*r.StartTimestamp), time.UnixMilli(math.MaxInt64/2)
	if r.EndTimestamp != nil {
		end = Time(*r.EndTimestamp)
	}
	if end.Before(start) {
		return nil, Invalid("StartTimestamp is after EndTimestamp.")
	}
	return slices.DeleteFunc(slices.Clone(list), func(f *store.Fragment) bool {
		return at(f).Before(start) || at(f).After(end)
	}), nil
}
