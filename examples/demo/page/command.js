// The camera's command protocol on a data channel labelled "smartcam": requests
// with replies, both ways, and notices. The documentation of the SDK's package camera
// describes it, under "Command protocol".

export const label = "smartcam";

const pieceSize = 16 * 1024;
const messageSize = 1024 * 1024;
const [more, last] = [..."+."].map((c) => c.charCodeAt(0));

// A refusal by the other side. code is "unknown", "bad request", "busy",
// "failed" or the camera's own.
export class CommandError extends Error {
  constructor(code, message) {
    super(message || code);
    this.code = code;
  }
}

export class Commands {
  #channel;
  #notice;
  #calls = new Map(); // id -> {resolve, reject, timer}
  #lastID = 0;
  #pieces = [];
  #size = 0; // of the pieces
  #sending = Promise.resolve();

  // notice is called with the name and the body of each notice.
  constructor(channel, notice) {
    this.#channel = channel;
    this.#notice = notice;
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = 4 * pieceSize;
    channel.addEventListener("message", (e) => this.#receive(e.data));
    channel.addEventListener("close", () => {
      for (const id of this.#calls.keys()) this.#finish(id, (c) => c.reject(new Error("The connection to the camera ended")));
    });
  }

  // call resolves with the reply's value.
  call(name, body, milliseconds = 10000) {
    const id = ++this.#lastID;
    return new Promise((resolve, reject) => {
      const late = () => this.#finish(id, () => reject(new Error(`The camera does not answer “${name}”`)));
      this.#calls.set(id, { resolve, reject, timer: setTimeout(late, milliseconds) });
      this.#send({ id, call: name, body }).catch((err) => this.#finish(id, () => reject(err)));
    });
  }

  #finish(id, how) {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    clearTimeout(call.timer);
    how(call);
  }

  #send(message) {
    const text = JSON.stringify(message);
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > messageSize) return Promise.reject(new Error("The message is larger than 1 MiB"));
    const send = async () => {
      if (bytes.length <= pieceSize) return this.#put(text);
      for (let at = 0; at < bytes.length; at += pieceSize - 1) {
        const piece = new Uint8Array(Math.min(pieceSize, bytes.length - at + 1));
        piece[0] = at + pieceSize - 1 < bytes.length ? more : last;
        piece.set(bytes.subarray(at, at + pieceSize - 1), 1);
        await this.#put(piece);
      }
    };
    const sent = this.#sending.then(send);
    this.#sending = sent.catch(() => {});
    return sent;
  }

  // put sends one channel message when not much is waiting to be sent.
  async #put(data) {
    const ch = this.#channel;
    while (ch.readyState === "open" && ch.bufferedAmount > 16 * pieceSize) {
      await new Promise((resolve) => {
        const stop = new AbortController();
        for (const event of ["bufferedamountlow", "close"]) {
          ch.addEventListener(event, () => (stop.abort(), resolve()), { signal: stop.signal });
        }
      });
    }
    ch.send(data); // throws if the channel is not open
  }

  #receive(data) {
    if (typeof data === "string") return this.#message(data);
    const bytes = new Uint8Array(data);
    if (bytes[0] !== more && bytes[0] !== last) return this.#message(new TextDecoder().decode(bytes));
    if (bytes[0] === last && bytes.length === 1) {
      this.#drop();
      return;
    }
    this.#pieces.push(bytes.subarray(1));
    this.#size += bytes.length - 1;
    if (this.#size > messageSize) return this.#channel.close();
    if (bytes[0] === last) {
      const pieces = this.#pieces;
      this.#drop();
      new Blob(pieces).text().then((text) => this.#message(text));
    }
  }

  #drop() {
    this.#pieces = [];
    this.#size = 0;
  }

  #message(text) {
    let m;
    try {
      m = JSON.parse(text);
    } catch {
      return this.#channel.close();
    }
    if (m.call && m.id) {
      this.#send({ id: m.id, error: { code: "unknown", message: "a page has no commands" } }).catch(() => {});
    } else if (m.error) {
      this.#finish(m.id, (c) => c.reject(new CommandError(m.error.code, m.error.message)));
    } else if ("reply" in m) {
      this.#finish(m.id, (c) => c.resolve(m.reply));
    } else if (m.notice) {
      this.#notice(m.notice, m.body);
    }
  }
}
