package mkv_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// Read a recording that a power loss cut off.
func ExampleReader() {
	file := []byte("\x1a\x45\xdf\xa3\x80" + // EBML header
		"\x18\x53\x80\x67\xff" + // segment of unknown size
		"\x16\x54\xae\x6b\x93\xae\x91\xd7\x81\x01\x83\x81\x01\x86\x89V_EXAMPLE" + // one track
		"\x1f\x43\xb6\x75\xff\xe7\x82\x03\xe8" + // cluster at 1 s
		"\xa3\x86\x81\x00\x28\x80hi" + // block 40 ms later
		"\xa3\x86\x81\x00") // and a part of one
	rd := mkv.NewReader(bytes.NewReader(file))
	for {
		e, err := rd.Next()
		if err != nil {
			fmt.Println("cut off:", errors.Is(err, io.ErrUnexpectedEOF), "whole up to byte", rd.Offset())
			return
		}
		if b, ok := e.(*mkv.Block); ok {
			fmt.Println(b.Track.CodecID, b.Time, b.Key, string(b.Data))
		}
	}
	// Output:
	// V_EXAMPLE 1.04s true hi
	// cut off: true whole up to byte 51
}
