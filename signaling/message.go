package signaling

// Kind tells what a [Message] carries.
type Kind uint8

// The kinds of messages.
const (
	Offer        Kind = iota + 1 // an SDP offer: {"type":"offer","sdp":"…"}
	Answer                       // an SDP answer: {"type":"answer","sdp":"…"}
	ICECandidate                 // an ICE candidate: {"candidate":"…","sdpMid":"0","sdpMLineIndex":0}
	Rejected                     // the service refused a message that was sent; only received
)

// String returns "offer", "answer", "candidate" or "rejected".
func (k Kind) String() string {
	switch k {
	case Offer:
		return "offer"
	case Answer:
		return "answer"
	case ICECandidate:
		return "candidate"
	case Rejected:
		return "rejected"
	}
	return "message of unknown kind"
}

// Message is one signaling message.
type Message struct {
	Kind Kind

	// Peer is the client ID of the viewer that a master's message comes from or
	// goes to. For a viewer it is empty: its messages go to the master and come
	// from there. A master that has Config.Storage receives an empty one from the
	// storage service, and from nobody else.
	Peer string

	// Payload is the message's JSON, decoded from base64: a session description
	// or the RTCIceCandidateInit of browsers. What is received was not looked
	// into; an end-of-candidates mark ("null" or an empty candidate) is possible.
	Payload []byte

	// Err is the [RejectedError] of a Rejected message, nil otherwise.
	Err error
}
