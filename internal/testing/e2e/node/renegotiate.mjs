// A viewer in Chromium that changes what it asks for while it watches. The job
// says which of the changes below; each result tells what came after a step.

import { access, browse, count, open, run, until } from "./lib.mjs";
import { view } from "./view.mjs";

// more waits until so many more pictures and packets of sound have come than n
// counts, and of the pictures a key frame if key is set.
const more = (page, n, { frames = 0, audio = 0, key = 0 }) =>
  until(
    page,
    async (want) => {
      const n = await numbers();
      return n.frames >= want.frames && n.audio >= want.audio && n.key >= want.key && n;
    },
    { frames: n.frames + frames, audio: n.audio + audio, key: n.key + key },
  );

const nothing = { frames: 0, audio: 0, key: 0 };
const second = { frames: 15, audio: 30 }; // what comes in about a second

// packets counts what the page receives in a second, RTCP and ICE included.
const packets = (page) =>
  page.evaluate(async () => {
    const received = async () => [...(await pc.getStats()).values()].find((s) => s.type === "transport").packetsReceived;
    const before = await received();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return (await received()) - before;
  });

const changes = {
  // sound is asked for when the picture is there.
  async *sound(page, enough) {
    let n = await more(page, nothing, { frames: enough, key: 1 });
    yield { takes: await page.evaluate(() => takes()) };
    await page.evaluate(() => {
      pc.addTransceiver("audio", { direction: "recvonly" });
      return negotiate();
    });
    n = await more(page, n, second);
    yield { takes: await page.evaluate(() => takes()) };
  },

  // The microphone comes and goes, twice.
  async *microphone(page, enough) {
    let n = await more(page, nothing, { frames: enough, audio: enough, key: 1 });
    for (const _ of [1, 2]) {
      await page.evaluate(async () => {
        const [transceiver] = pc.getTransceivers().filter((t) => t.receiver.track.kind === "audio");
        await transceiver.sender.replaceTrack(await microphone());
        transceiver.direction = "sendrecv";
        await negotiate();
      });
      n = await more(page, n, second);
      yield { takes: await page.evaluate(() => takes()) };
      await page.evaluate(async () => {
        const [transceiver] = pc.getTransceivers().filter((t) => t.receiver.track.kind === "audio");
        await transceiver.sender.replaceTrack(null);
        transceiver.direction = "recvonly";
        await negotiate();
      });
      n = await more(page, n, second);
      yield { takes: await page.evaluate(() => takes()) };
    }
  },

  // All media pauses and goes on, twice.
  async *pause(page, enough) {
    await more(page, nothing, { frames: enough, audio: enough, key: 1 });
    const direct = (direction) =>
      page.evaluate((direction) => {
        for (const t of pc.getTransceivers()) t.direction = direction;
        return negotiate();
      }, direction);
    for (const _ of [1, 2]) {
      const live = await packets(page);
      await direct("inactive");
      const paused = [];
      for (let calm = 0; calm < 2 && paused.length < 10; calm = paused.at(-1) < live / 5 ? calm + 1 : 0) paused.push(await packets(page));
      yield { takes: await page.evaluate(() => takes()), live, paused };
      const n = await page.evaluate(() => numbers());
      await direct("recvonly");
      await more(page, n, { ...second, key: 1 });
      yield { takes: await page.evaluate(() => takes()) };
    }
  },
};

run(async function* ({ change, enough, ...job }, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page);
  await page.evaluate(view, { ...(await access(job, "VIEWER")), policy: "balanced", video: "recvonly", audio: change === "sound" ? "" : "recvonly" });
  await count(page);
  await page.evaluate(() => negotiate());
  try {
    yield* changes[change](page, enough);
  } catch (err) {
    console.error(await page.evaluate(() => `the offer: ${pc.localDescription.sdp}\nthe answer: ${pc.remoteDescription.sdp}`));
    throw err;
  }
});
