// The page: shows the camera's picture and state, and what its user does to it.

import { Live } from "./live.js";
import { Past } from "./past.js";
import { Clips, duration, titleOf } from "./clips.js";
import { Stats } from "./stats.js";
import { Talk } from "./talk.js";
import { showNumbers, showPath, showPhases } from "./report.js";

const $ = (id) => document.getElementById(id);
const video = $("video");
const live = new Live();
const stats = new Stats();
const talk = new Talk(() => live.session?.talker ?? null);
const past = new Past();
const clips = new Clips();

const camera = { viewers: 0, night: false, talker: "" }; // as the camera says
let connected = false; // commands can be called
let latest = null; // statistics
let sound = false; // is wanted
let lostAt = 0; // when the connection that is not there yet was lost
let told = ""; // why there is no picture, of what the events have

// ---- connection ----

const stateNames = {
  connecting: "Connecting",
  live: "Live",
  private: "Private",
  repairing: "Reconnecting",
  waiting: "Away",
  refused: "Refused",
};

const refusals = {
  unauthorized: "This page is not allowed to watch the camera.",
  "no common codec": "This browser cannot play what the camera sends.",
  "B-frames": "The camera's encoder makes B-frames, which live view cannot carry.",
};

live.addEventListener("state", ({ detail }) => {
  showState();
  $("camera").textContent = live.channel;
  $("state").dataset.state = $("stage").dataset.state = detail.state;
  $("again").hidden = !["waiting", "refused"].includes(detail.state);
  showMessage();
  switch (detail.state) {
    case "waiting":
    case "refused":
      if (told !== reason(detail)) note(reason(detail), "bad");
      told = reason(detail);
      lostAt ||= performance.now();
      break;
    case "repairing":
      if (!lostAt) note("Repairing the connection");
      lostAt ||= performance.now();
      break;
    case "live":
      if (told !== "private") note(`Live ${lostAt ? "again " : ""}after ${liveAfter()}`, "good");
      told = "";
      break;
    case "private":
      told = "private";
      lostAt = 0;
      break;
  }
  if (detail.state !== "live") $("latency").hidden = true;
  showControls();
});

live.addEventListener("stream", ({ detail }) => {
  if (video.srcObject !== detail) video.srcObject = detail;
  video.play().catch(() => {}); // muted play is allowed; after a tab change the browser plays by itself
});

live.addEventListener("commands", async ({ detail }) => {
  connected = detail;
  showControls();
  if (!connected) return;
  try {
    Object.assign(camera, await live.call("status"));
    showCamera();
  } catch (err) {
    hint(`The camera does not tell its status: ${err.message}`);
  }
});

// The stage takes the picture's shape.
for (const picture of [video, $("past")]) {
  picture.addEventListener("resize", () => {
    if (picture.videoWidth) $("stage").style.aspectRatio = `${picture.videoWidth} / ${picture.videoHeight}`;
  });
}

function showState() {
  const { state, code } = live.state;
  $("state").textContent = past.on ? "Recorded" : code === "viewer limit" ? "Full" : stateNames[state];
  $("state").dataset.mode = past.on ? "past" : "live";
}

// showMessage says what keeps the picture away, with the seconds until the next try.
function showMessage() {
  const { state, retryAt } = live.state;
  let text = reason(live.state);
  if (state === "waiting" || state === "refused") {
    const wait = Math.ceil((retryAt - Date.now()) / 1000);
    text += wait > 0 ? ` Trying again in ${wait} s.` : " Trying again…";
  }
  if (text !== $("message").textContent) $("message").textContent = text;
}

function reason({ message, code }) {
  if (code === "viewer limit") {
    const places = message.match(/\d+/)?.[0]; // all places for viewers are taken (10)
    const taken = places === "1" ? "The only place for a viewer is taken." : `All ${places ?? "the"} places for viewers are taken.`;
    return `${taken} This page gets in when one is free.`;
  }
  const known = refusals[code];
  return known && message ? `${known} It says: ${message}${/[.!?]$/.test(message) ? "" : "."}` : (known ?? message);
}

// liveAfter tells how long it took, from the page's wish or from the loss of the connection.
function liveAfter() {
  const last = live.session.phases.at(-1);
  const took = lostAt ? performance.now() - lostAt : last.start + last.took;
  lostAt = 0;
  return took < 10000 ? `${Math.round(took)} ms` : `${Math.round(took / 1000)} s`;
}

$("again").onclick = () => live.retryNow();
document.addEventListener("visibilitychange", () => document.hidden || live.hurry()); // timers sleep in hidden pages
addEventListener("online", () => live.networkChanged());
navigator.connection?.addEventListener("change", () => navigator.onLine && live.networkChanged());
sessionStorage.removeItem("clientId");
addEventListener("pagehide", () => {
  sessionStorage.setItem("clientId", live.clientId);
  live.stop(); // frees the viewer's place at once
});
addEventListener("pageshow", (e) => {
  if (!e.persisted) return;
  sessionStorage.removeItem("clientId");
  live.retryNow();
});

// ---- notices and commands ----

live.addEventListener("notice", ({ detail: { name, body } }) => {
  switch (name) {
    case "viewers":
      camera.viewers = body.count;
      note(body.count === 1 ? "1 viewer watches" : `${body.count} viewers watch`);
      break;
    case "light":
      camera.night = body.night;
      note(body.night ? "Night vision on" : "Night vision off");
      past.mark(body.night ? "Night vision on" : "Night vision off");
      break;
    case "chime":
      note("The chime rings");
      past.mark("Chime");
      break;
    case "motion":
      noteMotion(body);
      break;
    case "clip":
      noteClip(body);
      clips.refresh();
      break;
    case "privacy":
      note(body.on ? "Privacy on" : "Privacy off");
      past.mark(body.on ? "Privacy on" : "Privacy off");
      break;
    case "floor":
      camera.talker = body.talker ?? "";
      if (camera.talker && camera.talker !== live.clientId) note("Someone else is talking");
      break;
    default:
      note(body === undefined ? name : `${name}: ${JSON.stringify(body).slice(0, 120)}`);
  }
  showCamera();
});

// noteMotion tells of something that moves, or seems to.
function noteMotion({ state }) {
  const texts = { started: "Something moves", ended: "Nothing moves any more", scene: "The light has changed" };
  note(texts[state] ?? `Motion: ${state}`);
  if (state === "started") past.mark("Motion");
}

// noteClip tells a change of a clip.
function noteClip({ kind, clip }) {
  const title = titleOf(clip);
  const texts = {
    started: `${title}: recording a clip`,
    ended: `${title}: a clip of ${duration(clip.lengthSeconds)} is kept`,
    stored: `${title}: the clip is uploaded`,
    lost: `${title}: a part of the clip cannot be uploaded any more`,
    evicted: `${title}: the clip made room for others`,
    picture: `${title}: the picture ${clip.events.some((e) => e.picturePut) ? "is uploaded" : "cannot be uploaded"}`,
  };
  note(texts[kind] ?? `${title}: ${kind}`, kind === "lost" ? "bad" : "");
}

async function command(button, name, body) {
  button.classList.add("busy");
  hint("");
  try {
    return await live.call(name, body);
  } catch (err) {
    hint(err.message);
    return undefined;
  } finally {
    button.classList.remove("busy");
  }
}

$("night").onclick = async () => {
  const reply = await command($("night"), "light", { night: !camera.night });
  if (reply) camera.night = reply.night;
  showCamera();
};

$("chime").onclick = async () => {
  const reply = await command($("chime"), "chime", {});
  if (reply !== undefined && !sound) hint("The chime is in the camera's sound: switch the sound on to hear it.");
};

function showCamera() {
  $("viewers").hidden = !camera.viewers;
  $("viewers").lastElementChild.textContent = camera.viewers;
  $("night").setAttribute("aria-pressed", camera.night);
  showTalk();
}

function showControls() {
  for (const id of ["talk", "night", "chime"]) $(id).disabled = !connected;
  if (live.state.state === "private") $("talk").disabled = true;
  showTalk();
}

// ---- the past ----

past.addEventListener("mode", () => {
  showState();
  showSound();
});
past.addEventListener("note", ({ detail }) => note(detail));
past.addEventListener("hint", ({ detail }) => hint(detail));

clips.addEventListener("past", ({ detail }) => past.play(detail));
clips.addEventListener("hint", ({ detail }) => hint(detail));

// ---- sound and voice ----

$("sound").onclick = () => {
  live.sound = sound = !sound;
  showSound();
  if (sound && !past.on) {
    hint("");
    video.play().catch((err) => hint(`The browser does not play sound: ${err.message}`));
  }
};

// Only the picture that has the stage is heard.
function showSound() {
  $("sound").setAttribute("aria-pressed", sound);
  video.muted = !sound || past.on;
  past.muted = !sound || !past.on;
}

const talkButton = $("talk");
const mute = !navigator.mediaDevices; // the page has an address of neither https nor localhost
if (mute) {
  talkButton.setAttribute("aria-disabled", "true");
  talkButton.title = "Browsers give the microphone to pages on https and on localhost alone";
}
talkButton.addEventListener("pointerdown", (e) => {
  if (e.button !== 0) return;
  talkButton.setPointerCapture(e.pointerId);
  talk.press();
});
for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) talkButton.addEventListener(type, () => talk.release());
talkButton.addEventListener("contextmenu", (e) => e.preventDefault()); // of a long touch

// The space bar talks wherever the focus is, unless it is on another control.
addEventListener("keydown", (e) => {
  if (e.code !== "Space" || e.ctrlKey || e.altKey || e.metaKey) return;
  if (e.target !== talkButton && e.target.closest("button, summary, a, input")) return;
  e.preventDefault();
  if (!e.repeat && connected) talk.press();
});
addEventListener("keyup", (e) => e.code === "Space" && talk.release());
addEventListener("blur", () => talk.release());

talk.addEventListener("change", () => {
  hint(talk.message);
  showTalk();
});

function showTalk() {
  const other = camera.talker !== "" && camera.talker !== live.clientId;
  talkButton.classList.toggle("talking", talk.talking && !other);
  talkButton.classList.toggle("other", other);
  $("onair").hidden = !talk.talking || other;
  let text = mute ? "To talk, open this page on https or localhost" : "Hold to talk";
  if (other) text = "Someone else is talking";
  else if (talk.talking) text = "You are on air";
  $("talktext").textContent = text;
}

// ---- full screen ----

$("full").onclick = async () => {
  const stage = $("stage");
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (stage.requestFullscreen) await stage.requestFullscreen();
    else (past.on ? $("past") : video).webkitEnterFullscreen(); // iPhone
  } catch (err) {
    hint(`No full screen: ${err.message}`);
  }
};

// ---- what is told ----

function hint(text) {
  $("hint").textContent = text;
}

// note adds a line to the events, the newest first.
function note(text, kind = "") {
  const line = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString();
  line.append(time, text);
  if (kind) line.className = kind;
  $("events").prepend(line);
  while ($("events").childElementCount > 50) $("events").lastElementChild.remove();
}

async function refresh() {
  try {
    latest = await stats.read(live.pc);
  } catch {
    latest = null; // the connection was closed meanwhile
  }
  showMessage();
  const known = latest?.latency !== undefined && live.state.state === "live" && !past.on;
  $("latency").hidden = !known;
  if (known) $("latency").textContent = `≈ ${Math.round(latest.latency * 1000)} ms`;
  if ($("report").open) {
    showNumbers($("numbers"), latest);
    showPhases($("phases"), live.session?.phases ?? []);
    showPath($("path"), latest);
  }
}

// A wide window has room for the details, a phone shows the picture first.
if (!matchMedia("(min-width: 60rem)").matches) $("report").open = $("log").open = $("clips").open = false;
$("report").addEventListener("toggle", refresh);
setInterval(refresh, 1000);
live.start();
past.start();
clips.start();
refresh();

// For tests and the browser's console.
window.smartcam = {
  get pc() {
    return live.pc;
  },
  state: () => ({ ...live.state, ...camera, connected, clientId: live.clientId, talking: talk.talking, phases: live.session?.phases ?? [] }),
  stats: () => latest,
  past: () => ({ on: past.on, at: past.at, recorded: past.known?.spans ?? [], now: past.known?.now }),
  clips: () => clips.known,
  call: (name, body) => live.call(name, body),
  framesDecoded: async () => (live.session?.pc ? live.session.framesDecoded() : 0),
};
