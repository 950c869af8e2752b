package program

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Span defines a flag with a duration from least to most. A default of zero stands for
// none.
func (f *Flags) Span(name string, value, least, most time.Duration, usage string) *time.Duration {
	f.Var(span{&value, least, most}, name, usage)
	return &value
}

type span struct {
	value       *time.Duration
	least, most time.Duration
}

func (s span) String() string {
	if s.value == nil || *s.value == 0 {
		return ""
	}
	return s.value.String()
}

func (s span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < s.least || d > s.most {
		return fmt.Errorf("want a duration from %v to %v, 90s or 1h30m for example", s.least, s.most)
	}
	*s.value = d
	return nil
}

// Share defines a flag with a number above 0, to 1. A default of zero stands for none.
func (f *Flags) Share(name string, value float64, usage string) *float64 {
	f.Var(share{&value}, name, usage)
	return &value
}

type share struct{ value *float64 }

func (s share) String() string {
	if s.value == nil || *s.value == 0 {
		return ""
	}
	return strconv.FormatFloat(*s.value, 'g', -1, 64)
}

func (s share) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v <= 1) {
		return errors.New("want a number above 0, to 1, 0.5 for example")
	}
	*s.value = v
	return nil
}

// units are the letters that may stand behind a number of bytes.
const units = "kMGT"

// Size defines a flag with a number of bytes of at least least: 500M, 32G. A unit is a
// thousand times the one before it, as of storage. The default is zero, which stands for
// none.
func (f *Flags) Size(name string, least int64, usage string) *int64 {
	value := new(int64)
	f.Var(size{value, least}, name, usage)
	return value
}

type size struct {
	value *int64
	least int64
}

func (s size) String() string {
	if s.value == nil || *s.value == 0 {
		return ""
	}
	return strconv.FormatInt(*s.value, 10)
}

func (s size) Set(text string) error {
	number, times := strings.TrimSuffix(text, "B"), int64(1)
	if n := len(number); n > 0 {
		if i := strings.IndexByte(units, number[n-1]); i >= 0 {
			number = number[:n-1]
			for range i + 1 {
				times *= 1000
			}
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > 1<<62/times || n*times < s.least {
		return fmt.Errorf("want a number of bytes, 500M or 32G for example, of at least %dM", (s.least+999_999)/1_000_000)
	}
	*s.value = n * times
	return nil
}
