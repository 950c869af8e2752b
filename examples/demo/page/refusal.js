// Why a session with the camera does not come about, or cannot go on.

// Refusal is the camera's answer that it does not take this viewer.
export class Refusal extends Error {
  constructor(code, reason) {
    super(reason || code);
    this.code = code;
  }
}

// Lost is the end of a session that the camera no longer knows, as after a restart.
export class Lost extends Error {
  constructor() {
    super("The camera was started anew.");
  }
}

// refuse throws if an answer takes none of the offered media, and says why.
export function refuse(sdp) {
  const media = sdp.match(/^m=\S+ \d+/gm) ?? [];
  if (!media.every((m) => m.endsWith(" 0"))) return;
  const reason = sdp.match(/^a=smartcam-refused:(?:([^:\r\n]*): |(\S*) )(.*?)\r?$/m);
  if (!reason) throw new Refusal("rejected", "The camera takes none of the media that this browser offers.");
  throw new Refusal(reason[1] ?? reason[2], reason[3]);
}
