// The demo's page while the network of its browser changes.

import { browse, open, run, until } from "./lib.mjs";

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page);
  await until(page, async () => smartcam.state().state === "live" && (await smartcam.framesDecoded()) > 20);
  const { clientId } = await page.evaluate(() => smartcam.state());
  yield { clientId };
  for (;;) {
    const frames = await page.evaluate(() => smartcam.framesDecoded());
    await until(page, async (before) => (await smartcam.framesDecoded()) > before + 2, frames);
    yield await page.evaluate(() => smartcam.state());
  }
});
