// The clips that the camera keeps of events, with what has become of each, and the player
// of those that are on the device.

import { timeOfDay } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const every = 2000; // ms from one list to the next
const seldom = 30000; // ms to the next question whether the camera keeps clips
const shown = 20; // the newest ones

// Clips' events: "past" with the time in ms since 1970 of a clip that only the stream has,
// "hint" with a text.
export class Clips extends EventTarget {
  known = []; // as the camera tells them, the newest first
  #video = $("clip");
  #playing = ""; // ID
  #timer = 0;

  start() {
    this.#video.addEventListener("error", () => {
      if (!this.#playing) return;
      this.#tell("hint", `The clip cannot be played: ${this.#video.error?.message ?? ""}`);
      this.play("");
    });
    this.refresh();
  }

  // refresh asks for the list, now and again while the page is seen.
  async refresh() {
    clearTimeout(this.#timer);
    let wait = every;
    try {
      if (!document.hidden) {
        const response = await fetch(`/api/clips?limit=${shown}`);
        if (response.status === 404) wait = seldom; // this camera keeps none
        $("clips").hidden = response.status === 404;
        if (response.ok) this.#show((await response.json()).clips);
      }
    } catch {
      // the next try comes soon
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), wait);
  }

  // play plays a clip from the device, or has it played from the stream; "" ends that.
  play(id) {
    const clip = this.known.find((c) => c.id === id);
    if (clip && !clip.onDevice && clip.state !== "recording") {
      if (clip.start) this.#tell("past", Date.parse(clip.start));
      id = "";
    }
    this.#playing = clip && id;
    this.#video.hidden = !this.#playing;
    if (this.#playing) this.#video.src = `/api/clips/${id}.mp4?bytes=${clip.bytes}`; // a browser keeps the beginning of a URL's film
    else this.#video.removeAttribute("src");
    this.#video.load();
    this.#show(this.known);
  }

  #show(clips) {
    this.known = clips;
    $("noclips").hidden = clips.length > 0;
    const list = $("cliplist");
    const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
    list.replaceChildren(...clips.map((clip) => this.#row(rows.get(clip.id), clip)));
  }

  // row shows a clip in its row, which is a new one unless it has one.
  #row(row, clip) {
    if (!row) {
      row = document.createElement("li");
      row.dataset.id = clip.id;
      const button = document.createElement("button");
      button.append(...["time", "span", "small", "b", "i", "img"].map((name) => document.createElement(name)));
      button.onclick = () => this.play(clip.id === this.#playing ? "" : clip.id);
      row.append(button);
    }
    const [time, title, length, state, sent, picture] = row.firstElementChild.children;
    text(time, clip.start ? timeOfDay(Date.parse(clip.start)) : "–");
    text(title, titleOf(clip));
    text(length, duration(clip.lengthSeconds));
    text(state, stateOf(clip));
    state.dataset.state = clip.state;
    sent.style.inlineSize = `${clip.sent * 100}%`;
    const pictured = clip.events.findLast((e) => e.pictureBytes); // on the device; who came has come nearer
    picture.hidden = !pictured;
    const src = `/api/clips/${clip.id}/picture?event=${pictured?.id}`;
    if (pictured && picture.getAttribute("src") !== src) picture.src = src;
    picture.alt = "What the camera saw";
    row.firstElementChild.setAttribute("aria-pressed", clip.id === this.#playing);
    row.firstElementChild.disabled = clip.state === "lost";
    return row;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// titleOf returns the types of a clip's events, each once, for the eye.
export function titleOf({ events }) {
  const types = [...new Set(events.map((e) => e.type))].join(", ");
  return types.charAt(0).toUpperCase() + types.slice(1);
}

function stateOf({ state, sent, onDevice }) {
  if (state === "uploading" || state === "partial") return `${state} ${Math.floor(sent * 100)} %`;
  return state === "uploaded" && !onDevice ? "in the cloud" : state;
}

export function duration(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// text sets an element's text where it is another one.
function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}
