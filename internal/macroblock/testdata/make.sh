#!/bin/sh
# Makes the streams of this directory, with ffmpeg's x264 and with GStreamer's OpenH264.
# Other versions of these write other bytes: then see that the tests against ffmpeg pass,
# and take over the sums that TestStreams prints.
set -eu
cd "$(dirname "$0")"
film="testsrc2=s=112x96:r=15:d=0.6,noise=alls=6:allf=t"
x264() { # name, options
	name=$1
	shift
	ffmpeg -nostdin -v error -y -f lavfi -i "$film" -pix_fmt yuv420p -c:v libx264 -threads 1 "$@" -bsf:v filter_units=remove_types=6 "$name"
}
x264 cavlc.h264 -profile:v baseline -preset slow -crf 32 -x264-params slices=2
x264 cavlc-b.h264 -preset slow -coder vlc -bf 2 -crf 32 -x264-params b-adapt=0
x264 small.h264 -profile:v baseline -preset veryslow -crf 28 -x264-params slice-max-size=150 -vf rotate=t
x264 cabac.h264 -preset slow -bf 0 -crf 32 -x264-params slices=2
x264 cabac-b.h264 -preset slow -bf 2 -crf 32 -x264-params b-adapt=0:weightb=1
/usr/bin/python3 - <<'PYTHON'
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
pipeline = Gst.parse_launch(
    "videotestsrc pattern=ball num-buffers=10 motion=wavy animation-mode=frames ! video/x-raw,width=112,height=96,framerate=15/1 ! "
    "openh264enc bitrate=60000 ! video/x-h264,stream-format=byte-stream,profile=high ! filesink location=openh264.h264")
pipeline.set_state(Gst.State.PLAYING)
pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
PYTHON
