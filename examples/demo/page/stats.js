// What getStats tells, as numbers for a person to read.

// Stats reads a peer connection once in a while; rates are over the time
// between two readings.
export class Stats {
  #pc = null;
  #before = null;

  // read returns null if there is nothing to read.
  async read(pc) {
    if (!pc || pc.connectionState === "closed") return null;
    if (pc !== this.#pc) {
      this.#pc = pc;
      this.#before = null;
    }
    const all = new Map();
    (await pc.getStats()).forEach((s) => all.set(s.id, s));
    const some = (type, kind) => [...all.values()].find((s) => s.type === type && (!kind || s.kind === kind));
    const video = some("inbound-rtp", "video");
    const audio = some("inbound-rtp", "audio");
    const pair = selectedPair(all);
    const now = {
      time: video?.timestamp ?? performance.now(),
      video: video ?? {},
      audio: audio ?? {},
    };
    const before = this.#before ?? { time: now.time, video: {}, audio: {} };
    this.#before = now;

    const seconds = (now.time - before.time) / 1000;
    const grown = (kind, name) => Math.max(0, (now[kind][name] ?? 0) - (before[kind][name] ?? 0)); // less in a new stream
    const rate = (kind, name) => (seconds > 0 ? grown(kind, name) / seconds : undefined);
    const share = (part, whole) => (whole > 0 ? part / whole : undefined);
    const lost = grown("video", "packetsLost") + grown("audio", "packetsLost");
    const received = grown("video", "packetsReceived") + grown("audio", "packetsReceived");
    const frames = grown("video", "framesDecoded");
    const roundTrip = pair?.currentRoundTripTime;

    return {
      connection: pc.connectionState,
      path: pair && { local: end(all.get(pair.localCandidateId)), remote: end(all.get(pair.remoteCandidateId)) },
      relayed: pair && ["localCandidateId", "remoteCandidateId"].some((id) => all.get(pair[id])?.candidateType === "relay"),
      candidates: { local: tally(all, "local-candidate"), remote: tally(all, "remote-candidate") },
      videoCodec: codec(all.get(video?.codecId)),
      audioCodec: codec(all.get(audio?.codecId)),
      width: video?.frameWidth,
      height: video?.frameHeight,
      fps: rate("video", "framesDecoded"),
      framesDecoded: video?.framesDecoded ?? 0,
      framesDropped: video?.framesDropped ?? 0,
      freezes: video?.freezeCount,
      bitrate: (rate("video", "bytesReceived") ?? 0) + (rate("audio", "bytesReceived") ?? 0), // bytes a second
      roundTrip, // seconds
      loss: share(lost, lost + received),
      latency: latency(roundTrip, grown, frames),
      heldBack: audio && heldBack(grown),
    };
  }
}

// latency estimates the seconds from the camera's network port to the screen:
// half a round trip, and from the first packet of a picture until it is
// decoded, which includes waiting in the jitter buffer.
function latency(roundTrip, grown, frames) {
  if (roundTrip === undefined || frames <= 0) return undefined;
  const processing = grown("video", "totalProcessingDelay");
  if (processing > 0) return roundTrip / 2 + processing / frames;
  const waited = grown("video", "jitterBufferDelay") / (grown("video", "jitterBufferEmittedCount") || Infinity);
  return roundTrip / 2 + waited + grown("video", "totalDecodeTime") / frames;
}

// heldBack is for how many seconds a picture waits for the sound of its time, which
// has a longer jitter buffer.
function heldBack(grown) {
  const more = grown("video", "jitterBufferTargetDelay") - grown("video", "jitterBufferMinimumDelay");
  return Math.max(0, more / grown("video", "jitterBufferEmittedCount")) || undefined;
}

function selectedPair(all) {
  for (const s of all.values()) {
    if (s.type === "transport" && s.selectedCandidatePairId) return all.get(s.selectedCandidatePairId);
  }
  for (const s of all.values()) {
    if (s.type === "candidate-pair" && (s.selected || (s.nominated && s.state === "succeeded"))) return s; // Firefox
  }
  return undefined;
}

function end(candidate) {
  if (!candidate) return undefined;
  const { candidateType, address, port, relayProtocol } = candidate;
  const host = address?.includes(":") ? `[${address}]` : address;
  return { type: candidateType, protocol: relayProtocol ?? candidate.protocol, address: host ? `${host}:${port}` : "address hidden" };
}

function tally(all, type) {
  const n = {};
  for (const s of all.values()) {
    if (s.type === type) n[s.candidateType] = (n[s.candidateType] ?? 0) + 1;
  }
  return n;
}

function codec(s) {
  return s?.mimeType?.replace(/^\w+\//, "");
}
