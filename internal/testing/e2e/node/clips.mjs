// The clips of the demo's page in Chromium: one of the doorbell, how it moves, and how it
// plays from the device.

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
    const list = document.getElementById("cliplist");
    new MutationObserver(() => {
      const state = list.querySelector("b")?.dataset.state;
      if (state && states.at(-1) !== state) states.push(state);
    }).observe(list, { subtree: true, childList: true, attributes: true, characterData: true });
  });
  await page.click("#chime");
  await until(page, () => smartcam.clips().some((c) => c.bytes > 0));
  await page.click("#cliplist button");
  const growing = await playing(page);
  if (job.screenshots) await page.screenshot({ path: `${job.screenshots}/clip-growing.png` });
  await page.click("#cliplist button");
  const stopped = await page.evaluate(() => document.getElementById("clip").hidden && !document.getElementById("clip").src);

  await until(page, () => smartcam.clips()[0].state === "uploaded" && states.at(-1) === "uploaded");
  await page.click("#cliplist button");
  const whole = await playing(page);
  if (job.screenshots) await page.screenshot({ path: `${job.screenshots}/clip.png` });
  const { length } = (await page.evaluate(() => smartcam.clips()))[0];
  const titles = await page.locator("#cliplist span").allTextContents();
  const notes = (await page.locator("#events li").allTextContents()).join("\n");

  // One that is not on the device any more is played from the stream.
  const { id } = (await page.evaluate(() => smartcam.clips()))[0];
  await page.route("**/api/clips?*", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const clip of body.clips) clip.onDevice = false;
    await route.fulfill({ response, json: body });
  });
  await until(page, () => smartcam.clips()[0].onDevice === false);
  if (await page.locator("#clip").isVisible()) await page.click("#cliplist button");
  await page.click(`#cliplist [data-id="${id}"] button`);
  await until(page, () => smartcam.past().on);
  const past = await until(page, () => document.getElementById("past").readyState >= 3);
  yield { states: await page.evaluate(() => states), titles, notes, growing, whole, length: length / 1e9, stopped, past };
});
