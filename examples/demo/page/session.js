// A session with the camera: made, watched over and repaired until it is over.

import { Commands, label } from "./command.js";
import { Lost, Refusal, refuse } from "./refusal.js";
import { Signaling, grant } from "./signaling.js";

const answerTime = 10000; // ms for the camera to answer an offer
const connectTime = 20000; // ms from the answer to media
const silentTime = 1500; // ms without a packet before the connection is repaired
const restartTime = 3000; // ms for one attempt to repair it
const repairTime = 12000; // ms until no further attempt is made: the camera has given up by then
const frozenTime = 8000; // ms without a new picture before the connection is made anew

const noPath = "No path to the camera was found. A firewall may block it.";
const noPicture = "The camera is there, but its picture does not come.";

// Session is one peer connection. run rejects when it is over.
export class Session {
  pc = null;
  #audio = null; // the RTCRtpTransceiver of the camera's sound and the user's voice
  commands = null; // when they can be called
  isPrivate = false; // the camera has privacy on: no picture and no sound come
  #dark = false; // privacy is on, or the first picture after it has not come yet
  liveAt = 0; // when the first picture was there
  phases = []; // {name, start, took} in ms since the beginning
  #live;
  #signaling = null;
  #begin = performance.now();
  #abort = new AbortController();
  #fail;
  #answered = null; // resolves the wait for an answer
  #early = []; // candidates that came before the answer
  #unsent = []; // own candidates that wait for the offer to be sent, null after that
  #repairing = false;
  #timers = new Set();

  constructor(live) {
    this.#live = live;
  }

  // talker is the RTCRtpSender of the user's voice.
  get talker() {
    return this.#audio?.sender ?? null;
  }

  close() {
    this.#abort.abort();
    for (const t of this.#timers) clearTimeout(t);
    this.#signaling?.close();
    this.pc?.close();
  }

  async run() {
    const failed = new Promise((_, reject) => (this.#fail = reject));
    failed.catch(() => {});
    await Promise.race([this.#connect(), failed]);
    await failed;
  }

  async #connect() {
    if (!window.RTCPeerConnection) throw new Refusal("no webrtc", "This browser has no WebRTC, which live view needs.");
    const leave = await this.#phase("permission", grant(this.#live.clientId, this.#abort.signal));
    this.#live.clientId = leave.clientId;
    this.#live.channel = leave.channel?.split("/")[1] ?? ""; // arn:aws:kinesisvideo:…:channel/NAME/…
    const socket = this.#phase("signaling", this.#openSignaling(leave.url));
    socket.catch(() => {});
    this.#createPeer(leave.iceServers);
    await this.pc.setLocalDescription(await this.pc.createOffer());
    await socket;
    await this.#phase("answer", this.#negotiate());
    await this.#connected();
  }

  // phase notes how long a step takes.
  async #phase(name, step) {
    const start = performance.now();
    const result = await step;
    this.#passed(name, start);
    return result;
  }

  #passed(name, start) {
    const now = performance.now();
    this.phases.push({ name, start: start - this.#begin, took: now - start });
    return now;
  }

  async #openSignaling(url) {
    const s = await Signaling.open(url);
    if (this.#abort.signal.aborted) return s.close();
    this.#signaling = s;
    s.addEventListener("answer", (e) => (this.#answered ? this.#answered.resolve(e.detail) : this.#unasked(e.detail)));
    s.addEventListener("refused", (e) => this.#answered?.reject(new Error(`The signaling service refuses: ${e.detail}.`)));
    s.addEventListener("close", () => s === this.#signaling && this.#answered?.reject(new Error("The signaling service closed the connection.")));
    s.addEventListener("candidate", (e) => {
      if (this.#answered || !this.pc.remoteDescription) this.#early.push(e.detail);
      else this.#addCandidate(e.detail);
    });
  }

  // unasked takes an answer that nobody waits for: the camera may end the session with it.
  #unasked(answer) {
    try {
      refuse(answer.sdp);
    } catch (err) {
      this.#fail(err);
    }
  }

  // noticed acts on the notices that are the camera's own.
  #noticed(name, body) {
    if (name === "disconnected") return this.#fail(new Refusal(body.code, body.reason));
    if (name === "privacy") {
      this.isPrivate = body.on;
      if (this.liveAt) this.#shown().catch(() => {}); // of a peer connection that was closed
    }
    this.#live.told(this, "notice", { name, body });
  }

  // shown tells that the picture is hidden, or that there is one again, which may take
  // until the next key frame.
  async #shown() {
    this.#dark = true;
    const timer = this.#after(connectTime, () => this.isPrivate || this.#fail(new Error(noPicture)));
    const before = await this.framesDecoded();
    while (!this.isPrivate && (await this.framesDecoded()) === before) await this.#pause(30);
    clearTimeout(timer);
    this.#dark = this.isPrivate;
    this.#well();
  }

  // well tells that the session is as it should be, unless it is not.
  #well() {
    if (!this.#repairing && (this.isPrivate || !this.#dark)) this.#live.told(this, "live");
  }

  #addCandidate(candidate) {
    if (!candidate?.candidate) return; // the end of candidates
    this.pc.addIceCandidate(candidate).catch(() => {}); // one of another generation, or of an unknown kind
  }

  #createPeer(iceServers) {
    const pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.pc = pc;
    pc.addTransceiver("video", { direction: "recvonly" });
    this.#audio = pc.addTransceiver("audio", { direction: this.#direction });
    const stream = new MediaStream();
    pc.ontrack = (e) => {
      stream.addTrack(e.track);
      this.#live.told(this, "stream", stream);
    };
    pc.onicecandidate = (e) => {
      if (!e.candidate?.candidate) return;
      if (this.#unsent) this.#unsent.push(e.candidate);
      else this.#signaling.candidate(e.candidate);
    };
    pc.onconnectionstatechange = () => this.#stateChanged();
    const channel = pc.createDataChannel(label);
    const commands = new Commands(channel, (name, body) => this.#noticed(name, body));
    channel.onopen = () => {
      this.commands = commands;
      this.#live.told(this, "commands", true);
    };
    channel.onclose = () => {
      if (!this.#abort.signal.aborted) this.#fail(new Error("The camera ended the connection."));
    };
  }

  get #direction() {
    return this.#live.sound ? "sendrecv" : "sendonly";
  }

  // receiveSound has the camera send sound, or none, as is wanted now.
  async receiveSound() {
    if (!this.liveAt || this.#repairing) return; // which looks at what is wanted at its end
    while (this.#audio.direction !== this.#direction) {
      this.#repairing = true;
      this.#audio.direction = this.#direction;
      try {
        await this.#renew(AbortSignal.any([AbortSignal.timeout(restartTime), this.#abort.signal]));
      } catch {
        this.#repairing = false;
        return this.repair();
      }
      this.#repairing = false;
    }
  }

  // negotiate sends the local offer and its candidates and applies the answer.
  async #negotiate() {
    const answer = new Promise((resolve, reject) => (this.#answered = { resolve, reject }));
    const timer = this.#after(answerTime, () => this.#answered?.reject(new Error("The camera does not answer. Is it switched on?")));
    try {
      this.#signaling.offer(this.pc.localDescription);
      for (const c of this.#unsent) this.#signaling.candidate(c);
      this.#unsent = null;
      const description = await answer;
      refuse(description.sdp);
      await this.pc.setRemoteDescription(description);
    } finally {
      clearTimeout(timer);
      this.#answered = null;
    }
    for (const c of this.#early.splice(0)) this.#addCandidate(c);
  }

  // connected waits for the path, the keys and the first picture.
  async #connected() {
    const { pc } = this;
    const timer = this.#after(connectTime, () => {
      const connected = pc.connectionState === "connected";
      this.#fail(new Error(connected ? noPicture : noPath));
    });
    let since = performance.now();
    const changed = (event, done) => this.#until(pc, event, done);
    await changed("iceconnectionstatechange", () => ["connected", "completed"].includes(pc.iceConnectionState));
    since = this.#passed("path (ICE)", since);
    await changed("connectionstatechange", () => pc.connectionState === "connected");
    since = this.#passed("keys (DTLS)", since);
    while (!this.isPrivate && !(await this.framesDecoded())) await this.#pause(30);
    clearTimeout(timer);
    this.#dark = this.isPrivate;
    this.liveAt = this.#passed("first picture", since);
    this.#well();
    this.receiveSound();
    this.#watch().catch(() => {}); // of a peer connection that was closed
  }

  // watch notices when nothing comes any more, and when pictures no longer do.
  async #watch() {
    const counts = { frames: 0, packets: 0 };
    const since = { frames: 0, packets: 0 };
    while (!this.#abort.signal.aborted) {
      await this.#pause(250);
      const now = await this.#received();
      for (const what of ["frames", "packets"]) {
        if (now[what] === counts[what] && !this.#repairing && !this.#dark && !document.hidden) continue;
        counts[what] = now[what];
        since[what] = performance.now();
      }
      if (performance.now() - since.packets > silentTime) this.repair();
      else if (performance.now() - since.frames > frozenTime) {
        this.#fail(new Error("The picture stood still."));
        return;
      }
    }
  }

  #stateChanged() {
    const state = this.pc.connectionState;
    if (state === "failed" && this.liveAt) this.repair();
    else if (state === "failed") this.#fail(new Error(noPath));
    else if (state === "connected" && this.liveAt) this.#well();
    else if (state === "disconnected" && this.liveAt) this.#live.told(this, "repairing");
  }

  // repair restarts ICE over a new signaling connection, as the network may be
  // another one, until media flows again. Everything else stays.
  async repair() {
    if (this.#repairing || !this.liveAt || this.#abort.signal.aborted) return;
    this.#repairing = true;
    this.#live.told(this, "repairing");
    const end = performance.now() + repairTime;
    for (let wait = 250; ; wait = Math.min(2 * wait, 2000)) {
      const limit = new AbortController();
      const timer = this.#after(restartTime, () => limit.abort());
      try {
        await this.#restart(AbortSignal.any([limit.signal, this.#abort.signal]));
        break;
      } catch (err) {
        if (this.#abort.signal.aborted) return;
        if (err instanceof Refusal || err instanceof Lost || performance.now() > end) return this.#fail(err);
      } finally {
        clearTimeout(timer);
      }
      await this.#pause(wait);
    }
    this.#repairing = false;
    this.#well();
    this.receiveSound();
  }

  // restart is one attempt of repair, until signal says that it takes too long.
  async #restart(signal) {
    this.#signaling?.close();
    this.#signaling = null;
    this.pc.restartIce();
    this.#audio.direction = this.#direction;
    await this.#renew(signal);
    const { packets } = await this.#received();
    while (this.pc.connectionState !== "connected" || (!this.#dark && (await this.#received()).packets === packets)) {
      await within(signal, this.#pause(50));
    }
  }

  // renew makes another offer, over a new signaling connection if the old one is gone.
  async #renew(signal) {
    const { pc } = this;
    if (!this.#signaling?.isOpen) {
      const { clientId } = this.#live;
      const leave = await within(signal, grant(clientId, signal));
      if (leave.clientId !== clientId) throw new Lost(); // to the camera this is a new viewer
      await within(signal, this.#openSignaling(leave.url));
      pc.setConfiguration({ ...pc.getConfiguration(), iceServers: leave.iceServers });
    }
    if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
    this.#unsent = [];
    await pc.setLocalDescription(await pc.createOffer());
    await within(signal, this.#negotiate());
  }

  async #received() {
    let [frames, packets] = [0, 0];
    (await this.pc.getStats()).forEach((s) => {
      if (s.type !== "inbound-rtp") return;
      packets += s.packetsReceived ?? 0;
      frames += s.framesDecoded ?? 0;
    });
    return { frames, packets };
  }

  async framesDecoded() {
    return (await this.#received()).frames;
  }

  #after(milliseconds, f) {
    const timer = setTimeout(() => (this.#timers.delete(timer), f()), milliseconds);
    this.#timers.add(timer);
    return timer;
  }

  #pause(milliseconds) {
    return new Promise((resolve) => this.#after(milliseconds, resolve));
  }

  #until(target, event, done) {
    return new Promise((resolve) => {
      const check = () => {
        if (!done()) return;
        target.removeEventListener(event, check);
        resolve();
      };
      target.addEventListener(event, check);
      check();
    });
  }
}

// within rejects when signal says that a step takes too long.
function within(signal, step) {
  const late = new Promise((_, reject) => {
    if (signal.aborted) reject(new Error("The connection could not be repaired."));
    signal.addEventListener("abort", () => reject(new Error("The connection could not be repaired.")));
  });
  step.catch(() => {}); // of a step that fails when nobody waits any more
  late.catch(() => {});
  return Promise.race([step, late]);
}
