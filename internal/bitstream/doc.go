// Package bitstream reads the elementary streams of cameras: H.264 and H.265
// access units, their NAL units, parameter sets and slice headers, the
// AudioSpecificConfig of AAC, and the lengths in Opus packets.
//
// # Framing
//
// A video access unit comes in one of two framings. In Annex B (ITU-T H.264 and
// H.265) a start code of three or four bytes stands before each NAL unit: what
// encoders write to pipes and files. Length-prefixed (ISO/IEC 14496-15), as in
// MP4 and Matroska, each NAL unit follows its length, and the parameter sets
// stand in a record, avcC or hvcC. [Split] and [SplitPrefixed] take an access
// unit apart without copying, [AppendAnnexB] and [AppendPrefixed] put it
// together, [Detect] tells which it is.
//
// # Access units
//
// [AccessUnits] cuts a stream without timestamps, such as the pipe from an encoder, into
// access units. [Units] puts them together from NAL units with timestamps, as RTP brings
// them.
//
// # Parameter sets
//
// A decoder can begin only with SPS and PPS (and VPS in H.265). [ParameterSets]
// remembers them as they pass, repeats them on key frames that come without,
// and builds the record. [ParseSPS] says what is in the picture.
//
// # Pictures
//
// [ParameterSets.Inspect] reads the headers of an access unit's slices: whether it holds
// one whole picture of the codec, whether decoding can start there, and whether pictures
// come in another order than the one in which they are shown. [ParameterSets.AppendSlices]
// says how each slice is coded. Of these no more than the first bytes is looked at;
// [ParameterSets.SliceHeader] reads a header to where the macroblocks begin. [CheckAAC] and
// [CheckOpus] look at packets of sound. Nothing is decoded.
//
// Everything here takes bytes from outside: sizes are bounded, what makes no
// sense is an error or is ignored, and nothing panics. Slices that are handed
// in are not kept and not changed.
package bitstream
