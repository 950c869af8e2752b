// The AWS JavaScript SDK in Chromium as the master: films with the browser's
// fake camera and microphone, in H.264, and hears what a viewer says, or joins the
// storage session.

import { KinesisVideoWebRTCStorage } from "@aws-sdk/client-kinesis-video-webrtc-storage";
import { access, browse, count, open, run, until } from "./lib.mjs";

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page);
  const means = await access(job, "MASTER");
  await page.evaluate(film, { ...means, codecs: job.repair ? ["video/H264", "video/rtx"] : ["video/H264"] });
  await count(page);
  await until(page, () => window.online);
  yield {};
  if (job.storage) {
    await new KinesisVideoWebRTCStorage(job).joinStorageSession({ channelArn: means.client.channelARN });
    await until(page, () => window.pc?.connectionState === "connected");
    yield {};
    return;
  }
  yield await until(page, async () => {
    const n = await numbers();
    return n.audio > 50 && n;
  });
});

// film runs in the page.
async function film({ client, iceServers, codecs }) {
  const signaling = new KVSWebRTC.SignalingClient(client);
  const picture = { width: 640, height: 360, frameRate: 15 };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: picture });
  const early = [];
  let pc = null;

  signaling.on("open", () => (window.online = true));
  signaling.on("sdpOffer", async (offer, viewer) => {
    pc = window.pc = new RTCPeerConnection({ iceServers });
    pc.onicecandidate = ({ candidate }) => candidate && signaling.sendIceCandidate(candidate, viewer);
    pc.ontrack = ({ track }) => {
      const player = document.createElement(track.kind);
      player.srcObject = new MediaStream([track]);
      document.body.append(player);
      player.play();
    };
    await pc.setRemoteDescription(offer);
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    const wanted = RTCRtpSender.getCapabilities("video").codecs.filter((c) => codecs.includes(c.mimeType));
    for (const t of pc.getTransceivers()) if (t.sender.track?.kind === "video") t.setCodecPreferences(wanted);
    await pc.setLocalDescription(await pc.createAnswer());
    signaling.sendSdpAnswer(pc.localDescription, viewer);
    for (const candidate of early.splice(0)) pc.addIceCandidate(candidate);
  });
  signaling.on("iceCandidate", (candidate) => (pc?.remoteDescription ? pc.addIceCandidate(candidate) : early.push(candidate)));
  signaling.on("error", (err) => console.error("signaling", err));
  signaling.open();
}
