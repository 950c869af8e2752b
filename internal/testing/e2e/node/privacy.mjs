// Two of the demo's pages, the second of which comes while the camera has privacy on.

import { browse, open, run, until } from "./lib.mjs";

const shown = (page) =>
  page.evaluate(async () => ({
    ...smartcam.state(),
    pill: document.getElementById("state").textContent,
    text: document.getElementById("message").textContent,
    video: getComputedStyle(document.getElementById("video")).visibility,
    events: document.getElementById("events").innerText,
    mute: document.getElementById("talk").disabled,
    frames: await smartcam.framesDecoded(),
  }));

const gop = 2000; // ms, of the built-in film

const decodedKeyFrames = async () => [...(await smartcam.pc.getStats()).values()].reduce((n, s) => n + (s.keyFramesDecoded ?? 0), 0);

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const first = await open(browser, job.page);
  await until(first, () => smartcam.state().state === "live" && smartcam.state().connected);
  const keyFrames = await first.evaluate(decodedKeyFrames);
  await until(first, `async (n) => (await (${decodedKeyFrames})()) > n`, keyFrames);
  const keyFrame = performance.now();
  await first.evaluate(() => smartcam.call("privacy", { on: true }));
  await until(first, () => smartcam.state().state === "private");
  const second = await open(browser, job.page);
  await until(second, () => smartcam.state().state === "private");
  const before = [await shown(first), await shown(second)];
  await new Promise((resolve) => setTimeout(resolve, 10000)); // longer than a page waits for a picture, or for a packet
  const after = [await shown(first), await shown(second)];
  const late = (performance.now() - keyFrame - 300) % gop; // privacy ends just after a key frame: the next one takes long
  await new Promise((resolve) => setTimeout(resolve, gop - late));
  await second.evaluate(() => smartcam.call("privacy", { on: false }));
  for (const page of [first, second]) await until(page, () => smartcam.state().state === "live");
  yield { before, after, live: [await shown(first), await shown(second)] };
});
