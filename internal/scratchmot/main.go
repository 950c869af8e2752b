package main

import (
	"encoding/gob"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

type stored struct {
	PTS   time.Duration
	Key   bool
	Data  []byte
	Codec kvsmedia.Codec
}

func main() {
	f, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	var list []stored
	if err := gob.NewDecoder(f).Decode(&list); err != nil {
		panic(err)
	}
	sets := bitstream.ParameterSets{Codec: bitstream.H265}
	if list[0].Codec == kvsmedia.H264 {
		sets.Codec = bitstream.H264
	}
	for i, x := range list {
		nalus := bitstream.Split(nil, x.Data)
		sets.Update(nalus)
		s := sets.AppendSlices(nil, nalus)
		if x.Key {
			fmt.Println()
			fmt.Printf("%5.1f ", x.PTS.Seconds())
		}
		_ = i
		b := 0
		for _, v := range s {
			b += v.Bytes
		}
		fmt.Printf("%d/%d/%.1f ", b, s[0].QP, math.Log2(float64(b))+float64(s[0].QP-4)/6)
	}
	fmt.Println()
}
