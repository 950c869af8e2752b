// The clips of the demo's page in Chromium: one of the doorbell, how it moves, and how it
// plays from the device; and one of the visitor, who comes unasked.

import { browse, open, run, until } from "./lib.mjs";

// playing waits until the player of clips plays, and returns what it shows.
async function playing(page) {
  await until(page, () => document.getElementById("clip").readyState >= 3 && !document.getElementById("clip").hidden);
  const print = () =>
    page.evaluate(() => {
      const clip = document.getElementById("clip");
      const canvas = new OffscreenCanvas(64, 36);
      const context = canvas.getContext("2d");
      context.drawImage(clip, 0, 0, 64, 36);
      return { at: clip.currentTime, print: context.getImageData(0, 0, 64, 36).data.join() };
    });
  const one = await print();
  await until(page, (from) => document.getElementById("clip").currentTime > from + 1, one.at);
  const two = await print();
  const { width, duration } = await page.evaluate(() => ({ width: document.getElementById("clip").videoWidth, duration: document.getElementById("clip").duration }));
  return { advanced: two.at - one.at, changed: one.print !== two.print, width, duration };
}

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page, { viewport: { width: 1280, height: 900 } });
  await until(page, () => smartcam.state().state === "live" && !document.getElementById("chime").disabled);
  await page.evaluate(() => {
    window.states = [];
    window.rung = () => smartcam.clips().find((c) => c.events.some((e) => e.type === "doorbell"));
    const list = document.getElementById("cliplist");
    new MutationObserver(() => {
      const state = window.rung() && list.querySelector(`[data-id="${window.rung().id}"] b`)?.dataset.state;
      if (state && states.at(-1) !== state) states.push(state);
    }).observe(list, { subtree: true, childList: true, attributes: true, characterData: true });
  });
  await page.click("#chime");
  await until(page, () => rung()?.bytes > 0);
  await page.click("#chime"); // once more, for the same clip
  await until(page, () => rung().events.filter((e) => e.type === "doorbell" && e.pictureBytes > 0).length === 2);
  const { id } = await page.evaluate(() => rung());
  const row = `#cliplist [data-id="${id}"] button`;
  await page.click(row);
  const growing = await playing(page);
  if (job.screenshots) await page.screenshot({ path: `${job.screenshots}/clip-growing.png` });
  await page.click(row);
  const stopped = await page.evaluate(() => document.getElementById("clip").hidden && !document.getElementById("clip").src);

  await until(page, () => rung().state === "uploaded" && states.at(-1) === "uploaded");
  await page.click(row);
  const whole = await playing(page);
  if (job.screenshots) await page.screenshot({ path: `${job.screenshots}/clip.png` });
  const { lengthSeconds } = await page.evaluate(() => rung());
  const title = await page.locator(`${row} span`).textContent();
  const latest = await page.evaluate((row) => document.querySelector(`${row} img`).src.endsWith(rung().events.findLast((e) => e.pictureBytes).id), row);

  // The visitor comes each minute.
  await until(page, () => smartcam.clips().some((c) => c.events.some((e) => e.type === "motion")));
  const seen = await until(page, () => {
    const visit = smartcam.clips().find((c) => c.events.some((e) => e.type === "motion"));
    const img = document.querySelector(`#cliplist [data-id="${visit.id}"] img`);
    return img && !img.hidden && img.complete && img.naturalWidth;
  });
  await until(page, () => smartcam.clips().some((c) => c.lengthSeconds > 0 && c.events.some((e) => e.type === "motion" && e.picturePut)));
  const titles = await page.locator("#cliplist span").allTextContents();
  const notes = (await page.locator("#events li").allTextContents()).join("\n");
  if (job.screenshots) await page.screenshot({ path: `${job.screenshots}/visit.png` });

  // One that is not on the device any more is played from the stream.
  await page.route("**/api/clips?*", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const clip of body.clips) clip.onDevice = false;
    await route.fulfill({ response, json: body });
  });
  await until(page, () => rung().onDevice === false);
  if (await page.locator("#clip").isVisible()) await page.click(row);
  await page.click(row);
  await until(page, () => smartcam.past().on);
  const past = await until(page, () => document.getElementById("past").readyState >= 3);
  yield { states: await page.evaluate(() => states), title, titles, seen, latest, notes, growing, whole, length: lengthSeconds, stopped, past };
});
