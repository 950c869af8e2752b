// Command porch draws the sample film of camera/cameratest/clips, see make.sh there: raw
// pictures on standard output, and a JPEG of each second, half as large, in a file.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"image"
	"image/jpeg"
	"log"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
)

func main() {
	snapshots := flag.String("snapshots", "", "file for the JPEGs, one behind the other")
	night := flag.Bool("night", false, "as the infrared mode shows it")
	flag.Parse()
	s := scenes.Visitor()
	s.Night = *night
	out := bufio.NewWriter(os.Stdout)
	var jpegs bytes.Buffer
	for p := range s.Pictures() {
		if _, err := out.Write(p.Data); err != nil {
			log.Fatal(err)
		}
		if p.At%time.Second == 0 {
			if err := jpeg.Encode(&jpegs, half(p.Data, s.Width, s.Height), &jpeg.Options{Quality: 50}); err != nil {
				log.Fatal(err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
	if *snapshots != "" {
		if err := os.WriteFile(*snapshots, jpegs.Bytes(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// half returns a picture in half its size.
func half(pic []byte, w, h int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w/2, h/2), image.YCbCrSubsampleRatio420)
	full := func(v int) byte { return byte(max(0, min((v-64)*255/(4*219), 255))) } // JPEG has the full range
	for y := range h / 2 {
		for x := range w / 2 {
			i := 2*y*w + 2*x
			m.Y[y*m.YStride+x] = full(int(pic[i]) + int(pic[i+1]) + int(pic[i+w]) + int(pic[i+w+1]))
		}
	}
	for n, c := range [2][]byte{m.Cb, m.Cr} {
		from := pic[w*h+n*w*h/4:]
		for y := range h / 4 {
			for x := range w / 4 {
				i := 2*y*w/2 + 2*x
				c[y*m.CStride+x] = byte((int(from[i]) + int(from[i+1]) + int(from[i+w/2]) + int(from[i+w/2+1]) + 2) / 4)
			}
		}
	}
	return m
}
