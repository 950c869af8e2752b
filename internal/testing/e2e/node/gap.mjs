// The demo's page in Chromium plays what was recorded across a gap that was filled
// later: three sessions, one after another.

import { browse, open, run, until } from "./lib.mjs";

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page, { viewport: { width: 1280, height: 900 } });
  await until(page, (end) => smartcam.past().recorded.some((s) => s.end > end - 1000), job.end);

  // The bar shows as many minutes as there are since the oldest recording.
  const at = job.seek;
  const bar = await page.locator(".spans").boundingBox();
  const ratio = await page.evaluate((at) => {
    const { now, recorded } = smartcam.past();
    const seconds = 60 * [1, 2, 5, 10, 20, 30, 60].find((m) => m * 60000 >= now - recorded[0].start);
    return 1 - (now - at) / (seconds * 1000);
  }, at);
  await page.mouse.click(bar.x + bar.width * ratio, bar.y + bar.height / 2);
  await until(page, () => smartcam.past().on && document.getElementById("past").readyState >= 3);
  const steps = await page.evaluate(async (end) => {
    const video = document.getElementById("past");
    video.playbackRate = 4;
    const canvas = new OffscreenCanvas(16, 9);
    const context = canvas.getContext("2d");
    const steps = [];
    for (const last = performance.now() + 40000; performance.now() < last; ) {
      const { on, at } = smartcam.past();
      context.drawImage(video, 0, 0, 16, 9);
      const { data } = context.getImageData(0, 0, 16, 9);
      steps.push({ on, at, bright: data.reduce((sum, n) => sum + n, 0) / data.length });
      if (!on || at > end) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return steps;
  }, job.until);
  if (job.screenshots) await page.screenshot({ path: `${job.screenshots}/gap.png` });
  yield { steps, recorded: await page.evaluate(() => smartcam.past().recorded) };
});
