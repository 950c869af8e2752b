// A viewer's side of a Kinesis Video Streams signaling channel: a WebSocket
// whose signed URL the page's own server grants.

// grant asks the page's server for leave to watch. It may give the same client
// ID again, so that the camera knows the viewer when it comes back.
export async function grant(clientId, signal) {
  let response;
  try {
    response = await fetch("/api/live", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(clientId ? { clientId } : {}),
      signal,
    });
  } catch (err) {
    if (signal.aborted) throw err;
    throw new Error(navigator.onLine ? "The camera is away: its server does not answer." : "This device is offline.");
  }
  if (!response.ok) {
    const text = (await response.text()).trim().slice(0, 200);
    throw new Error(`The server does not let this page watch: ${text || response.statusText} (${response.status}).`);
  }
  return response.json();
}

// Signaling sends and receives the messages of one connection to the channel.
// Its events are "answer" and "candidate" with the payload as detail,
// "refused" with a text, and "close".
export class Signaling extends EventTarget {
  #socket;
  #count = 0;

  // open resolves when the socket is open.
  static open(url) {
    const s = new Signaling();
    return new Promise((resolve, reject) => {
      // Behind a proxy that encrypts, the page's server knows of ws alone, and only wss is allowed.
      s.#socket = new WebSocket(location.protocol === "https:" ? url.replace(/^ws:/, "wss:") : url);
      s.#socket.onopen = () => resolve(s);
      s.#socket.onmessage = (e) => s.#receive(e.data);
      s.#socket.onclose = () => {
        reject(new Error("The signaling service does not take the connection. It has ten viewers at once, of whom one who left counts for a minute."));
        s.dispatchEvent(new Event("close"));
      };
    });
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  close() {
    this.#socket.close();
  }

  offer(description) {
    // With a correlation ID the service says if it cannot deliver.
    this.#send("SDP_OFFER", { type: description.type, sdp: description.sdp }, `${Date.now()}.${++this.#count}`);
  }

  candidate(candidate) {
    this.#send("ICE_CANDIDATE", candidate.toJSON());
  }

  #send(action, payload, correlationId) {
    if (!this.isOpen) return;
    const messagePayload = encode(JSON.stringify(payload));
    this.#socket.send(JSON.stringify({ action, messagePayload, correlationId }));
  }

  #receive(text) {
    let m, payload;
    try {
      m = JSON.parse(text || "{}");
      payload = m.messagePayload ? JSON.parse(decode(m.messagePayload)) : null;
    } catch {
      return; // not for us
    }
    const tell = (type, detail) => this.dispatchEvent(new CustomEvent(type, { detail }));
    switch (m.messageType) {
      case "SDP_ANSWER":
        return tell("answer", payload);
      case "ICE_CANDIDATE":
        return tell("candidate", payload);
      case "STATUS_RESPONSE":
        if (m.statusResponse && m.statusResponse.statusCode !== "200") {
          tell("refused", m.statusResponse.description || m.statusResponse.errorType);
        }
        return;
      case "GO_AWAY":
        return this.close();
    }
  }
}

function encode(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function decode(base64) {
  const binary = atob(base64.replace(/-/g, "+").replace(/_/g, "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
}
