// Package ulid has IDs that sort by the time at which they were made, and makes them so that
// they grow also when the clock goes back.
package ulid

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"sync"
	"time"
)

// ID is a ULID: 48 bits of ms since 1970, then 80 random bits.
type ID [16]byte

// crockford is the alphabet of ULIDs (github.com/ulid/spec).
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// String returns the 26 characters of the ULID.
func (id ID) String() string {
	var wide [20]byte // 130 bits hold the 128: two zero bits go first
	carry := byte(0)
	for i, b := range id {
		wide[i] = carry | b>>2
		carry = b << 6
	}
	wide[16] = carry
	return crockford.EncodeToString(wide[:])[:26]
}

// Parse reads what String writes, lower case too.
func Parse(s string) (ID, error) {
	wrong := errors.New("ulid: not a ULID: 26 characters of Crockford's base 32 are wanted")
	if len(s) != 26 || s[0] > '7' {
		return ID{}, wrong
	}
	upper := []byte(s + "000000")
	for i, c := range upper {
		if 'a' <= c && c <= 'z' {
			upper[i] = c - 'a' + 'A'
		}
	}
	var wide [20]byte
	if n, err := crockford.Decode(wide[:], upper); err != nil || n != len(wide) {
		return ID{}, wrong
	}
	var id ID
	for i := range id {
		id[i] = wide[i]<<2 | wide[i+1]>>6
	}
	return id, nil
}

// IsZero reports whether id is none.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText returns what String does; nothing for the zero ID.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (id *ID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	*id, err = Parse(string(b))
	return err
}

// IDs makes IDs that grow, also when the clock goes back. The zero value is ready; its
// method may be called concurrently.
type IDs struct {
	mu   sync.Mutex
	last ID
}

// New returns an ID of the time now, which may be the zero Time. It is greater than those
// before it: where now is not later than theirs, it counts on from the last one.
func (g *IDs) New(now time.Time) ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	ms := uint64(max(now.UnixMilli(), 0)) & (1<<48 - 1)
	if last := binary.BigEndian.Uint64(g.last[:8]) >> 16; ms <= last && !g.last.IsZero() {
		for i := len(g.last) - 1; i >= 0; i-- {
			if g.last[i]++; g.last[i] != 0 {
				break
			}
		}
		return g.last
	}
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], ms<<16)
	_, _ = rand.Read(g.last[:]) // it never fails (Go 1.24)
	copy(g.last[:6], head[:6])
	g.last[6] &= 0x7f // room to count on
	return g.last
}
