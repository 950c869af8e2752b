package viewer

import (
	"encoding/json"

	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
)

// hear acts on the notices of the camera itself.
func (v *Viewer) hear(n command.Notice) {
	var body struct {
		On     bool   `json:"on"`
		Code   string `json:"code"`
		Reason string `json:"reason"`
	}
	if json.Unmarshal(n.Body, &body) != nil {
		return
	}
	switch n.Name {
	case command.NoticePrivacy:
		v.private.Store(body.On)
		if body.On {
			v.once.Do(func() { close(v.first) })
		}
	case command.NoticeDisconnected:
		v.session.End(sdp.Refusal(body.Code, body.Reason))
	}
}
