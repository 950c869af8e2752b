// The live view of the camera: one session after the other until the page goes away.

import { Refusal } from "./refusal.js";
import { Session } from "./session.js";

const againTime = 10000; // ms at most until the next try while the camera is away
const placeTime = 4000; // ms until the next try while all places are taken
const refusedTime = 60000; // ms until the next try after a refusal, whose reason may pass

// Live keeps one Session alive. Its events:
//   state    detail {state, message, code, retryAt}: connecting, live, private, repairing, or
//            waiting or refused until retryAt, and on while the next try is made
//   stream   detail MediaStream, to show
//   notice   detail {name, body}
//   commands detail true when commands can be called, false when no longer
export class Live extends EventTarget {
  session = null;
  // A page that is loaded again takes its own place at the camera. It is kept
  // only while no page uses it: a duplicated tab must not have the same.
  clientId = sessionStorage.getItem("clientId") ?? "";
  channel = ""; // the signaling channel's name
  #sound = false;
  #state = { state: "connecting", message: "" };
  #tries = 0;
  #retry = 0;
  #stopped = false;

  get state() {
    return this.#state;
  }

  get pc() {
    return this.session?.pc ?? null;
  }

  get sound() {
    return this.#sound;
  }

  // sound tells whether the camera's sound is wanted. Without it none is received: a
  // browser holds the picture back until the sound of its time is there, heard or not.
  set sound(on) {
    this.#sound = on;
    this.session?.receiveSound();
  }

  // start connects, now and again after each loss.
  start() {
    this.#stopped = false;
    clearTimeout(this.#retry);
    this.session?.close();
    if (this.#tries) this.#say(this.#state.state, this.#state.message, { code: this.#state.code, retryAt: 0 });
    else this.#say("connecting", "Connecting…");
    const session = new Session(this);
    this.session = session;
    session.run().catch((err) => this.#ended(session, err));
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.session?.close();
  }

  // retryNow makes the next try at once, with a fresh start to the waiting times.
  retryNow() {
    this.#tries = 0;
    this.start();
  }

  // hurry makes the next try at once if one is waited for.
  hurry() {
    if (!this.#stopped && this.#state.retryAt) this.retryNow();
  }

  // networkChanged repairs the connection over the network that is there now.
  networkChanged() {
    if (this.#state.retryAt) this.hurry();
    else if (!this.#stopped) this.session?.repair();
  }

  call(name, body) {
    const commands = this.session?.commands;
    return commands ? commands.call(name, body) : Promise.reject(new Error("Not connected to the camera"));
  }

  #ended(session, err) {
    if (session !== this.session || this.#stopped) return;
    session.close();
    this.#tell("commands", false);
    const lasted = session.liveAt ? performance.now() - session.liveAt : 0;
    if (lasted > 10000) this.#tries = 0;
    const full = err.code === "viewer limit";
    const refused = err instanceof Refusal && !full;
    let limit = Math.min(againTime, 1000 * 2 ** this.#tries++);
    if (full) limit = placeTime;
    if (refused) limit = refusedTime;
    const wait = limit / 2 + (Math.random() * limit) / 2; // not all pages at once
    this.#say(refused ? "refused" : "waiting", err.message, { code: err.code, retryAt: Date.now() + wait });
    this.#retry = setTimeout(() => this.start(), wait);
  }

  #say(state, message, more = {}) {
    this.#state = { state, message, ...more };
    this.#tell("state", this.#state);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // For the session:
  told(session, type, detail) {
    if (session !== this.session) return;
    if (type === "live" && session.isPrivate) this.#say("private", "Privacy is on: the camera sees and hears nothing.");
    else if (type === "live") this.#say("live", "");
    else if (type === "repairing") this.#say("repairing", "The connection was lost, repairing it…");
    else this.#tell(type, detail);
  }
}
