package camera_test

import (
	"errors"
	"fmt"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Firmware keeps over a boot whether privacy is on, and lets its encoders rest meanwhile.
func ExampleCamera_SetPrivacy() {
	stored := true // what the owner chose last
	voice := &kvsmedia.Track{Codec: kvsmedia.PCMA}
	cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{voice}, Privacy: stored, Logger: quiet})
	if err != nil {
		fmt.Println(err)
		return
	}
	packet := kvsmedia.Frame{Track: voice, Data: make([]byte, 160)}
	if err := cam.WriteFrame(packet); errors.Is(err, camera.ErrPrivate) {
		fmt.Println("the encoder may rest")
	}
	cam.SetPrivacy(false) // such as in the handler of a command
	fmt.Println(cam.WriteFrame(packet), cam.Status().Privacy)
	// Output:
	// the encoder may rest
	// <nil> false
}
