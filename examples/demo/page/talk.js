// Push-to-talk: while the user holds the button, the microphone is on the
// connection's audio sender. Nothing is negotiated for it.

const keepMicrophone = 5000; // ms after the last word, for the next one to come at once

// Talk's events: "change", when talking or message is another.
export class Talk extends EventTarget {
  talking = false;
  message = "";
  #sender; // () => RTCRtpSender or null
  #held = false;
  #microphone = null; // MediaStreamTrack
  #off = 0;

  constructor(sender) {
    super();
    this.#sender = sender;
  }

  async press() {
    if (this.#held) return;
    this.#held = true;
    clearTimeout(this.#off);
    try {
      const track = await this.#open();
      const sender = this.#sender();
      if (!sender) throw new Error("Not connected to the camera");
      if (!this.#held) return this.#release(); // let go while the browser asked for permission
      track.enabled = true;
      await sender.replaceTrack(track);
      this.#change(this.#held, "");
      if (!this.#held) this.#release();
    } catch (err) {
      this.#held = false;
      this.#change(false, explain(err));
      this.#release();
    }
  }

  release() {
    if (!this.#held) return;
    this.#held = false;
    this.#release();
  }

  async #open() {
    if (this.#microphone?.readyState === "live") return this.#microphone;
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    [this.#microphone] = stream.getAudioTracks();
    return this.#microphone;
  }

  #release() {
    this.#sender()?.replaceTrack(null).catch(() => {}); // the connection may be gone
    if (this.#microphone) this.#microphone.enabled = false;
    clearTimeout(this.#off);
    this.#off = setTimeout(() => {
      this.#microphone?.stop();
      this.#microphone = null;
    }, keepMicrophone);
    if (this.talking) this.#change(false, "");
  }

  #change(talking, message) {
    this.talking = talking;
    this.message = message;
    this.dispatchEvent(new Event("change"));
  }
}

function explain(err) {
  switch (err.name) {
    case "NotAllowedError":
      return "The browser was not allowed to use the microphone.";
    case "NotFoundError":
      return "There is no microphone.";
    case "NotReadableError":
      return "The microphone is in use by another program.";
    case "SecurityError":
      return "Browsers give the microphone to pages on https and on localhost alone.";
  }
  return err.message;
}
