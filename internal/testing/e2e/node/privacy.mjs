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

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const first = await open(browser, job.page);
  await until(first, () => smartcam.state().state === "live" && smartcam.state().connected);
  await first.evaluate(() => smartcam.call("privacy", { on: true }));
  await until(first, () => smartcam.state().state === "private");
  const second = await open(browser, job.page);
  await until(second, () => smartcam.state().state === "private");
  const before = [await shown(first), await shown(second)];
  await new Promise((resolve) => setTimeout(resolve, 10000)); // longer than a page waits for a picture, or for a packet
  const after = [await shown(first), await shown(second)];
  await second.evaluate(() => smartcam.call("privacy", { on: false }));
  for (const page of [first, second]) await until(page, () => smartcam.state().state === "live");
  yield { before, after, live: [await shown(first), await shown(second)] };
});
