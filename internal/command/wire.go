package command

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Label is the label of the data channel that carries the protocol.
const Label = "smartcam"

// Notices of the camera itself.
const (
	NoticePrivacy      = "privacy"      // privacy was switched on or off: {"on":true}
	NoticeDisconnected = "disconnected" // the camera ends the session: {"code":"…","reason":"…"}
)

// Limits of the protocol, in bytes.
const (
	// MaxMessage is the size of the largest JSON message.
	MaxMessage = 1 << 20

	// MaxPiece is the size of the largest channel message that is sent: 16 KiB,
	// which does not hold up other channels (RFC 8831, section 6.6).
	MaxPiece = 16 << 10
)

// Errors of a session.
var (
	// ErrTooLarge tells that a JSON message has more than MaxMessage bytes.
	ErrTooLarge = errors.New("message is larger than 1 MiB")

	// ErrProtocol tells that the other side broke the protocol; its peer should be closed.
	ErrProtocol = errors.New("command protocol violated")
)

// First bytes of channel messages.
const (
	kindWhole = '{'
	kindMore  = '+'
	kindLast  = '.'
)

// message is any JSON message; the shapes of the package documentation are
// told apart by the keys that are there.
type message struct {
	ID     uint64          `json:"id,omitempty"`
	Call   string          `json:"call,omitempty"`
	Notice string          `json:"notice,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Reply  json.RawMessage `json:"reply,omitempty"`
	Error  *refusal        `json:"error,omitempty"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (m *message) encode() ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(data) > MaxMessage {
		return nil, ErrTooLarge
	}
	return data, nil
}

// assembler makes JSON messages of incoming channel messages.
type assembler struct{ pieces []byte }

// add returns the JSON message that data completes, or nil if it completes
// none. The message is valid until data changes.
func (a *assembler) add(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: empty channel message", ErrProtocol)
	}
	switch data[0] {
	case kindWhole:
		if len(data) > MaxMessage {
			return nil, fmt.Errorf("%w: %w", ErrProtocol, ErrTooLarge)
		}
		return data, nil
	case kindMore, kindLast:
		if len(a.pieces)+len(data)-1 > MaxMessage {
			return nil, fmt.Errorf("%w: %w", ErrProtocol, ErrTooLarge)
		}
	default:
		return nil, fmt.Errorf("%w: channel message starts with byte %#02x", ErrProtocol, data[0])
	}
	last := data[0] == kindLast
	if last && len(data) == 1 {
		a.pieces = nil
		return nil, nil
	}
	a.pieces = append(a.pieces, data[1:]...)
	if !last {
		return nil, nil
	}
	whole := a.pieces
	a.pieces = nil
	return whole, nil
}

// cut calls send with the pieces of a JSON message, in order.
func cut(data []byte, send func(piece []byte) error) error {
	const room = MaxPiece - 1
	buf := make([]byte, 0, MaxPiece)
	for len(data) > 0 {
		kind, n := byte(kindMore), room
		if len(data) <= room {
			kind, n = kindLast, len(data)
		}
		buf = append(append(buf[:0], kind), data[:n]...)
		if err := send(buf); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
