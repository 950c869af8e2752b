// Package nalu turns NAL units of H.264 and H.265, as RTP, MP4 files and the
// interfaces of encoders hand them out, into access units: what one
// [kvsmedia.Frame] of a camera holds. A firmware whose encoder returns whole access
// units, or writes Annex B to a pipe ([kvsmedia.AccessUnits]), does not need it.
//
//	pictures, err := nalu.NewAssembler(kvsmedia.H264)
//	...
//	pictures.SetParameters(sps, pps)    // of the SDP or the avcC record, if there is one
//	for n, rtpTime := range depacketised {
//		if au, ok := pictures.Push(n, rtpTime); ok && au.Err == nil {
//			write(au.Data, au.Key, au.Stamp)
//		}
//	}
//	if au, ok := pictures.Flush(); ok && au.Err == nil { // the last picture
//		write(au.Data, au.Key, au.Stamp)
//	}
//
// An access unit comes in Annex B, checked to hold exactly one picture, a key frame
// with its parameter sets. Nothing is decoded. Everything here takes bytes from
// outside: sizes are bounded, and nothing panics.
package nalu
