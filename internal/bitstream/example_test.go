package bitstream_test

import (
	"bytes"
	"fmt"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

// Cut the pipe from an encoder into frames and find the key frames.
func ExampleAccessUnits() {
	pipe := bytes.NewReader([]byte{
		0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 1, 0x65, 0x88, // SPS, PPS, IDR
		0, 0, 0, 1, 0x41, 0x9a, // P
	})
	units := bitstream.NewAccessUnits(pipe, bitstream.H264)
	var nalus [][]byte
	for {
		au, err := units.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		nalus = bitstream.Split(nalus[:0], au)
		fmt.Println(len(nalus), "NAL units, key frame:", bitstream.H264.HasKey(nalus))
	}
	// Output:
	// 3 NAL units, key frame: true
	// 1 NAL units, key frame: false
	// EOF
}
