// The timeline: a bar of the last minutes that shows what is recorded, and a
// slider on it that chooses what is played.

const spans = [1, 2, 5, 10, 20, 30, 60]; // minutes that the bar can show
const tickSteps = [5, 10, 15, 30, 60, 120, 300, 600, 1200]; // seconds from tick to tick
const nearLive = 3; // seconds before now that count as now
const late = 5000; // ms until the page knows of a stored fragment: it and its server list what is recorded each 2 s
const settle = 250; // ms after the last key until it counts

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });
const shortClock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });

export const timeOfDay = (at) => clock.format(at);

// Timeline's events: "seek" with the time in ms since 1970 as detail, and "live".
export class Timeline extends EventTarget {
  #root;
  #slider;
  #parts = {};
  #recorded = []; // {start, end} in ms since 1970
  #fragment = 0; // ms of what is stored at a time
  #marks = []; // {at, label} of what happened
  #ahead = 0; // ms by which the server's clock is ahead
  #seconds = 60; // that the bar shows
  #choosing = false; // the user moves the slider
  #timer = 0;

  constructor(root) {
    super();
    this.#root = root;
    for (const name of ["slider", "spans", "marks", "ticks", "bubble", "shown"]) this.#parts[name] = root.querySelector(`.${name}`);
    this.#slider = this.#parts.slider;
    this.#slider.addEventListener("input", () => this.#choose());
    this.#slider.addEventListener("change", () => this.#chosen());
    this.#slider.addEventListener("keydown", (e) => this.#key(e));
    this.#slider.addEventListener("pointermove", (e) => this.#hover(e));
    this.#slider.addEventListener("pointerleave", () => this.#choosing || (this.#parts.bubble.hidden = true));
  }

  get now() {
    return Date.now() + this.#ahead;
  }

  // update takes what is recorded, as the server tells it.
  update({ now, fragment, spans: recorded }) {
    this.#ahead = now - Date.now();
    this.#recorded = recorded;
    this.#fragment = fragment;
    const oldest = recorded[0]?.start ?? now;
    this.#seconds = 60 * (spans.find((m) => m * 60000 >= now - oldest) ?? spans.at(-1));
    this.#slider.min = -this.#seconds;
    this.#draw();
  }

  // mark notes on the bar that something happens now.
  mark(label) {
    this.#marks = [...this.#marks.slice(-99), { at: this.now, label }];
    this.#draw();
  }

  // show puts the slider where the picture is: at a time, or live if it is null.
  show(at) {
    if (this.#choosing) return;
    const value = at === null ? 0 : Math.min(0, Math.max(-this.#seconds, (at - this.now) / 1000));
    this.#slider.value = value;
    this.#root.style.setProperty("--at", 1 + value / this.#seconds);
    this.#tell(at);
    this.#draw();
  }

  // move seeks by seconds from a time on, null for live.
  move(at, seconds) {
    this.#seek(Math.max((at ?? this.now) + seconds * 1000, this.now - this.#seconds * 1000));
  }

  #tell(at) {
    const ago = at === null ? 0 : Math.round((this.now - at) / 1000);
    this.#slider.setAttribute("aria-valuetext", at === null ? "Live" : `${timeOfDay(at)}, ${duration(ago)} ago`);
    const small = document.createElement("small");
    small.textContent = at === null ? "now" : `${duration(ago)} ago`;
    this.#parts.shown.replaceChildren(timeOfDay(at ?? this.now), small);
  }

  #choose() {
    this.#choosing = true;
    const value = Number(this.#slider.value);
    this.#root.style.setProperty("--at", 1 + value / this.#seconds);
    this.#tell(value > -nearLive ? null : this.now + value * 1000);
    this.#bubble(1 + value / this.#seconds);
  }

  #chosen() {
    clearTimeout(this.#timer);
    this.#choosing = false;
    this.#parts.bubble.hidden = true;
    this.#seek(this.now + Number(this.#slider.value) * 1000);
  }

  #key(e) {
    const step = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30 }[e.key];
    const value = { Home: -this.#seconds, End: 0 }[e.key] ?? (step && Number(this.#slider.value) + step);
    if (value === undefined) return;
    e.preventDefault();
    this.#slider.value = value;
    this.#choose();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#chosen(), settle);
  }

  // seek goes to a time, or to the next one that is recorded.
  #seek(at) {
    const span = this.#recorded.find((s) => s.end > at);
    const live = !span || at > this.now - nearLive * 1000;
    this.dispatchEvent(live ? new Event("live") : new CustomEvent("seek", { detail: Math.max(at, span.start) }));
  }

  #hover(e) {
    if (e.pointerType === "touch" || this.#choosing) return;
    const { left, width } = this.#parts.spans.getBoundingClientRect();
    this.#bubble(Math.min(1, Math.max(0, (e.clientX - left) / width)));
  }

  #bubble(ratio) {
    const at = this.now - (1 - ratio) * this.#seconds * 1000;
    const live = (1 - ratio) * this.#seconds < nearLive;
    const mark = this.#marks.find((m) => Math.abs(m.at - at) < 0.012 * this.#seconds * 1000);
    this.#parts.bubble.hidden = false;
    this.#parts.bubble.textContent = mark ? `${mark.label}, ${timeOfDay(mark.at)}` : live ? "Live" : timeOfDay(at);
    this.#parts.bubble.style.setProperty("--at", ratio);
  }

  #draw() {
    const { now } = this;
    const place = (at) => 1 - (now - at) / (this.#seconds * 1000);
    const inside = (n) => Math.min(1, Math.max(0, n));
    keep(this.#parts.spans, this.#recorded.length, (e, i) => {
      const { start, end } = this.#recorded[i];
      const last = i === this.#recorded.length - 1 && now - end < this.#fragment + late; // the next one is on its way
      const [from, to] = [inside(place(start)), last ? 1 : inside(place(end))];
      e.style.insetInlineStart = `${from * 100}%`;
      e.style.inlineSize = `${(to - from) * 100}%`;
    });
    const marks = this.#marks.filter((m) => place(m.at) >= 0);
    keep(this.#parts.marks, marks.length, (e, i) => (e.style.insetInlineStart = `${place(marks[i].at) * 100}%`));
    const step = tickSteps.find((s) => this.#seconds / s <= 6) * 1000;
    const zone = new Date(now).getTimezoneOffset() * 60000;
    const first = Math.ceil((now - this.#seconds * 1000 - zone) / step) * step + zone;
    const format = step < 60000 ? clock : shortClock;
    keep(this.#parts.ticks, Math.max(0, Math.floor((now - first) / step) + 1), (e, i) => {
      const at = first + i * step;
      const text = format.format(at);
      if (e.textContent !== text) e.textContent = text;
      e.style.insetInlineStart = `${place(at) * 100}%`;
      e.classList.toggle("edge", place(at) < 0.05 || place(at) > 0.93);
    });
  }
}

// keep gives a parent n children and shows each.
function keep(parent, n, show) {
  while (parent.childElementCount > n) parent.lastElementChild.remove();
  while (parent.childElementCount < n) parent.append(document.createElement("i"));
  [...parent.children].forEach(show);
}

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 10 && seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
}
