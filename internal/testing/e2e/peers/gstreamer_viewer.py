# GStreamer's webrtcbin as a viewer, which makes the offer and decodes the media.
#
# The job: {"policy": "none", "video": true, "audio": "recvonly"}. policy is
# webrtcbin's bundle-policy; audio is "", "recvonly", or "sendrecv" with a tone.

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

import lines

VIDEO = (
    "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96,"
    "packetization-mode=(string)1,profile-level-id=(string)42e01f,rtcp-fb-nack=true,rtcp-fb-nack-pli=true"
)
AUDIO = "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=97,encoding-params=(string)2"
TONE = "audiotestsrc is-live=true wave=sine ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=97 ! capsfilter caps=" + AUDIO
ELEMENTS = ("webrtcbin", "nicesrc", "dtlsenc", "srtpenc", "rtph264depay", "h264parse", "openh264dec", "opusenc", "opusdec", "audiotestsrc")
DECODE = {
    "H264": "rtph264depay ! h264parse name=parse ! openh264dec name=decode ! fakesink sync=false",
    "OPUS": "rtpopusdepay name=parse ! opusdec name=decode ! fakesink sync=false",
}

# PyGObject looks names up when they are first used, and not safely on two
# threads: what streaming threads use is looked up here, and by one at a time.
SOURCE, PASS, BUFFER, DELTA = Gst.PadDirection.SRC, Gst.PadProbeReturn.OK, Gst.PadProbeType.BUFFER, Gst.BufferFlags.DELTA_UNIT
decoding = threading.Lock()

Gst.init(None)
missing = [name for name in ELEMENTS if not Gst.ElementFactory.find(name)]
if missing:
    sys.exit("GStreamer lacks " + ", ".join(missing))
job = lines.job()
loop = GLib.MainLoop()
counts = {"pictures": 0, "keys": 0, "sounds": 0}


def fail(text):
    lines.write("failure", text)
    loop.quit()


pipeline = Gst.Pipeline.new()
peer = Gst.ElementFactory.make("webrtcbin")
peer.set_property("bundle-policy", job["policy"])
pipeline.add(peer)
receive = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
if job["video"]:
    peer.emit("add-transceiver", receive, Gst.Caps.from_string(VIDEO))
if job["audio"] == "recvonly":
    peer.emit("add-transceiver", receive, Gst.Caps.from_string(AUDIO))
if job["audio"] == "sendrecv":
    tone = Gst.parse_bin_from_description(TONE, True)
    pipeline.add(tone)
    tone.link(peer)


def offer(_):
    peer.disconnect_by_func(offer)  # one offer is all

    def made(promise, _):
        reply = promise.get_reply()
        if reply.has_field("error"):
            return fail("no offer: " + reply.get_value("error").message)
        description = reply.get_value("offer")
        peer.emit("set-local-description", description, Gst.Promise.new())
        lines.write("offer", {"type": "offer", "sdp": description.sdp.as_text()})

    peer.emit("create-offer", None, Gst.Promise.new_with_change_func(made, None))


def answered(promise, _):
    reply = promise.get_reply()
    if reply and reply.has_field("error"):
        fail("the answer cannot be applied: " + reply.get_value("error").message)


def handle(kind, payload):
    if kind == "answer":
        _, sdp = GstSdp.SDPMessage.new_from_text(payload["sdp"])
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        peer.emit("set-remote-description", answer, Gst.Promise.new_with_change_func(answered, None))
    elif kind == "candidate" and payload and payload["candidate"]:
        peer.emit("add-ice-candidate", payload["sdpMLineIndex"], payload["candidate"])


def decode(_, pad):
    with decoding:
        if pad.get_direction() == SOURCE:
            link(pad)


def link(pad):
    caps = pad.get_current_caps() or pad.query_caps()
    encoding = caps.get_structure(0).get_string("encoding-name")
    chain = Gst.parse_bin_from_description(DECODE[encoding], True)

    def count(name):
        def probe(_, info):
            counts[name] += 1
            return PASS

        return probe

    def keys(_, info):
        if not info.get_buffer().has_flags(DELTA):
            counts["keys"] += 1
        return PASS

    decoder = chain.get_by_name("decode").get_static_pad("src")
    decoder.add_probe(BUFFER, count("pictures" if encoding == "H264" else "sounds"))
    if encoding == "H264":
        chain.get_by_name("parse").get_static_pad("src").add_probe(BUFFER, keys)
    pipeline.add(chain)
    chain.sync_state_with_parent()
    pad.link(chain.get_static_pad("sink"))


def report():
    lines.write("counts", counts)
    return True


def told(_, message):
    if message.type == Gst.MessageType.ERROR:
        fail("%s: %s" % message.parse_error())


peer.connect("on-negotiation-needed", offer)
peer.connect("on-ice-candidate", lambda _, index, text: lines.write("candidate", {"candidate": text, "sdpMLineIndex": index}))
peer.connect("pad-added", decode)
bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message", told)
pipeline.set_state(Gst.State.PLAYING)
GLib.timeout_add(250, report)
lines.read(lambda *message: GLib.idle_add(handle, *message), lambda: GLib.idle_add(loop.quit))
loop.run()
pipeline.set_state(Gst.State.NULL)
