package motion_test

import (
	"encoding/gob"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/internal/testing/encoders"
	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

type stored struct {
	PTS   time.Duration
	Key   bool
	Data  []byte
	Codec kvsmedia.Codec
}

func cached(t *testing.T, name string, make func() func(func(kvsmedia.Frame) bool)) func(func(kvsmedia.Frame) bool) {
	path := "/tmp/motion/" + name
	var list []stored
	if f, err := os.Open(path); err == nil {
		if err := gob.NewDecoder(f).Decode(&list); err != nil {
			t.Fatal(err)
		}
		f.Close()
	} else {
		for f := range make() {
			list = append(list, stored{f.PTS, f.Key, f.Data, f.Track.Codec})
		}
		os.MkdirAll("/tmp/motion", 0o755)
		f, _ := os.Create(path + ".tmp")
		gob.NewEncoder(f).Encode(list)
		f.Close()
		os.Rename(path+".tmp", path)
	}
	return func(yield func(kvsmedia.Frame) bool) {
		track := &kvsmedia.Track{Name: "main", Codec: list[0].Codec}
		for _, f := range list {
			if !yield(kvsmedia.Frame{Track: track, PTS: f.PTS, Key: f.Key, Data: f.Data}) {
				return
			}
		}
	}
}

func TestTune(t *testing.T) {
	sets := map[string]func(seed uint64) scenes.Scene{
		"still":  func(seed uint64) scenes.Scene { return scenes.Scene{Noise: 1} },
		"dusk":   func(seed uint64) scenes.Scene { return scenes.Scene{Noise: 3, Denoise: 0.5} },
		"night":  func(seed uint64) scenes.Scene { return scenes.Scene{Noise: 3, Denoise: 0.5, Night: true} },
		"clouds": func(seed uint64) scenes.Scene { return scenes.Scene{Noise: 1, Clouds: 0.05} },
		"wind":   func(seed uint64) scenes.Scene { return scenes.Scene{Noise: 1, Wind: 0.006} },
		"clock":  func(seed uint64) scenes.Scene { return scenes.Scene{Noise: 1, Clock: scenes.TopLeft} },
		"rain":   func(seed uint64) scenes.Scene { return scenes.Scene{Noise: 1, Rain: 0.2, RainAt: 20 * time.Second} },
		"ramp": func(seed uint64) scenes.Scene {
			return scenes.Scene{Noise: 1, Lights: []scenes.Light{{At: 25 * time.Second, By: 0.12, Over: time.Second}}}
		},
		"switch": func(seed uint64) scenes.Scene {
			return scenes.Scene{Noise: 1, Lights: []scenes.Light{{At: 25 * time.Second, By: 0.3}, {At: 45 * time.Second, By: -0.3}}}
		},
		"IR": func(seed uint64) scenes.Scene {
			return scenes.Scene{Noise: 1, IRCuts: []scenes.IRCut{{At: 25 * time.Second, Night: true}}}
		},
		"walk1": walk(0.01, 1), "walk2": walk(0.02, 1), "walk5": walk(0.05, 1), "walk2dusk": walk(0.02, 3),
		"stepwalk": func(seed uint64) scenes.Scene {
			return scenes.Scene{Noise: 1, Lights: []scenes.Light{{At: 25 * time.Second, By: 0.3}}, Walkers: []scenes.Walker{{At: 23 * time.Second, Share: 0.05, Stands: 5 * time.Second}}}
		},
	}
	modes := []encoders.Encoder{
		{}, {Control: encoders.VBR}, {Control: encoders.Capped}, {Control: encoders.CBR}, {GOP: 10}, {GOP: 300}, {GOP: 1},
		{Program: encoders.X265}, {Program: encoders.X265, Control: encoders.VBR}, {Program: encoders.OpenH264}, {Program: encoders.OpenH264, Control: encoders.VBR},
	}
	for name, set := range sets {
		for _, m := range modes {
			t.Run(name+"/"+m.String(), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(2) {
					s := set(seed)
					s.Seed, s.Family = seed, scenes.Tune
					list := watch(t, cached(t, fmt.Sprintf("%s-%v-%d", name, m, seed), func() func(func(kvsmedia.Frame) bool) { return encoders.Encode(t, s.Film(), m) }), motion.Config{})
					v := judge(list, s.Truth())
					line := ""
					for _, e := range list {
						line += fmt.Sprintf(" %v@%.1f(%.1f,%.2f)", e.Kind, e.PTS.Seconds(), e.at.Seconds(), e.Score)
					}
					fmt.Printf("%-10s %-22s %d: %v |%v %s\n", name, m, seed, v, s.Truth().Visits, line)
				}
			})
		}
	}
}

func walk(share, noise float64) func(uint64) scenes.Scene {
	return func(seed uint64) scenes.Scene {
		return scenes.Scene{Noise: noise, Walkers: []scenes.Walker{{At: 22 * time.Second, Share: share}, {At: 42 * time.Second, Share: share, Stands: 2 * time.Second}}}
	}
}
