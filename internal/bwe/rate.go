package bwe

const (
	bucketTime = 25_000 // microseconds
	buckets    = 84     // a little more than two seconds
)

// rate counts bytes over the last two seconds. Times are in microseconds.
type rate struct {
	bytes [buckets]uint32
	from  int64 // first time
	last  int64 // newest time
	begun bool
}

func (r *rate) add(at int64, size int) {
	if !r.begun || at-r.last > 10*buckets*bucketTime || r.last-at > buckets*bucketTime {
		*r = rate{begun: true, from: at, last: at}
	}
	for b := r.last/bucketTime + 1; b <= at/bucketTime && b <= r.last/bucketTime+buckets; b++ {
		r.bytes[index(b)] = 0
	}
	r.last = max(r.last, at)
	r.bytes[index(at/bucketTime)] += uint32(size)
}

func index(bucket int64) uint64 { return uint64(bucket) % buckets }

// over returns the rate in bits per second over the last span before the newest
// time, 0 if unknown.
func (r *rate) over(span int64) float64 { return r.between(r.last-span, r.last) }

// between returns the rate from the bucket of from on until to.
func (r *rate) between(from, to int64) float64 {
	from = max(from, r.from, to-(buckets-2)*bucketTime)
	first := from / bucketTime
	if start := first * bucketTime; start > r.from {
		from = start
	}
	if !r.begun || to-from < 20_000 {
		return 0
	}
	var sum int64
	for b := first; b <= min(r.last, to)/bucketTime; b++ {
		sum += int64(r.bytes[index(b)])
	}
	return float64(sum) * 8e6 / float64(to-from)
}

// recent is the rate over the last second or the last two before now, whichever
// is higher: a second may lack the key frame.
func (r *rate) recent(now int64) float64 {
	return max(r.between(now-1_000_000, now), r.between(now-2_000_000, now))
}

// least is the least value of a time, or of up to twice that time.
type least struct {
	begun           bool
	since           int64
	current, before int64
}

// add takes a value and returns how far it is above the least one.
func (l *least) add(at, v, life int64) int64 {
	if !l.begun {
		*l = least{begun: true, since: at, current: v, before: v}
	}
	if at-l.since > life {
		l.since, l.before, l.current = at, l.current, v
	}
	l.current = min(l.current, v)
	l.before = min(l.before, v)
	return v - l.before
}

// train is the newest packets of a path: how close they follow each other while
// they queue tells its rate.
type train struct {
	at   [16]int64
	size [16]int32
	n    uint32
}

func (t *train) add(at int64, size int) {
	t.at[t.n%16], t.size[t.n%16] = at, int32(size)
	t.n++
}

// rate returns the rate in bits per second of the last 40 ms, 0 if unknown.
func (t *train) rate() float64 {
	if t.n < 4 {
		return 0
	}
	newest := t.at[(t.n-1)%16]
	var bytes int32
	for k := uint32(1); k < min(t.n, 16); k++ {
		bytes += t.size[(t.n-k)%16]
		span := newest - t.at[(t.n-k-1)%16]
		if k >= 3 && span >= 40_000 || k == 15 && span >= 10_000 {
			return float64(bytes) * 8e6 / float64(span)
		}
	}
	return 0
}
