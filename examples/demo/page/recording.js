// Plays what a Kinesis video stream has recorded: HLS sessions of fragmented MP4,
// with Media Source Extensions, or with the browser's own player where it has none
// of them (iPhone).
//
// The video's time is the time of day, counted from the first fragment played, so
// that it has a gap where nothing was recorded; gaps are jumped over.

const ahead = 20; // seconds of media to have before they are played
const behind = 30; // seconds to keep after they were played
const edge = 15000; // ms before now where the recording is not yet asked for more
const again = 10000; // ms before the recording is asked once more
const seam = 0.05; // seconds by which timestamps may disagree with the playlist

// Recording's events: "end" when there is no more, with the time reached as
// detail, and "error" with an Error.
export class Recording extends EventTarget {
  #video;
  #session; // asks for the URL of a playlist from a time on
  #player = null;

  constructor(video, session) {
    super();
    this.#video = video;
    this.#session = session;
    video.addEventListener("ended", () => this.#tell("end", this.at));
  }

  // at is the time of the picture that is shown, in ms since 1970.
  get at() {
    return (this.#player?.origin ?? 0) + this.#video.currentTime * 1000;
  }

  // play plays from a time on; within what is known it only seeks.
  async play(at) {
    if (!this.#player?.seek(at)) {
      this.stop();
      const Player = window.MediaSource ? Fragments : Native;
      const player = new Player(this.#video, this.#session);
      this.#player = player;
      player.run(at).catch((err) => player === this.#player && this.#tell("error", err));
    }
    await this.#video.play().catch(() => {}); // interrupted by the next seek, or by stop
  }

  stop() {
    this.#player?.stop();
    this.#player = null;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// Native leaves all to the browser.
class Native {
  origin = 0;
  #video;
  #session;

  constructor(video, session) {
    this.#video = video;
    this.#session = session;
  }

  async run(at) {
    const video = this.#video;
    video.src = await this.#session(at);
    await new Promise((resolve, reject) => {
      video.onloadedmetadata = resolve;
      video.onerror = () => reject(new Error("This browser cannot play the recording."));
    });
    this.origin = video.getStartDate?.().getTime() || at;
    this.seek(at);
  }

  seek(at) {
    const to = (at - this.origin) / 1000;
    if (!this.origin || to < 0 || to > this.#video.duration) return false;
    this.#video.currentTime = to;
    return true;
  }

  stop() {}
}

// Fragments fetches fragments and hands them to the browser's decoders.
class Fragments {
  origin = 0; // ms since 1970 of the video's time 0
  #video;
  #session;
  #source = new MediaSource();
  #tracks = []; // {buffer, type, map, scale}; the first one leads
  #list = []; // {start, end, parts}: seconds of the video's time, and by track {url, map}
  #next = 0; // index of the fragment to fetch
  #target = null; // where to seek once the video can, in seconds
  #asked = 0; // when the recording was last asked for more
  #stopped = new AbortController();
  #wake = () => {};

  constructor(video, session) {
    this.#video = video;
    this.#session = session;
  }

  stop() {
    this.#stopped.abort();
    this.#wake();
  }

  seek(at) {
    const to = (at - this.origin) / 1000;
    const i = this.#list.findIndex((f) => f.end > to);
    if (i < 0 || (i === 0 && to < this.#list[0].start)) return false;
    this.#next = i;
    this.#target = Math.max(to, this.#list[i].start + 0.1);
    this.#settle();
    this.#wake();
    return true;
  }

  // settle makes the seek that was put off until the video has its metadata.
  #settle() {
    if (this.#target === null || this.#video.readyState === HTMLMediaElement.HAVE_NOTHING) return;
    this.#video.currentTime = this.#target;
    this.#target = null;
  }

  async run(at) {
    const url = URL.createObjectURL(this.#source);
    this.#video.src = url;
    await once(this.#source, "sourceopen");
    URL.revokeObjectURL(url);
    await this.#load(at);
    this.#stopped.signal.throwIfAborted();
    const last = this.origin + this.#list.at(-1).start * 1000;
    this.seek(Math.max(this.origin, Math.min(at, last))); // what is asked for may not be stored yet
    try {
      while (!this.#stopped.signal.aborted) await this.#step();
    } catch (err) {
      if (this.#stopped.signal.aborted) return;
      throw this.#video.error ? new Error(`This browser cannot decode the recording: ${this.#video.error.message}`) : err;
    }
  }

  // step does what is to be done next: fetch, or wait.
  async #step() {
    this.#settle();
    const now = this.#target ?? this.#video.currentTime;
    const fragment = this.#list[this.#next];
    if (this.#target === null) this.#jump(now, fragment?.start ?? Infinity);
    if (!fragment) {
      if (await this.#more()) return;
      if (this.#source.readyState === "open") this.#source.endOfStream();
      await this.#pause();
    } else if (fragment.start > now + ahead) {
      await this.#pause();
    } else if (this.#has(fragment)) {
      this.#next++;
    } else {
      await this.#append(fragment);
    }
  }

  // jump leaves a gap: one of the list, or one of what was fetched, where a fragment
  // cannot be decoded from its beginning. All up to a time was fetched.
  #jump(now, fetched) {
    const stalled = this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    const reach = now + (stalled ? 6 : 1) * seam; // it stalls a frame before a gap
    const { buffered } = this.#video;
    let to = this.#list.find((f) => f.end > reach)?.start ?? 0;
    for (let i = 0; stalled && i < buffered.length; i++) {
      if (buffered.end(i) > reach && buffered.start(i) <= fetched) {
        to = Math.max(to, buffered.start(i));
        break;
      }
    }
    if (to > now + 2 * seam) this.#video.currentTime = to + 0.001;
  }

  // more asks for what comes after the list, and reports whether there is any.
  async #more() {
    const reached = this.origin + this.#list.at(-1).end * 1000;
    if (Date.now() - Math.max(reached + edge, this.#asked + again) < 0) return false;
    this.#asked = Date.now();
    try {
      return await this.#load(reached);
    } catch {
      return false; // what is there is played to its end
    }
  }

  #pause() {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, 500);
    });
  }

  #has({ start, end }) {
    const { buffered } = this.#video;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= start + 3 * seam && buffered.end(i) >= end - 3 * seam) return true;
    }
    return false;
  }

  // load adds a session's fragments to the list, if there are new ones of the same tracks.
  async #load(at) {
    const url = await this.#session(at);
    const master = parseMaster(await this.#text(url), url);
    const lists = await Promise.all(master.map(async ({ uri }) => parseMedia(await this.#text(uri), uri)));
    if (!this.#tracks.length) this.#begin(master, lists[0][0]);
    if (master.length !== this.#tracks.length || master.some((t, i) => t.type !== this.#tracks[i].type)) return false;
    const before = this.#list.length;
    const reached = this.#list.at(-1)?.end ?? -Infinity;
    lists[0].forEach(({ date, length }, i) => {
      const start = (date - this.origin) / 1000;
      if (start >= reached - seam) this.#list.push({ start, end: start + length, parts: lists.map((list) => list[i]) });
    });
    return this.#list.length > before;
  }

  #begin(master, first) {
    this.origin = first.date;
    this.#tracks = master.map(({ type }) => {
      if (!MediaSource.isTypeSupported(type)) throw new Error(`This browser cannot play what is recorded (${type}).`);
      return { type, buffer: this.#source.addSourceBuffer(type), map: "", scale: 0 };
    });
  }

  // append fetches a fragment of all tracks and puts it where the playlist has it.
  async #append(fragment) {
    const index = this.#next;
    let data;
    try {
      data = await Promise.all(fragment.parts.map((part, i) => this.#part(this.#tracks[i], part)));
    } catch (err) {
      if (!err.gone || Date.now() - this.#asked < again) throw err;
      this.#asked = Date.now();
      this.#list.length = index; // the session is over: another one has the rest
      await this.#load(this.origin + fragment.start * 1000);
      return;
    }
    if (this.#next !== index) return; // a seek leads elsewhere
    const [lead] = this.#tracks;
    const offset = fragment.start - decodeTime(data[0].media) / (data[0].scale ?? lead.scale);
    for (const [i, { init, scale, media }] of data.entries()) {
      const track = this.#tracks[i];
      if (init) await feed(track.buffer, init);
      if (init) [track.map, track.scale] = [fragment.parts[i].map, scale];
      if (Math.abs(track.buffer.timestampOffset - offset) > seam) track.buffer.timestampOffset = offset;
      await feed(track.buffer, media);
      const old = this.#video.currentTime - behind;
      if (old > 0 && track.buffer.buffered.length && track.buffer.buffered.start(0) < old) {
        track.buffer.remove(0, old);
        await once(track.buffer, "updateend");
      }
    }
    if (this.#next === index) this.#next++;
  }

  async #part(track, { uri, map }) {
    const init = map === track.map ? null : await this.#bytes(map);
    return { init, scale: init ? timescale(init) : undefined, media: await this.#bytes(uri) };
  }

  #text = async (url) => (await this.#fetch(url)).text();
  #bytes = async (url) => (await this.#fetch(url)).arrayBuffer();

  async #fetch(url) {
    for (let wait = 300; ; wait *= 2) {
      const response = await fetch(url, { signal: this.#stopped.signal });
      if (response.ok) return response;
      const passing = response.status >= 500 || [400, 429].includes(response.status); // 400 is how AWS throttles, too
      if (wait > 3000 || !passing) {
        const err = new Error(`The recording cannot be fetched: ${response.statusText} (${response.status}).`);
        err.gone = [403, 404, 410].includes(response.status);
        throw err;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

function once(target, type) {
  return new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
}

async function feed(buffer, data) {
  const done = once(buffer, "updateend");
  buffer.appendBuffer(data);
  await done;
}

// parseMaster returns the playlists of a master playlist with their types: one, or
// one of pictures and one of sounds (RFC 8216, section 4.3.4).
function parseMaster(text, base) {
  const [, attributes, uri] = text.match(/^#EXT-X-STREAM-INF:(.*)\r?\n(\S+)/m) ?? [];
  if (!uri) throw new Error("The recording's playlist cannot be read.");
  const codecs = (attributes.match(/CODECS="([^"]*)"/)?.[1] ?? "").split(",");
  const sound = text.match(/^#EXT-X-MEDIA:.*TYPE=AUDIO.*URI="([^"]*)"/m)?.[1];
  const type = (kind, list) => `${kind}/mp4; codecs="${list.join()}"`;
  const heard = (codec) => /^(mp4a|opus)/.test(codec);
  const absolute = (u) => new URL(u, base).href;
  if (!sound) return [{ uri: absolute(uri), type: type("video", codecs) }];
  return [
    { uri: absolute(uri), type: type("video", codecs.filter((c) => !heard(c))) },
    { uri: absolute(sound), type: type("audio", codecs.filter(heard)) },
  ];
}

// parseMedia returns the fragments of a media playlist (RFC 8216, section 4.3.2).
function parseMedia(text, base) {
  const list = [];
  let map, length;
  let date = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#EXT-X-MAP:")) map = new URL(line.match(/URI="([^"]*)"/)[1], base).href;
    else if (line.startsWith("#EXT-X-PROGRAM-DATE-TIME:")) date = Date.parse(line.slice(25));
    else if (line.startsWith("#EXTINF:")) length = parseFloat(line.slice(8));
    else if (line && !line.startsWith("#")) {
      list.push({ uri: new URL(line, base).href, map, date, length });
      date += length * 1000;
    }
  }
  return list;
}

// box returns the contents of the first box at a path (ISO/IEC 14496-12, section 4.2).
function box(data, type, ...path) {
  for (let at = 0; at + 8 <= data.byteLength; ) {
    const size = data.getUint32(at);
    const name = String.fromCharCode(...[4, 5, 6, 7].map((i) => data.getUint8(at + i)));
    if (size < 8 || at + size > data.byteLength) break;
    if (name === type) {
      const inner = new DataView(data.buffer, data.byteOffset + at + 8, size - 8);
      return path.length ? box(inner, ...path) : inner;
    }
    at += size;
  }
  throw new Error(`The recording cannot be read: it has no ${type}.`);
}

// timescale returns the ticks per second of an initialisation segment.
function timescale(init) {
  const mdhd = box(new DataView(init), "moov", "trak", "mdia", "mdhd");
  return mdhd.getUint32(mdhd.getUint8(0) === 1 ? 20 : 12);
}

// decodeTime returns the ticks at which a media segment begins.
function decodeTime(media) {
  const tfdt = box(new DataView(media), "moof", "traf", "tfdt");
  return tfdt.getUint8(0) === 1 ? Number(tfdt.getBigUint64(4)) : tfdt.getUint32(4);
}
