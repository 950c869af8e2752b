package packet

// Format says what of a track is sent to a peer and how, as it was negotiated.
type Format struct {
	Lane  int   // of the ring; the best rendition that the peer can take
	On    bool  // false while the peer wants none, or has paused
	PT    uint8 // payload type
	RTX   uint8 // payload type of retransmissions (RFC 4588); 0 for a peer without them
	TWCC  uint8 // id of the transport-wide sequence number extension; 0 for none
	Limit int   // bits per second that the peer asked not to be exceeded; 0 for none
}
