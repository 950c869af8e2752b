package scenes_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// families are those that figures are made with.
var families = []scenes.Family{scenes.Tune, scenes.Measure}

// draw returns the pictures of a scene.
func draw(s scenes.Scene) (pics []scenes.Picture) {
	for p := range s.Pictures() {
		p.Data = bytes.Clone(p.Data)
		pics = append(pics, p)
	}
	return pics
}

const w, h = 320, 180

func luma(p scenes.Picture) []byte { return p.Data[:w*h] }

// mean returns the mean of values, and their standard deviation.
func mean(values []float64) (m, deviation float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - m) * (v - m) / float64(len(values))
	}
	return m, math.Sqrt(deviation)
}

func meanLuma(p scenes.Picture) float64 {
	n := 0
	for _, v := range luma(p) {
		n += int(v)
	}
	return float64(n) / (w * h)
}

// differ counts the pixels that differ by more than a number of levels.
//
//go:norace
func differ(a, b scenes.Picture, levels int) (n int) {
	for i, v := range a.Data[:w*h] {
		if d := int(v) - int(b.Data[i]); d > levels || d < -levels {
			n++
		}
	}
	return n
}

// A scene is drawn the same each time, and seeds and families differ.
func TestSame(t *testing.T) {
	seen := map[string]string{}
	for _, f := range families {
		for seed := range uint64(3) {
			s := scenes.Scene{Family: f, Seed: seed, Length: time.Second, Noise: 2, Denoise: 0.5, Rain: 0.1, Wind: 0.01, Clouds: 0.05}
			a, b := draw(s), draw(s)
			if len(a) != 15 || !slices.EqualFunc(a, b, func(a, b scenes.Picture) bool { return bytes.Equal(a.Data, b.Data) && a.At == b.At }) {
				t.Errorf("family %d, seed %d: %d pictures, the second time others", f, seed, len(a))
			}
			s = scenes.Scene{Family: f, Seed: seed, Length: time.Second}
			name := fmt.Sprint(f, seed)
			if other, ok := seen[string(draw(s)[0].Data)]; ok {
				t.Errorf("%s is %s", name, other)
			}
			seen[string(draw(s)[0].Data)] = name
		}
	}
}

// Places have contrast, and neither black nor white areas.
func TestPlaces(t *testing.T) {
	for _, f := range families {
		for seed := range uint64(6) {
			p := draw(scenes.Scene{Family: f, Seed: seed, Length: time.Second / 15})[0]
			var values []float64
			clipped, edges := 0, 0
			for i, v := range luma(p) {
				values = append(values, float64(v))
				if v <= 16 || v >= 235 {
					clipped++
				}
				if i%w > 0 && math.Abs(float64(v)-values[i-1]) > 8 {
					edges++
				}
			}
			if m, d := mean(values); m < 70 || m > 170 || d < 20 || clipped > w*h/20 || edges < w*h/25 {
				t.Errorf("family %d, seed %d: mean %.0f, deviation %.0f, %d pixels clipped, %d edges", f, seed, m, d, clipped, edges)
			}
		}
	}
}

func TestNoise(t *testing.T) {
	still := draw(scenes.Scene{Length: time.Second})
	for _, p := range still {
		if !bytes.Equal(p.Data, still[0].Data) {
			t.Fatalf("without noise the picture at %v differs", p.At)
		}
	}
	for _, c := range []struct {
		sigma, denoise float64
		night          bool
	}{{1, 0, false}, {3, 0, false}, {3, 0.7, false}, {2, 0.5, true}} {
		pics := draw(scenes.Scene{Noise: c.sigma, Denoise: c.denoise, Night: c.night, Length: 4 * time.Second})
		clear := draw(scenes.Scene{Night: c.night, Length: time.Second / 15})[0]
		var noise [2][]float64 // of two pictures, one after the other
		for i, v := range luma(clear) {
			if v < 50 || v > 200 { // what noise might clip
				continue
			}
			for k, p := range pics[58:] {
				noise[k] = append(noise[k], float64(p.Data[i])-float64(v))
			}
		}
		want := c.sigma
		if c.night {
			want *= 3
		}
		m, d := mean(noise[0])
		if math.Abs(m) > 0.25 || math.Abs(d/want-1) > 0.1 {
			t.Errorf("%+v: noise of mean %.2f and deviation %.2f", c, m, d)
		}
		sum := 0.0
		for i, v := range noise[0] {
			sum += v * noise[1][i] / float64(len(noise[0]))
		}
		if got := sum / d / d; math.Abs(got-c.denoise) > 0.08 {
			t.Errorf("%+v: a picture has %.2f of the noise before it", c, got)
		}
	}
}

// Walkers are as large as asked for, and what moves is what the truth says.
func TestWalkers(t *testing.T) {
	for _, f := range families {
		for seed := range uint64(2) {
			for _, share := range []float64{0.01, 0.02, 0.05} {
				s := scenes.Scene{Family: f, Seed: seed, Length: 25 * time.Second,
					Walkers: []scenes.Walker{{At: 3 * time.Second, Share: share, Stands: 5 * time.Second}}}
				truth := s.Truth()
				if len(truth.Visits) != 1 {
					t.Fatalf("family %d, seed %d: %+v", f, seed, truth)
				}
				v := truth.Visits[0]
				if v.From < 3*time.Second || v.From > 4*time.Second || v.Full <= v.From || v.Full > v.From+3*time.Second ||
					v.To < v.Full+6*time.Second || v.To > 24*time.Second || len(v.Stands) != 1 {
					t.Errorf("family %d, seed %d, %v: %+v", f, seed, share, v)
				}
				if math.Abs(v.Share/share-1) > 0.05 {
					t.Errorf("family %d, seed %d: a share of %.4f, want %v", f, seed, v.Share, share)
				}
				checkMotion(t, s, truth)
			}
		}
	}
}

func checkMotion(t *testing.T, s scenes.Scene, truth scenes.Truth) {
	t.Helper()
	pics := draw(s)
	for i, p := range pics[1:] {
		moved := differ(p, pics[i], 10)
		least := int(p.Share * w * h / 30)
		switch stands := truth.Visits[0].Stands[0]; {
		case !truth.Shown(p.At, 0) && p.Share > 0, truth.Shown(p.At, 0) && p.Share == 0:
			t.Fatalf("seed %d, %v: a share of %v, shown: %v", s.Seed, p.At, p.Share, truth.Shown(p.At, 0))
		case !truth.Shown(p.At, time.Second) && moved > 0, p.At > stands[0]+2*time.Second && p.At < stands[1] && moved > 6*least:
			t.Fatalf("seed %d, %v: %d pixels move, though nobody does: %+v", s.Seed, p.At, moved, truth)
		case p.At < stands[0]-time.Second && moved < least:
			t.Fatalf("seed %d, %v: %d pixels move of a walker of %v", s.Seed, p.At, moved, p.Share)
		}
	}
}

func TestLight(t *testing.T) {
	const at = 2 * time.Second
	for _, c := range []struct {
		light       scenes.Light
		soon, later float64 // after a picture; after five seconds
	}{
		{scenes.Light{At: at, By: 0.12, Over: time.Second}, 0.008, 0.12},
		{scenes.Light{At: at, By: 0.12}, 0.12, 0.06},
		{scenes.Light{At: at, By: -0.3, Lamp: true}, -0.22, -0.11},
	} {
		s := scenes.Scene{Length: 8 * time.Second, Lights: []scenes.Light{c.light}}
		pics := draw(s)
		before := meanLuma(pics[29]) - 16
		soon, later := (meanLuma(pics[31])-16)/before-1, (meanLuma(pics[110])-16)/before-1
		if !bytes.Equal(pics[29].Data, pics[0].Data) || soon/c.soon < 0.6 || soon/c.soon > 1.5 || later/c.later < 0.8 || later/c.later > 1.3 {
			t.Errorf("%+v: %.3f after a picture, %.3f later", c.light, soon, later)
		}
		if truth := s.Truth(); !truth.Stepped(at, 0) || truth.Stepped(at-1, 0) || !truth.Stepped(at-1, 1) || truth.Stepped(at+4*time.Second, 0) {
			t.Errorf("%+v: %+v", c.light, truth)
		}
	}
}

// By night there is no colour.
func TestIRCut(t *testing.T) {
	pics := draw(scenes.Scene{Length: 6 * time.Second, IRCuts: []scenes.IRCut{{2 * time.Second, true}, {4 * time.Second, false}}})
	for _, p := range pics {
		night := p.At >= 2*time.Second && p.At < 4*time.Second
		colours := len(slices.DeleteFunc(bytes.Clone(p.Data[w*h:]), func(v byte) bool { return v == 128 }))
		if (colours > 1000) == night {
			t.Fatalf("%v: %d pixels of colour", p.At, colours)
		}
	}
	day, flash, night, again := meanLuma(pics[29]), meanLuma(pics[30]), meanLuma(pics[59]), meanLuma(pics[89])
	if math.Abs(day-night) < 5 || flash < night+10 || math.Abs(day-again) > 1 {
		t.Errorf("mean luma %.0f by day, %.0f at once, %.0f by night, %.0f by day again", day, flash, night, again)
	}
}

// Weather and clock change what they should, and nothing else.
func TestSmallThings(t *testing.T) {
	for name, c := range map[string]struct {
		scene     scenes.Scene
		low, high int // pixels that change from one picture to the next, at most 4 levels left out; the median of a few seconds
	}{
		"breeze":   {scenes.Scene{Wind: 0.004}, 10, 2500},
		"storm":    {scenes.Scene{Wind: 0.015}, 300, 6000},
		"drizzle":  {scenes.Scene{Rain: 0.1}, 300, 4000},
		"downpour": {scenes.Scene{Rain: 0.5}, 2000, 15000},
		"clouds":   {scenes.Scene{Clouds: 0.05}, 0, 0},
	} {
		for _, f := range families {
			s := c.scene
			s.Family, s.Length = f, 4*time.Second
			pics := draw(s)
			var counts []int
			for i, p := range pics[1:] {
				counts = append(counts, differ(p, pics[i], 4))
			}
			slices.Sort(counts)
			if m := counts[len(counts)/2]; m < c.low || m > c.high {
				t.Errorf("%s in family %d: %d pixels change", name, f, m)
			}
			if first, last := luma(pics[0]), luma(pics[len(pics)-1]); bytes.Equal(first, last) {
				t.Errorf("%s: nothing changes", name)
			}
		}
	}
	for _, corner := range []scenes.Corner{scenes.TopLeft, scenes.BottomRight} {
		pics := draw(scenes.Scene{Length: 3 * time.Second, Clock: corner})
		for i, p := range pics[1:] {
			changed, outside := false, false
			for k, v := range luma(p) {
				if v != pics[i].Data[k] {
					changed = true
					outside = outside || (k/w < 20) != (corner == scenes.TopLeft) || (k/w >= h-20) != (corner == scenes.BottomRight)
				}
			}
			if second := (i+1)%15 == 0; changed != second || outside {
				t.Fatalf("corner %d, %v: the clock changes: %v, outside: %v", corner, p.At, changed, outside)
			}
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	for name, s := range map[string]scenes.Scene{
		"still":   {Noise: 2, Clock: scenes.TopLeft},
		"denoise": {Noise: 2, Denoise: 0.5},
		"weather": {Noise: 2, Clouds: 0.05, Wind: 0.01, Rain: 0.3},
		"walker":  {Noise: 2, Walkers: []scenes.Walker{{Share: 0.05, Stands: 24 * time.Hour}}},
	} {
		for _, size := range []int{320, 640} {
			b.Run(fmt.Sprint(name, " ", size), func(b *testing.B) {
				s.Width, s.Height, s.Length = size, size*9/16, 1000*time.Hour
				b.ResetTimer()
				n := 0
				for range s.Pictures() {
					if n++; n > b.N {
						break
					}
				}
			})
		}
	}
}
