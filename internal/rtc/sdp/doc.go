// Package sdp reads the session descriptions and candidates of peers, chooses what
// of an offer is served, and writes the answer.
//
// A description is parsed once into a [Description], tolerantly: a line that is
// odd is left out and the rest counts. [Choose] decides what is served, as a
// [Choice], from which come the offer as pion gets it ([Choice.Remote]: always
// the same sections and payload types, whatever the peer's look like) and the
// answer that the peer gets ([Choice.Answer]). The answer is read again and
// compared with the offer and with what will be sent before it goes out. So there
// is one parser, and pion never sees a peer's text.
//
// RFC 3264 (offer and answer), RFC 8866 (SDP), RFC 8829 (JSEP), RFC 8843 (BUNDLE),
// RFC 8842 (DTLS roles), RFC 8839 (ICE).
package sdp
