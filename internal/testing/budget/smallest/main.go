// Smallest is the smallest whole camera: identity, signaling and live view, as
// in the README. Its size, memory and dependencies are what the budgets bound.
//
//	smallest DIR REGION [ENDPOINT]
//
// DIR has the device's certificate, as [iotcreds.LoadConfig] reads it. Access
// units of H.264 in Annex B come from standard input, each behind its length in
// four bytes, most significant first; thirty are a second.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"iter"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: smallest DIR REGION [ENDPOINT]")
	}
	device, err := iotcreds.LoadConfig(os.Args[1])
	check(err)
	creds, err := iotcreds.New(device)
	check(err)
	cfg := aws.Config{Region: os.Args[2], Credentials: creds}
	if len(os.Args) > 3 {
		cfg.BaseEndpoint = &os.Args[3]
	}
	video := &kvsmedia.Track{Codec: kvsmedia.H264}
	cam, err := camera.New(camera.Config{
		Signaling: signaling.Config{AWS: cfg, Channel: device.ThingName},
		Tracks:    []*kvsmedia.Track{video},
	})
	check(err)
	go func() { log.Fatal(cam.Run(context.Background())) }()
	for pts, data := range encode(os.Stdin) {
		check(cam.WriteFrame(kvsmedia.Frame{Track: video, PTS: pts, Data: data}))
	}
	select {}
}

// encode yields the access units that come from r.
func encode(r io.Reader) iter.Seq2[time.Duration, []byte] {
	return func(yield func(time.Duration, []byte) bool) {
		in := bufio.NewReader(r)
		var data []byte
		for n := time.Duration(0); ; n++ {
			var size uint32
			if binary.Read(in, binary.BigEndian, &size) != nil || size > 8<<20 {
				return
			}
			data = append(data[:0], make([]byte, size)...)
			if _, err := io.ReadFull(in, data); err != nil || !yield(n*time.Second/30, data) {
				return
			}
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
