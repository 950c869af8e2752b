package bitstream

// maxSEI is how much of a NAL unit of supplemental information is read, in bytes.
// Recovery points stand at its beginning; what may be long are the user's data.
const maxSEI = 1 << 10

const seiRecoveryPoint = 6 // payloadType, H.264 D.1.1, H.265 D.2.1

// recovery is what a recovery point message says: that pictures are right from
// here on if decoding began here.
type recovery uint8

const (
	noRecovery   recovery = iota
	recoversHere          // with this picture
	recoversLate          // some pictures later: a gradual refresh
)

// recoveryPoint looks for a recovery point message (H.264 D.1.8, H.265 D.2.8) in a NAL
// unit of supplemental information.
func (c Codec) recoveryPoint(nalu []byte) recovery {
	var raw [maxSEI]byte
	b := raw[:unescape(raw[:], nalu[min(int(c), len(nalu)):])] // the header has one byte in H.264, two in H.265
	for len(b) > 2 {
		kind, rest := seiNumber(b)
		size, rest := seiNumber(rest)
		if kind == seiRecoveryPoint {
			r := bitReader{b: rest[:min(size, len(rest))]}
			late := r.u(1) == 0 // recovery_frame_cnt, ue(v), and recovery_poc_cnt, se(v), are 0 in one bit
			switch {
			case r.bad:
				return noRecovery
			case late:
				return recoversLate
			}
			return recoversHere
		}
		if size >= len(rest) {
			break
		}
		b = rest[size:]
	}
	return noRecovery
}

// seiNumber reads payloadType or payloadSize (H.264 7.3.2.3.1).
func seiNumber(b []byte) (n int, rest []byte) {
	for len(b) > 0 {
		x := b[0]
		b = b[1:]
		n += int(x)
		if x != 0xff {
			break
		}
	}
	return n, b
}
