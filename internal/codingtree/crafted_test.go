package codingtree

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/cabac"
	"github.com/smartcam-sdk/smartcam/internal/cabac/cabactest"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// crafted writes pictures of 7 x 5 coding trees of 16x16 pixels, in which coding units of 16x16
// or 8x8 pixels are skipped, samples, or predicted from within without residual.
type crafted struct {
	random         *rand.Rand
	dependent      bool // some slices go on with the one before
	sync           bool
	columns, rows  []int // of tiles, if there are
	slices         int   // about, of a picture
	bypass         bool  // transquant_bypass_enabled_flag
	e              *cabactest.Encoder
	saved, carried [cabac.Contexts]uint8
	depth, skip    [10 * 14]int // of blocks of 8x8
	slice, tile    [5 * 7]int   // of coding trees; slices are -1 until they are written
	kinds          []macroblock.Kind
}

const across, down = 7, 5

func (c *crafted) sets() [][]byte {
	level := u(2, 0) + "0" + u(5, 1) + "01100000000000000000000000000000" + "1001" + u(32, 0) + u(12, 0) + u(8, 93)
	vps := u(4, 0) + "11" + u(6, 0) + u(3, 0) + "1" + u(16, 0xffff) + level + "1" + ue(1) + ue(0) + ue(0) + u(6, 0) + ue(0) + "00"
	sps := u(4, 0) + u(3, 0) + "1" + level + ue(0) + ue(1) + ue(across*16) + ue(down*16) + "0" + ue(0) + ue(0) + ue(0) + "1" + ue(1) + ue(0) + ue(0) +
		ue(0) + ue(1) + ue(0) + ue(2) + ue(0) + ue(0) + "000" + "1" + u(4, 7) + u(4, 7) + ue(0) + ue(1) + "1" + ue(0) + "00000"
	pps := ue(0) + ue(0) + flag(c.dependent) + "0" + u(3, 0) + "00" + ue(0) + ue(0) + ue(0) + "000" + ue(0) + ue(0) + "000" + flag(c.bypass) +
		flag(c.columns != nil) + flag(c.sync)
	if c.columns != nil {
		pps += ue(len(c.columns)-1) + ue(len(c.rows)-1) + "0"
		for _, sizes := range [][]int{c.columns, c.rows} {
			for _, n := range sizes[:len(sizes)-1] {
				pps += ue(n - 1)
			}
		}
		pps += "0"
	}
	pps += "0000" + ue(0) + "00"
	return [][]byte{nal(32, trailed(vps)), nal(33, trailed(sps)), nal(34, trailed(pps))}
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// order returns the coding trees in the order of tiles.
func (c *crafted) order() (order []int) {
	columns, rows := c.columns, c.rows
	if columns == nil {
		columns, rows = []int{across}, []int{down}
	}
	y := 0
	for i, h := range rows {
		x := 0
		for j, w := range columns {
			for v := y; v < y+h; v++ {
				for u := x; u < x+w; u++ {
					order = append(order, v*across+u)
					c.tile[v*across+u] = i*len(columns) + j
				}
			}
			x += w
		}
		y += h
	}
	return order
}

// near reports whether the coding tree at x, y counts for another.
func (c *crafted) near(at, x, y int) bool {
	return x >= 0 && y >= 0 && x < across && c.slice[y*across+x] == c.slice[at] && c.tile[y*across+x] == c.tile[at]
}

// picture returns the slices of a picture; n is its number.
func (c *crafted) picture(n int) (nalus [][]byte) {
	order := c.order()
	for i := range c.slice {
		c.slice[i] = -1
	}
	c.kinds = make([]macroblock.Kind, len(order))
	whole, from := 0, 0 // where the slice and the segment begin
	for from < len(order) {
		to := len(order)
		if c.slices > 1 {
			if to = min(from+1+c.random.IntN(2*len(order)/c.slices), to); c.columns != nil { // slices hold whole tiles
				for to < len(order) && c.tile[order[to]] == c.tile[order[to-1]] {
					to++
				}
			}
		}
		if x := order[from] % across; c.sync && x > 0 { // they end in the row that they begin within
			to = min(to, from+across-x)
		}
		dependent := from > 0 && c.dependent && c.random.IntN(2) == 0
		if x := order[from] % across; c.sync && x == 0 && from > 0 && c.slice[order[from]-across+1] != whole {
			dependent = false // ffmpeg takes the contexts of another slice then
		}
		if !dependent {
			whole = from
		}
		nalus = append(nalus, c.segment(n, order, whole, from, to, dependent))
		from = to
	}
	return nalus
}

func (c *crafted) segment(n int, order []int, whole, from, to int, dependent bool) []byte {
	header := flag(from == 0)
	type_, kind := 1, 1
	if n == 0 {
		type_, kind = 19, 0
		header += "0"
	}
	header += ue(0)
	if from > 0 {
		if c.dependent {
			header += flag(dependent)
		}
		header += u(6, order[from])
	}
	if !dependent {
		header += ue(2 - kind)
		if n > 0 {
			header += u(4, n&15) + "0" + ue(1) + ue(0) + ue(0) + "1" + "0" + ue(4) // one reference, one candidate to merge with
		}
		header += ue(0)
	}
	var parts []string
	c.e = newEncoder(kind, 26)
	for i := from; i < to; i++ {
		at := order[i]
		c.slice[at] = whole
		x, y := at%across, at/across
		newTile := i == 0 || c.tile[order[i-1]] != c.tile[at]
		row := c.sync && (x == 0 || c.tile[at-1] != c.tile[at])
		if i > from && (newTile || row) {
			c.e.Terminate(1) // end_of_subset_one_bit
			c.e.Align()
			parts = append(parts, c.e.Bits.String())
			c.e.Bits.Reset()
			c.e.Restart()
		}
		switch fresh := newEncoder(kind, 26).Ctx; {
		case newTile:
			c.e.Ctx = fresh
		case row && c.near(at, x+1, y-1):
			c.e.Ctx = c.saved
		case row:
			c.e.Ctx = fresh
		case i == from && dependent:
			c.e.Ctx = c.carried
		}
		c.tree(kind, at)
		if x > 0 && c.tile[at-1] == c.tile[at] && (x == 1 || c.tile[at-2] != c.tile[at]) {
			c.saved = c.e.Ctx
		}
		c.e.Terminate(map[bool]int{true: 1}[i+1 == to])
	}
	c.carried = c.e.Ctx
	c.e.Align()
	parts = append(parts, c.e.Bits.String())
	if c.sync || c.columns != nil {
		header += ue(len(parts) - 1)
		if len(parts) > 1 {
			header += ue(31)
			for _, p := range parts[:len(parts)-1] {
				header += u(32, len(p)/8-1)
			}
		}
	}
	return nal(type_, trailed(header)+strings.Join(parts, ""))
}

func (c *crafted) tree(kind, at int) {
	x, y := at%across*2, at/across*2
	split := c.random.IntN(2)
	c.e.Bin(ctxSplit+c.around(at, x, y, func(i int) bool { return c.depth[i] > 0 }), split)
	n := 1
	if split == 1 {
		n = 4
	}
	for i := range n {
		c.unit(kind, at, x+i&1, y+i>>1, split)
	}
}

// around counts the blocks to the left and above of which something is so.
func (c *crafted) around(at, x, y int, is func(int) bool) (n int) {
	if (x&1 == 1 || c.near(at, x/2-1, y/2)) && is(y*2*across+x-1) {
		n++
	}
	if (y&1 == 1 || c.near(at, x/2, y/2-1)) && is((y-1)*2*across+x) {
		n++
	}
	return n
}

func (c *crafted) unit(kind, at, x, y, depth int) {
	e := c.e
	is := []macroblock.Kind{macroblock.Skipped, macroblock.IntraPCM, macroblock.Intra16x16}[c.random.IntN(3)]
	if kind == 0 && is == macroblock.Skipped {
		is = macroblock.Intra16x16
	}
	skip := 0
	if c.bypass {
		e.Bin(ctxBypass, c.random.IntN(2))
	}
	if is == macroblock.Skipped {
		skip = 1
	}
	if kind > 0 {
		e.Bin(ctxSkip+c.around(at, x, y, func(i int) bool { return c.skip[i] == 1 }), skip)
	}
	size := 2 - depth
	for v := y; v < y+size; v++ {
		for u := x; u < x+size; u++ {
			c.depth[v*2*across+u], c.skip[v*2*across+u] = depth, skip
		}
	}
	c.kinds[at] = max(c.kinds[at], is)
	if skip == 1 {
		return
	}
	if kind > 0 {
		e.Bin(ctxPredMode, 1)
	}
	if depth == 1 {
		e.Bin(ctxPart, 1)
	}
	if is == macroblock.IntraPCM {
		e.Terminate(1)
		e.Align()
		e.Bits.WriteString(strings.Repeat(u(8, sample), size*size*64*3/2))
		e.Restart()
		return
	}
	e.Terminate(0)
	e.Bin(ctxIntraLuma, 1)
	e.Bypass(0)
	e.Bin(ctxIntraChroma, 0)
	e.Bin(ctxChroma, 0)
	e.Bin(ctxChroma, 0)
	e.Bin(ctxLuma+1, 0)
}

const sample = 0x5a

// Tiles, rows whose data are apart, slices that go on with others, and samples: ffmpeg reads
// them as they were meant, and so does this package.
func TestCrafted(t *testing.T) {
	for name, c := range map[string]crafted{
		"slices":          {slices: 4},
		"dependent":       {slices: 6, dependent: true, bypass: true},
		"rows":            {sync: true},
		"rows, slices":    {sync: true, slices: 5},
		"rows, dependent": {sync: true, slices: 8, dependent: true},
		"tiles":           {columns: []int{3, 1, 3}, rows: []int{2, 3}},
		"tiles, slices":   {columns: []int{4, 3}, rows: []int{1, 4}, slices: 3, dependent: true},
		"tiles, rows":     {columns: []int{1, 2, 4}, rows: []int{3, 2}, sync: true}, // ffmpeg does not decode it
	} {
		t.Run(name, func(t *testing.T) {
			c.random = rand.New(rand.NewPCG(1, 2))
			p := parser{}
			var m macroblock.Map
			var stream []byte
			var want [][]macroblock.Kind
			for n := range 8 {
				au := c.picture(n)
				if n == 0 {
					au = append(c.sets(), au...)
				}
				stream = bitstream.AppendAnnexB(stream, au)
				want = append(want, c.kinds)
				if err := p.Picture(au, &m); err != nil {
					t.Fatalf("picture %d: %v", n, err)
				}
				var got []macroblock.Kind
				for _, b := range m.Blocks {
					if got = append(got, b.Kind); b.QP != 26 || b.Kind == macroblock.IntraPCM && (b.Bits < 96*8 || !b.Coded) {
						t.Errorf("%+v", b)
					}
				}
				if d := cmp.Diff(c.kinds, got); d != "" {
					t.Errorf("picture %d (-want +got)\n%s", n, d)
				}
			}
			if !c.sync || c.columns == nil {
				decoded(t, stream, want)
			}
		})
	}
}

// decoded fails unless what ffmpeg decodes has the samples where they should be.
func decoded(t *testing.T, stream []byte, want [][]macroblock.Kind) {
	t.Helper()
	testtools.Need(t, "ffmpeg")
	film := filepath.Join(t.TempDir(), "film.hevc")
	if err := os.WriteFile(film, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	raw := film + ".yuv"
	testtools.FFmpeg(t, "-threads 1 -xerror -err_detect explode -i", film, "-f", "rawvideo", "-pix_fmt", "yuv420p", raw)
	b, err := os.ReadFile(raw)
	const size = across * down * 256
	if err != nil || len(b) != len(want)*size*3/2 {
		t.Fatalf("ffmpeg decodes %d bytes, want %d, %v", len(b), len(want)*size*3/2, err)
	}
	row := bytes.Repeat([]byte{sample}, 8)
	for n, kinds := range want {
		for at, k := range kinds {
			found := 0
			for i := range 4 {
				from := n*size*3/2 + (at/across*16+i>>1*8)*across*16 + at%across*16 + i&1*8
				if bytes.Equal(b[from:from+8], row) {
					found++
				}
			}
			if k == macroblock.IntraPCM && found == 0 {
				t.Fatalf("picture %d: ffmpeg decodes no samples in coding tree %d", n, at)
			}
		}
	}
}

// The work for a picture is bounded, by its bytes and blocks.
func TestWork(t *testing.T) {
	c := crafted{random: rand.New(rand.NewPCG(1, 2))}
	var p parser
	var m macroblock.Map
	slice := c.picture(0)[0]
	if err := p.Picture(append(c.sets(), slice), &m); err != nil {
		t.Fatal(err)
	}
	bins, most := p.s.Bins, cabac.MaxBins(len(slice), len(m.Blocks))
	if bins < across*down || bins > most {
		t.Errorf("%d bins of at most %d", bins, most)
	}
	for over := range 2 {
		p.s.next, p.s.Bins = 0, most-bins+over
		if err := p.slice(&p.sets, slice, &m); (err != nil) != (over > 0) || p.s.Bins != most+over {
			t.Errorf("%d bins of at most %d: %v", p.s.Bins, most, err)
		}
	}
}

// Parameter sets that do not come, and slices out of order.
func TestRefused(t *testing.T) {
	c := crafted{random: rand.New(rand.NewPCG(1, 2)), slices: 4}
	sets := c.sets()
	whole := c.picture(0)
	wrong := bytes.Clone(sets[1])
	wrong[3] = 4 // general_profile_idc
	for _, x := range []struct {
		what        string
		au          [][]byte
		unsupported bool
	}{
		{"nothing", nil, false},
		{"sets alone", sets, false},
		{"a slice without sets", whole, false},
		{"a slice without an SPS", append([][]byte{sets[2]}, whole...), false},
		{"an extended profile", append([][]byte{wrong, sets[2]}, whole...), true},
		{"the first slice lost", append(sets[:3:3], whole[1:]...), false},
		{"the last slice lost", append(sets[:3:3], whole[:len(whole)-1]...), false},
		{"the first slice twice", append(append(sets[:3:3], whole[0]), whole...), false},
		{"an empty slice", append(sets[:3:3], []byte{2, 1}), false},
	} {
		var m macroblock.Map
		var p parser
		if err := p.Picture(x.au, &m); err == nil || errors.Is(err, errors.ErrUnsupported) != x.unsupported {
			t.Errorf("%s: %v", x.what, err)
		}
	}
}
