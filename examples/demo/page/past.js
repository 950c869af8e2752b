// What was recorded, beside the live picture: the timeline, the player, and which
// of the two pictures has the stage.

import { Recording } from "./recording.js";
import { Timeline, timeOfDay } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const every = 2000; // ms from one list of what is recorded to the next
const seldom = 30000; // ms to the next question whether the camera records

// Past's events: "mode" when the past begins or ends, "note" and "hint" with a text.
export class Past extends EventTarget {
  on = false; // the past has the stage
  #video = $("past");
  #recording = new Recording(this.#video, session);
  #timeline = new Timeline($("timeline"));
  #wished = 0; // the time that is being sought
  #known = null; // what is recorded

  start() {
    this.#timeline.addEventListener("seek", ({ detail }) => this.play(detail));
    this.#timeline.addEventListener("live", () => this.live());
    this.#recording.addEventListener("end", ({ detail }) => this.#goOn(detail));
    this.#recording.addEventListener("error", ({ detail }) => {
      this.live();
      this.#tell("hint", detail.message);
    });
    for (const type of ["playing", "pause", "waiting", "seeking", "seeked"]) {
      this.#video.addEventListener(type, () => this.#show());
    }
    this.#video.addEventListener("timeupdate", () => {
      if (!this.#video.seeking) this.#wished = 0;
    });
    $("golive").onclick = () => this.live();
    $("small").onclick = () => this.live();
    $("pause").onclick = () => this.pause();
    $("back").onclick = () => this.#timeline.move(this.at, -10);
    $("forward").onclick = () => this.#timeline.move(this.at, 10);
    $("when").addEventListener("keydown", (e) => {
      if (e.code !== "Space") return;
      e.preventDefault();
      this.pause();
    });
    setInterval(() => this.#timeline.show(this.at), 250);
    this.#list();
  }

  // at is the time that is shown, null for live.
  get at() {
    if (!this.on) return null;
    return this.#wished || this.#recording.at;
  }

  get known() {
    return this.#known;
  }

  // mark notes on the timeline that something happens now.
  mark(label) {
    this.#timeline.mark(label);
  }

  set muted(muted) {
    this.#video.muted = muted;
  }

  play(at) {
    if (!this.on) this.#tell("note", `Playing what was recorded at ${timeOfDay(at)}`);
    this.on = true;
    this.#wished = at;
    this.#tell("hint", "");
    this.#recording.play(at);
    this.#show();
  }

  pause() {
    if (!this.on) return;
    if (this.#video.paused) this.#video.play().catch(() => {});
    else this.#video.pause();
  }

  live() {
    if (!this.on) return this.#timeline.show(null);
    this.on = false;
    this.#wished = 0;
    this.#recording.stop();
    this.#tell("note", "Back to live");
    this.#show();
  }

  // goOn plays what comes after a stretch that has ended, live at the latest.
  #goOn(at) {
    const next = this.#known?.spans.find((s) => s.end > at + 500);
    if (next && this.#timeline.now - at > 20000) this.play(Math.max(at + 500, next.start));
    else this.live();
  }

  #show() {
    const { on } = this;
    const paused = on && this.#video.paused;
    if ($("stage").dataset.mode !== (on ? "past" : "live")) {
      $("stage").dataset.mode = $("timeline").dataset.mode = on ? "past" : "live";
      this.#tell("mode");
    }
    $("small").hidden = !on;
    $("pause").disabled = $("forward").disabled = !on;
    $("loading").hidden = !on || (!this.#video.seeking && this.#video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA);
    $("golive").setAttribute("aria-pressed", !on);
    $("pause").dataset.state = paused ? "paused" : "playing";
    $("pause").setAttribute("aria-label", paused ? "Play" : "Pause");
    $("pause").title = paused ? "Play" : "Pause";
    this.#timeline.show(this.at);
  }

  // list asks again and again what is recorded, while the page is seen.
  async #list() {
    let wait = every;
    try {
      if (!document.hidden || !this.#known) {
        const response = await fetch("/api/recordings");
        if (response.status === 404) {
          $("timeline").hidden = true; // this camera does not record
          wait = seldom;
        }
        if (response.ok) {
          this.#known = await response.json();
          this.#timeline.update(this.#known);
          $("timeline").hidden = false;
          this.#timeline.show(this.at);
        }
      }
    } catch {
      // the next try comes soon
    }
    setTimeout(() => this.#list(), wait);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// session asks the page's server for the playlist of what was recorded from a time on.
async function session(start) {
  const response = await fetch("/api/recordings/play", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ start: Math.floor(start) }),
  });
  if (!response.ok) throw new Error((await response.text()).trim().slice(0, 200) || response.statusText);
  return new URL((await response.json()).url, location).href;
}
