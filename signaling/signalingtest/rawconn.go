package signalingtest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
)

// hijacker hands the connection out as a rawConn.
type hijacker struct {
	http.ResponseWriter
	enter func() bool // called just before the client is told that it is connected
	conn  *rawConn
}

// Hijack takes the connection over from the HTTP server.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !h.enter() {
		panic(http.ErrAbortHandler)
	}
	nc, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := rw.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	early = slices.Clone(early)
	h.conn = &rawConn{Conn: nc}
	r := bufio.NewReader(io.MultiReader(bytes.NewReader(early), h.conn))
	if len(early) > 0 {
		if _, err := r.Peek(1); err != nil { // fills the buffer, from which the WebSocket takes over
			return nil, nil, err
		}
	}
	return h.conn, bufio.NewReadWriter(r, bufio.NewWriter(h.conn)), nil
}

// rawConn is a connection that can fail as networks do.
type rawConn struct {
	net.Conn
	stalled atomic.Bool
}

// Read waits for ever once the connection is stalled, until it is closed.
func (c *rawConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.stalled.Load() {
			return n, err
		}
	}
}

// Write loses everything once the connection is stalled.
func (c *rawConn) Write(p []byte) (int, error) {
	if c.stalled.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// drop resets the connection, without TLS alert or close frame.
func (c *rawConn) drop() {
	nc := c.Conn
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // at worst the peer sees an orderly end
	}
	_ = nc.Close()
}
