# Python's aiortc as a viewer, which makes the offer and decodes the media.
#
# The job: {"video": true, "audio": "recvonly", "channel": "smartcam"}. audio is
# "", "recvonly", or "sendrecv" with silence; channel is the label of a data
# channel, "" for none. aiortc gathers before it offers: all of its candidates are
# in the SDP.

import asyncio

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from aiortc.sdp import candidate_from_sdp

import lines


async def main():
    job = lines.job()
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    counts = {"pictures": 0, "keys": 0, "sounds": 0}
    messages = asyncio.Queue()
    work = set()
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    def spawn(coroutine):
        task = loop.create_task(coroutine)
        work.add(task)
        task.add_done_callback(finished)

    def finished(task):
        work.discard(task)
        if not task.cancelled() and task.exception() and not ended.done():
            ended.set_exception(task.exception())

    async def count(track):
        try:
            while True:
                frame = await track.recv()
                if track.kind == "audio":
                    counts["sounds"] += 1
                else:
                    counts["pictures"] += 1
                    counts["keys"] += frame.key_frame
        except MediaStreamError:
            pass

    peer.on("track", lambda track: spawn(count(track)))
    if job["video"]:
        peer.addTransceiver("video", "recvonly")
    if job["audio"] == "recvonly":
        peer.addTransceiver("audio", "recvonly")
    elif job["audio"] == "sendrecv":
        peer.addTrack(AudioStreamTrack())
    channel = peer.createDataChannel(job["channel"]) if job["channel"] else None
    opened = loop.create_future()
    if channel:
        channel.on("open", lambda: opened.set_result(None))
        channel.on("message", lambda text: lines.write("data", text))

    async def send(text):
        await opened
        channel.send(text)

    async def handle():
        while True:
            kind, payload = await messages.get()
            if kind == "answer":
                await peer.setRemoteDescription(RTCSessionDescription(payload["sdp"], "answer"))
            elif kind == "candidate" and payload and payload["candidate"]:
                candidate = candidate_from_sdp(payload["candidate"].removeprefix("candidate:"))
                candidate.sdpMid, candidate.sdpMLineIndex = payload["sdpMid"], payload["sdpMLineIndex"]
                await peer.addIceCandidate(candidate)
            elif kind == "data":
                spawn(send(payload))

    async def report():
        while True:
            lines.write("counts", counts)
            await asyncio.sleep(0.25)

    await peer.setLocalDescription(await peer.createOffer())
    lines.write("offer", {"type": "offer", "sdp": peer.localDescription.sdp})
    spawn(report())
    spawn(handle())
    lines.read(
        lambda *message: loop.call_soon_threadsafe(messages.put_nowait, message),
        lambda: loop.call_soon_threadsafe(lambda: ended.done() or ended.set_result(None)),
    )
    try:
        await ended
    except Exception as err:
        lines.write("failure", repr(err))
    for task in list(work):
        task.cancel()
    await peer.close()


asyncio.run(main())
