package cabac_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/cabac"
	"github.com/smartcam-sdk/smartcam/internal/cabac/cabactest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pack makes bytes of bits, and padding.
func pack(bits string) (b []byte) {
	for ; len(bits) >= 8; bits = bits[8:] {
		x, _ := strconv.ParseUint(bits[:8], 2, 8)
		b = append(b, byte(x))
	}
	return append(b, make([]byte, 8)...)
}

// What an encoder wrote is decoded: likely and unlikely bins, those of even odds, and data that
// follow others.
func TestDecoder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var d cabac.Decoder
	for i := range cabac.Contexts {
		d.SetContext(i, r.IntN(200)-30)
	}
	e := cabactest.New(&d)
	type bin struct{ ctx, b int } // ctx -1: of even odds
	var parts [2][]bin
	at := [2]int{}
	for i := range parts {
		at[i] = e.Bits.Len() / 8
		e.Restart()
		for range 20000 {
			x := bin{r.IntN(cabac.Contexts+20) - 20, 0}
			if r.IntN(10) == 0 {
				x.b = 1
			}
			if x.ctx = max(x.ctx, -1); x.ctx < 0 {
				e.Bypass(x.b)
			} else {
				e.Bin(x.ctx, x.b)
			}
			e.Terminate(0)
			parts[i] = append(parts[i], x)
		}
		e.Terminate(1)
		e.Align()
	}
	data := pack(e.Bits.String())
	counted := 0
	for i, part := range parts {
		d.Restart(data, at[i])
		for n, x := range part {
			got := 0
			if x.ctx < 0 {
				got = d.Bypass()
			} else {
				got = d.Bin(x.ctx)
				counted++
			}
			if got != x.b || d.Terminate() {
				t.Fatalf("bin %d of part %d is %d, want %d", n, i, got, x.b)
			}
		}
		if !d.Terminate() || d.Bad {
			t.Errorf("part %d does not end", i)
		}
		if end := [2]int{at[1], len(data) - 8}[i] * 8; d.Position() > end || d.Position() <= end-8 {
			t.Errorf("part %d ends at bit %d of %d", i, d.Position(), end)
		}
	}
	if d.Bins != counted {
		t.Errorf("%d bins were counted, of %d", d.Bins, counted)
	}
}

// Numbers of even odds, up to the bound of what they may be.
func TestNumbers(t *testing.T) {
	var d cabac.Decoder
	e := cabactest.New(&d)
	put := func(bits string) {
		for _, b := range bits {
			e.Bypass(int(b - '0'))
		}
	}
	put("10110" + "1110" + "111" + "0" + "10" + "1" + "11110" + "010101" + "1111111111111111111111")
	e.Terminate(1)
	e.Align()
	d.Restart(pack(e.Bits.String()), 0)
	got := []int{d.Number(5), d.Unary(8), d.Unary(3), d.Golomb(0), d.Golomb(0), d.Golomb(2)}
	for i, want := range []int{22, 3, 3, 0, 2, 4 + 8 + 16 + 32 + 21} {
		if got[i] != want {
			t.Errorf("number %d is %d, want %d", i, got[i], want)
		}
	}
	if d.Bad || d.Golomb(0) != 0 || !d.Bad {
		t.Error("a number that is too large is taken")
	}
}

// Data that end too early are bad, and nothing is read behind them.
func TestEnd(t *testing.T) {
	var d cabac.Decoder
	d.Restart(make([]byte, 64), 0)
	for n := 0; !d.Bad; n++ {
		if d.Bypass(); n > 64*8 {
			t.Fatal("more bits than there are")
		}
	}
	d.Bin(0)
	if d.Terminate(); d.Position() > (64+8)*8 {
		t.Errorf("at bit %d of %d", d.Position(), 64*8)
	}
}
