// Two of the demo's pages, of which the camera takes one at a time.

import { browse, open, run, until } from "./lib.mjs";

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const first = await open(browser, job.page);
  await until(first, () => smartcam.state().state === "live");
  const second = await open(browser, job.page);
  await until(second, () => smartcam.state().code);
  yield { ...(await second.evaluate(() => smartcam.state())), text: await second.locator("#message").textContent() };

  await first.context().close();
  await until(second, () => smartcam.state().state === "live");
  yield { frames: await second.evaluate(() => smartcam.framesDecoded()) };
});
