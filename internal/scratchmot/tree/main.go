package main

import (
	"encoding/gob"
	"fmt"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/codingtree"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

type stored struct {
	PTS   time.Duration
	Key   bool
	Data  []byte
	Codec kvsmedia.Codec
}

func main() {
	for _, name := range os.Args[1:] {
		f, err := os.Open(name)
		if err != nil {
			panic(err)
		}
		var list []stored
		if err := gob.NewDecoder(f).Decode(&list); err != nil {
			panic(err)
		}
		sets := bitstream.ParameterSets{Codec: bitstream.H265}
		var p codingtree.Parser
		var m macroblock.Map
		bad, first := 0, error(nil)
		kinds := map[macroblock.Kind]int{}
		bits, bytes := 0, 0
		begun := time.Now()
		for i, x := range list {
			nalus := bitstream.Split(nil, x.Data)
			sets.Update(nalus)
			if err := p.Picture(&sets, nalus, &m); err != nil {
				if bad++; first == nil {
					first = fmt.Errorf("%d: %w", i, err)
				}
				continue
			}
			for _, b := range m.Blocks {
				kinds[b.Kind]++
				bits += int(b.Bits)
			}
			for _, n := range nalus {
				if t := bitstream.H265.Type(n); t < 32 {
					bytes += len(n)
				}
			}
		}
		fmt.Println(name, len(list), "bad", bad, first, kinds, bits/8, bytes, time.Since(begun))
	}
}
