package recorder

import (
	"encoding/json"
	"math"
	"time"
)

// seconds is a length as JSON has it here: a number of seconds, under a name that says so.
type seconds time.Duration

// MarshalJSON returns the number.
func (s seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }

// UnmarshalJSON reads a number; what is beyond 292 years is 292 years.
func (s *seconds) UnmarshalJSON(b []byte) error {
	const most = float64(math.MaxInt64 - 1023) // that a float64 can be
	var n float64
	err := json.Unmarshal(b, &n)
	*s = seconds(math.Round(min(max(n*1e9, -most), most)))
	return err
}

// MarshalJSON writes Length as "lengthSeconds".
func (c Clip) MarshalJSON() ([]byte, error) {
	type plain Clip
	return json.Marshal(struct {
		plain
		Length seconds `json:"lengthSeconds"`
	}{plain(c), seconds(c.Length)})
}

// UnmarshalJSON reads what MarshalJSON returns.
func (c *Clip) UnmarshalJSON(b []byte) error {
	type plain Clip
	return json.Unmarshal(b, &struct {
		*plain
		Length *seconds `json:"lengthSeconds"`
	}{(*plain)(c), (*seconds)(&c.Length)})
}

// MarshalJSON writes Length as "lengthSeconds".
func (f Fragment) MarshalJSON() ([]byte, error) {
	type plain Fragment
	return json.Marshal(struct {
		plain
		Length seconds `json:"lengthSeconds"`
	}{plain(f), seconds(f.Length)})
}

// UnmarshalJSON reads what MarshalJSON returns.
func (f *Fragment) UnmarshalJSON(b []byte) error {
	type plain Fragment
	return json.Unmarshal(b, &struct {
		*plain
		Length *seconds `json:"lengthSeconds"`
	}{(*plain)(f), (*seconds)(&f.Length)})
}

// MarshalJSON writes Length as "lengthSeconds".
func (m Missing) MarshalJSON() ([]byte, error) {
	type plain Missing
	return json.Marshal(struct {
		plain
		Length seconds `json:"lengthSeconds"`
	}{plain(m), seconds(m.Length)})
}

// UnmarshalJSON reads what MarshalJSON returns.
func (m *Missing) UnmarshalJSON(b []byte) error {
	type plain Missing
	return json.Unmarshal(b, &struct {
		*plain
		Length *seconds `json:"lengthSeconds"`
	}{(*plain)(m), (*seconds)(&m.Length)})
}

// MarshalJSON writes errors as their texts, and lengths as "LostSeconds" and
// "SlowestSyncSeconds".
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	return json.Marshal(struct {
		plain
		Err, Source, Upload, PutPicture string `json:",omitempty"`
		LostSeconds, SlowestSyncSeconds seconds
	}{plain(s), text(s.Err), text(s.Source), text(s.Upload), text(s.PutPicture), seconds(s.LostTime), seconds(s.SlowestSync)})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
