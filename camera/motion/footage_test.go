package motion_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/internal/testing/encoders"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestFootage prints how well the level tells pictures of a real film in which something moves
// from those in which nothing does (area under the curve: 1 always, 0.5 not at all): for pieces
// of the film that SMARTCAM_FOOTAGE names that have quiet time.
func TestFootage(t *testing.T) {
	var b strings.Builder
	for _, sizes := range []bool{false, true} {
		for _, m := range []encoders.Encoder{{}, {Control: encoders.CBR, Bitrate: 300_000}, {Program: encoders.X265}} {
			var areas []float64
			for n := range encoders.Crops {
				film := encoders.Crop(t, n)
				d, err := motion.New(motion.Config{SizesAlone: sizes})
				if err != nil {
					t.Fatal(err)
				}
				var active, quiet []float64
				i := 0
				for range d.Events(func(yield func(kvsmedia.Frame) bool) {
					for f := range encoders.Encode(t, film.Film, m) {
						if !yield(f) {
							return
						}
						near := film.Changed[max(i-film.Rate/2, 0):min(i+film.Rate/2, len(film.Changed))]
						switch {
						case i < 15*film.Rate: // it learns
						case mean(near) > 0.004:
							active = append(active, d.Level())
						case slices.Max(near) < 0.0004:
							quiet = append(quiet, d.Level())
						}
						i++
					}
				}) {
					continue
				}
				if len(quiet) >= 20 && len(active) >= 20 {
					areas = append(areas, area(active, quiet))
				}
			}
			slices.Sort(areas)
			fmt.Fprintf(&b, "%v, sizes alone %v: median %.2f of %.2f\n", m, sizes, areas[len(areas)/2], areas)
		}
	}
	t.Log("\n" + b.String())
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// area returns the share of pairs in which the active value is the greater one; of equal ones
// half count.
func area(active, quiet []float64) float64 {
	n := 0.0
	for _, a := range active {
		for _, q := range quiet {
			switch {
			case a > q:
				n++
			case a == q:
				n += 0.5
			}
		}
	}
	return n / float64(len(active)*len(quiet))
}
