package bitstream

import (
	"bytes"
	"strings"
	"testing"
)

func TestCheckAudio(t *testing.T) {
	adts := append(unhex(t, "fff14c8003fffc"), make([]byte, 24)...) // of 31 bytes
	loas := append(unhex(t, "56e005"), 1, 2, 3, 4, 5)
	long := func(toc string, n int) []byte { return append(unhex(t, toc), bytes.Repeat([]byte{7}, n)...) }
	for name, c := range map[string]struct {
		check func([]byte) error
		data  []byte
		err   string
	}{
		"AAC":                   {CheckAAC, unhex(t, "2110048000"), ""},
		"AAC of one byte":       {CheckAAC, []byte{0xff}, ""},
		"ADTS":                  {CheckAAC, adts, "ADTS header"},
		"ADTS and more":         {CheckAAC, append(bytes.Clone(adts), adts...), "ADTS header"},
		"begins like ADTS":      {CheckAAC, adts[:30], ""},
		"LOAS":                  {CheckAAC, loas, "LOAS"},
		"begins like LOAS":      {CheckAAC, append(loas, 6), ""},
		"one frame":             {CheckOpus, long("fc", 1275), ""},
		"DTX":                   {CheckOpus, unhex(t, "fc"), ""},
		"2,000 bytes":           {CheckOpus, long("fc", 1999), "1999 bytes; at most 1275"},
		"two frames":            {CheckOpus, long("fd", 2000), ""},
		"two of odd length":     {CheckOpus, long("fd", 2001), "do not add up"},
		"two long ones":         {CheckOpus, long("fd", 2600), "1300 bytes; at most 1275"},
		"two lengths":           {CheckOpus, long("fe02", 9), ""},
		"two lengths, long":     {CheckOpus, long("fefcfc", 1300), ""},
		"two lengths, too long": {CheckOpus, long("fe09", 3), "do not add up"},
		"two lengths, none":     {CheckOpus, unhex(t, "fe"), "do not add up"},
		"six of 20 ms":          {CheckOpus, long("ff06", 60), ""},
		"seven of 20 ms":        {CheckOpus, long("ff07", 70), "7 frames of 20 ms"},
		"three of 60 ms":        {CheckOpus, long("1b03", 60), "3 frames of 60 ms"},
		"48 of 2.5 ms":          {CheckOpus, long("8330", 48), ""},
		"no frames":             {CheckOpus, long("ff00", 60), "0 frames"},
		"no count":              {CheckOpus, unhex(t, "ff"), "do not add up"},
		"unequal":               {CheckOpus, long("ff03", 61), "do not add up"},
		"padding":               {CheckOpus, long("ff43ff01", 255+60), ""},
		"padding alone":         {CheckOpus, long("ff43fe", 10), "do not add up"},
		"padding without end":   {CheckOpus, unhex(t, "ff43ffffff"), "do not add up"},
		"of lengths":            {CheckOpus, long("ff830203", 10), ""},
		"of lengths, cut off":   {CheckOpus, long("ff830203", 4), "do not add up"},
		"of lengths, none":      {CheckOpus, unhex(t, "ff8302"), "do not add up"},
		"of lengths, too long":  {CheckOpus, long("ff820a", 10+1276), "1276 bytes"},
		"empty":                 {CheckOpus, nil, "empty"},
		"ADTS in Opus":          {CheckOpus, adts, "AAC with an ADTS header"},
	} {
		err := c.check(c.data)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want an error of %q", name, err, c.err)
		}
	}
}

func FuzzCheckAudio(f *testing.F) {
	for _, s := range []string{"fff14c8003fffc", "ff43ff01", "ff830203", "fefcfc", "56e00501"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = CheckAAC(b)
		if err := CheckOpus(b); err == nil && (len(b) == 0 || b[0]&3 < 3 && len(b) > 3+2*maxOpusFrame) {
			t.Fatalf("%d bytes are an Opus packet", len(b))
		}
	})
}
