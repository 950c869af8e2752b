package ingest

import (
	"io"
	"time"
)

// bodyReader reads what the producer sends, no faster than it may.
type bodyReader struct {
	conn  *Connection
	r     io.Reader
	since time.Time // start of the count
	count int64     // bytes
}

func (b *bodyReader) Read(p []byte) (int, error) {
	c := b.conn
	if err := c.proceed(0); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if c.isOver() {
		return 0, errEnded
	}
	now := time.Now()
	if n > 0 {
		c.mu.Lock()
		c.last, c.idleAcked = now, now
		c.mu.Unlock()
	}
	if rate := c.endpoint.cfg.UploadBytes; rate > 0 && err == nil {
		if now.Sub(b.since) > time.Second {
			b.since, b.count = now, 0
		}
		b.count += int64(n)
		if ahead := time.Duration(float64(b.count)/float64(rate)*float64(time.Second)) - now.Sub(b.since); ahead > 0 && b.count > int64(rate)/10 {
			err = c.proceed(ahead)
		}
	}
	return n, err
}
