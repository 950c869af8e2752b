package motion_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/internal/testing/encoders"
	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
)

// verdict is how well a detector saw what scenes show.
type verdict struct {
	visits, seen int           // walkers, and those who were told of within a second
	late         time.Duration // the longest that it took
	alarms       int           // that there was nothing to
	scenes       int
	blind        int
	films        int
}

func (v verdict) String() string {
	var parts []string
	if v.visits > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d", v.seen, v.visits))
	}
	for _, n := range []struct {
		name string
		n    int
	}{{"F", v.alarms}, {"S", v.scenes}, {"B", v.blind}} {
		if n.n > 0 {
			parts = append(parts, fmt.Sprint(n.name, n.n))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, " ")
}

// judge holds what was told against the truth. A walker is seen if motion is told of before
// it has covered nine tenths of its share for a second.
func (v *verdict) judge(list []reported, truth scenes.Truth) {
	const margin = time.Second // a walker's shadow comes first
	v.films++
	v.visits += len(truth.Visits)
	for _, visit := range truth.Visits {
		for _, e := range list {
			if e.Kind == motion.Started && e.at >= visit.From-margin && e.at < visit.To {
				late := max(e.at-visit.Full, 0)
				v.late = max(v.late, late)
				if late <= time.Second {
					v.seen++
				}
				break
			}
		}
	}
	for _, e := range list {
		switch e.Kind {
		case motion.Started:
			if !truth.Shown(e.at, margin) {
				v.alarms++
			}
		case motion.Scene:
			v.scenes++
		case motion.Blind:
			v.blind++
		case motion.Going, motion.Ended:
		}
	}
}

// scenarios are what is drawn, for one seed. Thirty seconds nothing happens.
var scenarios = []struct {
	name string
	make func() scenes.Scene
}{
	{"still", func() scenes.Scene { return scenes.Scene{Noise: 1} }},
	{"dusk", func() scenes.Scene { return scenes.Scene{Noise: 3, Denoise: 0.5} }},
	{"night", func() scenes.Scene { return scenes.Scene{Noise: 3, Denoise: 0.5, Night: true} }},
	{"clock", func() scenes.Scene { return scenes.Scene{Noise: 1, Clock: scenes.TopLeft} }},
	{"clouds", func() scenes.Scene { return scenes.Scene{Noise: 1, Clouds: 0.05} }},
	{"wind", func() scenes.Scene { return scenes.Scene{Noise: 1, Wind: 0.006} }},
	{"rain", func() scenes.Scene { return scenes.Scene{Noise: 1, Rain: 0.2, RainAt: 30 * time.Second} }},
	{"ramp", func() scenes.Scene {
		return scenes.Scene{Noise: 1, Lights: []scenes.Light{{At: 35 * time.Second, By: 0.12, Over: time.Second}}}
	}},
	{"switch", func() scenes.Scene {
		return scenes.Scene{Noise: 1, Lights: []scenes.Light{{At: 35 * time.Second, By: 0.3, Lamp: true}}}
	}},
	{"infrared", func() scenes.Scene {
		return scenes.Scene{Noise: 1, IRCuts: []scenes.IRCut{{At: 35 * time.Second, Night: true}}}
	}},
	{"walker 1 %", walker(0.01, scenes.Scene{Noise: 1})},
	{"walker 2 %", walker(0.021, scenes.Scene{Noise: 1})},
	{"walker 5 %", walker(0.05, scenes.Scene{Noise: 1})},
	{"walker 2 %, dusk", walker(0.021, scenes.Scene{Noise: 3, Denoise: 0.5})},
	{"walker 5 %, dusk", walker(0.05, scenes.Scene{Noise: 3, Denoise: 0.5})},
}

func walker(share float64, in scenes.Scene) func() scenes.Scene {
	return func() scenes.Scene {
		s := in
		s.Walkers = []scenes.Walker{{At: 31 * time.Second, Share: share}, {At: 47 * time.Second, Share: share}}
		return s
	}
}

// modes are the encoders that figures are of.
var modes = []encoders.Encoder{
	{}, {GOP: 10}, {GOP: 300}, {Control: encoders.VBR}, {Control: encoders.Capped}, {Control: encoders.CBR}, {GOP: 1},
	{Program: encoders.X265}, {Program: encoders.X265, Control: encoders.VBR},
	{Program: encoders.OpenH264}, {Program: encoders.OpenH264, Control: encoders.VBR},
}

// look returns how well a scenario is seen in some scenes of the family that figures are of.
func look(t *testing.T, name string, m encoders.Encoder, cfg motion.Config, seeds int) (v verdict) {
	t.Helper()
	for seed := range seeds {
		for _, s := range scenarios {
			if s.name != name {
				continue
			}
			scene := s.make()
			scene.Family, scene.Seed = scenes.Measure, uint64(seed)+1
			v.judge(watch(t, encoders.Encode(t, scene.Film(), m), cfg), scene.Truth())
		}
	}
	if v.films != seeds {
		t.Fatalf("no scenario %q", name)
	}
	return v
}

// What the package's manual promises holds: walkers are seen within a second, and neither a
// clock nor a change of the light rings. Blocks show it at a constant bitrate and in noise as
// well.
func TestFigures(t *testing.T) {
	if testing.Short() {
		t.Skip("encodes minutes of film")
	}
	for _, c := range []struct {
		mode    encoders.Encoder
		sizes   bool
		walkers []string
	}{
		{mode: encoders.Encoder{}, walkers: []string{"walker 1 %", "walker 2 %, dusk"}},
		{mode: encoders.Encoder{Control: encoders.VBR}, walkers: []string{"walker 2 %"}},
		{mode: encoders.Encoder{Control: encoders.CBR}, walkers: []string{"walker 2 %", "walker 2 %, dusk"}},
		{mode: encoders.Encoder{Program: encoders.OpenH264}, walkers: []string{"walker 2 %"}},
		{mode: encoders.Encoder{}, sizes: true, walkers: []string{"walker 2 %"}},
		{mode: encoders.Encoder{Control: encoders.VBR}, sizes: true, walkers: []string{"walker 5 %"}},
		{mode: encoders.Encoder{Program: encoders.X265}, walkers: []string{"walker 2 %"}},
	} {
		t.Run(fmt.Sprintf("%v sizes %v", c.mode, c.sizes), func(t *testing.T) {
			t.Parallel()
			cfg := motion.Config{SizesAlone: c.sizes}
			for _, name := range c.walkers {
				if v := look(t, name, c.mode, cfg, 2); v.seen < v.visits || v.alarms > 0 {
					t.Errorf("%s: %v, the latest %v", name, v, v.late)
				}
			}
			for _, name := range []string{"still", "clock"} {
				if v := look(t, name, c.mode, cfg, 1); v != (verdict{films: 1}) {
					t.Errorf("%s: %v", name, v)
				}
			}
			for _, name := range []string{"switch", "infrared"} {
				if v := look(t, name, c.mode, cfg, 1); v.alarms > 0 || v.scenes != 1 {
					t.Errorf("%s: %v", name, v)
				}
			}
		})
	}
}

// An encoder of H.265 that holds a bitrate in noise, where sizes show no walker at all.
func TestNoiseH265(t *testing.T) {
	if testing.Short() {
		t.Skip("encodes minutes of film")
	}
	m := encoders.Encoder{Program: encoders.X265, Control: encoders.VBR}
	if v := look(t, "walker 2 %, dusk", m, motion.Config{}, 1); v.seen < v.visits || v.alarms > 0 {
		t.Errorf("%v, the latest %v", v, v.late)
	}
}

// Nothing moves for five minutes, or for as long as SMARTCAM_STILL says: nothing rings.
func TestStillFilm(t *testing.T) {
	if testing.Short() {
		t.Skip("encodes minutes of film")
	}
	length := 5 * time.Minute
	if text := os.Getenv("SMARTCAM_STILL"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []encoders.Encoder{{}, {Control: encoders.VBR}} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			s := scenes.Scene{Family: scenes.Measure, Seed: 3, Noise: 1.5, Denoise: 0.3, Length: length, Width: 256, Height: 144}
			if list := watch(t, encoders.Encode(t, s.Film(), m), motion.Config{}); len(list) > 0 {
				t.Errorf("in %v: %v", length, list)
			}
		})
	}
}

// TestAllFigures prints the figures of the package's manual: with SMARTCAM_FIGURES=1.
func TestAllFigures(t *testing.T) {
	if os.Getenv("SMARTCAM_FIGURES") == "" {
		t.Skip("SMARTCAM_FIGURES is not set: it takes ten minutes")
	}
	for _, sizes := range []bool{false, true} {
		table := make([][]verdict, len(scenarios))
		t.Run("films", func(t *testing.T) {
			for i, s := range scenarios {
				table[i] = make([]verdict, len(modes))
				for j, m := range modes {
					t.Run(s.name+"/"+m.String(), func(t *testing.T) {
						t.Parallel()
						table[i][j] = look(t, s.name, m, motion.Config{SizesAlone: sizes}, 2)
					})
				}
			}
		})
		var b strings.Builder
		for j, m := range modes {
			fmt.Fprintf(&b, "%c = %v\n", 'a'+j, m)
		}
		for i, s := range scenarios {
			fmt.Fprintf(&b, "%-18s", s.name)
			for _, v := range table[i] {
				fmt.Fprintf(&b, " %-9v", v)
			}
			b.WriteByte('\n')
		}
		t.Logf("sizes alone: %v\n%s", sizes, b.String())
	}
}
