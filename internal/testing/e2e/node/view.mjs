// view runs in a page and makes it a viewer that can negotiate again. It asks for
// what the flow says: policy is the bundlePolicy, group false takes the BUNDLE
// group out of the offers, video and audio are directions ("" for no such media),
// where one that sends has the microphone.
export async function view({ client, iceServers, policy, group = true, video, audio }) {
  const signaling = new KVSWebRTC.SignalingClient(client);
  const pc = (window.pc = new RTCPeerConnection({ iceServers, bundlePolicy: policy }));
  window.microphone = async () => (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks()[0];
  if (video) pc.addTransceiver("video", { direction: video });
  if (audio) pc.addTransceiver(audio.startsWith("send") ? await window.microphone() : "audio", { direction: audio });
  pc.ontrack = ({ track }) => {
    const player = document.createElement(track.kind);
    player.srcObject = new MediaStream([track]);
    document.body.append(player);
    player.play().catch(() => {}); // a track that pauses interrupts it
  };
  pc.onicecandidate = ({ candidate }) => candidate && signaling.sendIceCandidate(candidate);
  signaling.on("iceCandidate", (candidate) => pc.addIceCandidate(candidate));
  const opened = new Promise((resolve, reject) => {
    signaling.on("open", resolve);
    signaling.on("error", () => reject(new Error("signaling cannot connect")));
  });
  signaling.open();

  let answer;
  signaling.on("sdpAnswer", (description) => answer(description));

  // negotiate makes an offer and applies its answer.
  window.negotiate = async () => {
    await opened;
    const answered = new Promise((resolve) => (answer = resolve));
    const { type, sdp } = await pc.createOffer();
    const offer = { type, sdp: group ? sdp : sdp.replace(/a=group:BUNDLE.*\r\n/, "") };
    await pc.setLocalDescription(offer);
    signaling.sendSdpOffer(offer);
    await pc.setRemoteDescription(await answered);
  };

  // takes tells which kinds of media the answer takes: one word for each section,
  // after "no" where its port is 0.
  window.takes = () => [...pc.remoteDescription.sdp.matchAll(/^m=(\w+) (\d+) /gm)].map(([, kind, port]) => (port === "0" ? `no ${kind}` : kind));
}
