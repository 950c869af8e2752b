// A viewer in Chromium of a camera whose time stamps leap. The result says how many
// pictures were shown in the time that the job has in seconds, how long the longest
// was, and how much of the sound had to be made up.

import { access, browse, count, open, run, until } from "./lib.mjs";
import { view } from "./view.mjs";

run(async function* ({ seconds, enough, ...job }, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page);
  await page.evaluate(view, { ...(await access(job, "VIEWER")), policy: "balanced", video: "recvonly", audio: "recvonly" });
  await count(page);
  await page.evaluate(() => negotiate());
  await until(page, async (enough) => (await numbers()).frames >= enough, enough);
  yield await page.evaluate(async (seconds) => {
    const sound = async () => [...(await pc.getStats()).values()].find((s) => s.type === "inbound-rtp" && s.kind === "audio");
    const player = document.querySelector("video");
    const before = await sound();
    const began = performance.now();
    let [shown, longest, last] = [0, 0, began];
    await new Promise((resolve) => {
      const next = (now) => {
        longest = Math.max(longest, now - last);
        [shown, last] = [shown + 1, now];
        player.requestVideoFrameCallback(next);
      };
      player.requestVideoFrameCallback(next);
      setTimeout(resolve, 1000 * seconds);
    });
    longest = Math.max(longest, performance.now() - last);
    const after = await sound();
    const played = after.totalSamplesReceived - before.totalSamplesReceived;
    return { shown, longest, played: played / 48000, concealed: (after.concealedSamples - before.concealedSamples) / played };
  }, seconds);
});
