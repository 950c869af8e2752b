// The AWS JavaScript SDK in Chromium as a viewer: watches, talks, and exchanges
// messages on its data channel.

import { access, browse, count, open, run, until } from "./lib.mjs";

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page);
  await page.evaluate(watch, { ...(await access(job, "VIEWER")), iceTransportPolicy: job.relayOnly ? "relay" : "all" });
  await count(page);
  const seen = await until(page, async () => {
    const n = await numbers();
    return n.frames > 50 && n.audio > 50 && n;
  });
  await until(page, () => window.messages.length === 2);
  yield { ...seen, messages: await page.evaluate(() => window.messages) };
});

// watch runs in the page.
async function watch({ client, iceServers, iceTransportPolicy }) {
  const signaling = new KVSWebRTC.SignalingClient(client);
  const pc = (window.pc = new RTCPeerConnection({ iceServers, iceTransportPolicy }));
  window.messages = [];

  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  for (const track of microphone.getTracks()) pc.addTrack(track, microphone);
  pc.addTransceiver("video", { direction: "recvonly" });
  pc.ontrack = ({ track }) => {
    const player = document.createElement(track.kind);
    player.srcObject = new MediaStream([track]);
    document.body.append(player);
    player.play();
  };
  const channel = pc.createDataChannel("kvsDataChannel");
  channel.binaryType = "arraybuffer";
  channel.onopen = () => {
    channel.send("a text");
    channel.send(new TextEncoder().encode("bytes"));
  };
  channel.onmessage = ({ data }) => window.messages.push(typeof data === "string" ? data : new TextDecoder().decode(data));

  pc.onicecandidate = ({ candidate }) => candidate && signaling.sendIceCandidate(candidate);
  signaling.on("open", async () => {
    await pc.setLocalDescription(await pc.createOffer());
    signaling.sendSdpOffer(pc.localDescription);
  });
  signaling.on("sdpAnswer", (answer) => pc.setRemoteDescription(answer));
  signaling.on("iceCandidate", (candidate) => pc.addIceCandidate(candidate));
  signaling.on("error", (err) => console.error("signaling", err));
  signaling.open();
}
