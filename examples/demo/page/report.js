// The report behind the connection: numbers, phases, and the path.

const phaseHelp = {
  permission: "The page's server signs the way to the camera's signaling channel",
  signaling: "The channel's WebSocket opens",
  answer: "The offer goes to the camera, its answer comes back",
  "path (ICE)": "Both sides try their addresses until a pair works",
  "keys (DTLS)": "Both sides agree on the keys of the media",
  "first picture": "The first picture arrives and is decoded",
};

export function showNumbers(list, s) {
  fill(list, [
    ["State", s?.connection],
    ["Picture", s?.width && `${s.width} × ${s.height}`],
    ["Codec", s?.videoCodec && [s.videoCodec, s.audioCodec].filter(Boolean).join(" + ")],
    ["Frame rate", s?.fps !== undefined && `${s.fps.toFixed(0)} fps`],
    ["Bit rate", s?.bitrate > 0 && bitrate(s.bitrate * 8)],
    ["Round trip", s?.roundTrip !== undefined && milliseconds(s.roundTrip)],
    ["Latency", s?.latency !== undefined && `≈ ${milliseconds(s.latency)}${s.heldBack > 0.005 ? `, ${milliseconds(s.heldBack)} of it for the sound` : ""}`],
    ["Packet loss", s?.loss !== undefined && `${(s.loss * 100).toFixed(1)} %`],
    ["Frames", s && `${s.framesDecoded} decoded, ${s.framesDropped} dropped`],
  ]);
}

export function showPhases(list, phases) {
  const total = Math.max(1, ...phases.map((p) => p.start + p.took));
  list.replaceChildren(
    ...phases.map((p) => {
      const bar = element("i");
      const line = element("li", element("span", p.name), element("b", `${p.took.toFixed(0)} ms`), element("div", bar));
      line.title = phaseHelp[p.name] ?? "";
      bar.style.marginInlineStart = `${(99 * p.start) / total}%`;
      bar.style.inlineSize = `${Math.max(1, (100 * p.took) / total)}%`;
      return line;
    }),
  );
}

export function showPath(list, s) {
  const path = s?.path;
  fill(list, [
    ["Path", path && (s.relayed ? "relayed (TURN)" : "direct")],
    ["This device", path?.local && side(path.local)],
    ["Camera", path?.remote && side(path.remote)],
    ["Tried here", s && tally(s.candidates.local)],
    ["Tried there", s && tally(s.candidates.remote)],
  ]);
}

function fill(list, rows) {
  list.replaceChildren(...rows.flatMap(([name, value]) => [element("dt", name), element("dd", value || "–")]));
}

function element(name, ...children) {
  const e = document.createElement(name);
  e.append(...children);
  return e;
}

function side({ type, protocol, address }) {
  return `${address} (${type}, ${protocol})`;
}

function tally(types) {
  return Object.entries(types).map(([type, n]) => `${n} ${type}`).join(", ") || "none";
}

function milliseconds(seconds) {
  const ms = seconds * 1000;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

function bitrate(bits) {
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${(bits / 1e3).toFixed(0)} kbit/s`;
}
