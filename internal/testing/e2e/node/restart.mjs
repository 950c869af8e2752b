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
  const live = (before) => until(page, (before) => smartcam.state().state === "live" && smartcam.state().clientId !== before, before);
  await live("");
  let seen = await shown(page);
  yield seen;

  await live(seen.clientId); // started again before the page has given the session up
  yield await shown(page);

  for (const looked of [false, true]) {
    await until(page, () => smartcam.state().message.includes("away") && smartcam.state().retryAt > Date.now());
    seen = await shown(page);
    yield seen;
    const tries = looked && (await page.evaluate(() => (document.dispatchEvent(new Event("visibilitychange")), !smartcam.state().retryAt)));
    await live(seen.clientId);
    yield { ...(await shown(page)), tries };
  }
});
