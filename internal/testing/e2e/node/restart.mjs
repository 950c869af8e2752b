// The demo's page while the demo is ended and started again. A page that is looked at
// again makes its next try at once.

import { browse, open, run, until } from "./lib.mjs";

const shown = (page) =>
  page.evaluate(async () => ({
    ...smartcam.state(),
    pill: document.getElementById("state").textContent,
    text: document.getElementById("message").textContent,
    frames: await smartcam.framesDecoded(),
    wait: smartcam.state().retryAt - Date.now(),
  }));

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page);
  await until(page, () => smartcam.state().state === "live");
  yield await shown(page);
  for (const looked of [false, true]) {
    const wait = looked ? 5000 : 0;
    await until(page, (wait) => smartcam.state().message.includes("away") && smartcam.state().retryAt - Date.now() > wait, wait);
    const { retryAt, ...away } = await shown(page);
    yield away;
    if (looked) await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await until(page, () => smartcam.state().state === "live");
    if (looked && Date.now() > retryAt) throw new Error("a page that is looked at waits for its time");
    yield await shown(page);
  }
});
