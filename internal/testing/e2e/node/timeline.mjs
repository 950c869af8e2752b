// The timeline of the demo's page in Chromium: what is recorded, a time in it
// played by mouse, by keys and by touch, and back to live.

import { browse, open, run, until } from "./lib.mjs";

const past = (page) => page.evaluate(() => smartcam.past());

// picture tells what the element that plays the past shows: its mean brightness,
// and a fingerprint of it.
const picture = (page) =>
  page.evaluate(() => {
    const canvas = new OffscreenCanvas(64, 36);
    const context = canvas.getContext("2d");
    context.drawImage(document.getElementById("past"), 0, 0, 64, 36);
    const { data } = context.getImageData(0, 0, 64, 36);
    return { brightness: data.reduce((sum, n, i) => (i % 4 === 3 ? sum : sum + n), 0) / (data.length * 0.75), print: data.join() };
  });

// moving waits until the past plays, and returns what it shows two seconds apart.
async function moving(page) {
  const time = () => page.evaluate(() => document.getElementById("past").currentTime);
  await until(page, () => document.getElementById("past").readyState >= 3 && !document.getElementById("past").seeking);
  const [from, one] = [await time(), await picture(page)];
  await until(page, (from) => document.getElementById("past").currentTime > from + 2, from);
  const two = await picture(page);
  return { advanced: (await time()) - from, brightness: one.brightness, changed: one.print !== two.print };
}

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, job.page, { viewport: { width: 1280, height: 900 } });
  await until(page, () => smartcam.state().state === "live");
  await until(page, (ms) => {
    const [span] = smartcam.past().recorded;
    return span && span.end - span.start > ms;
  }, job.recorded);

  const bar = await page.locator(".spans").boundingBox();
  const shown = await page.locator(".spans i").evaluateAll((all) => all.map((i) => i.getBoundingClientRect().width));
  const { recorded, now } = await past(page);

  // Where the bar ends while the next fragment is on its way, and while nothing comes.
  const ends = await page.evaluate(async () => {
    const { Timeline } = await import("./timeline.js");
    const root = document.getElementById("timeline").cloneNode(true);
    const timeline = new Timeline(root);
    return [4000, 12000].map((ago) => {
      const now = Date.now();
      timeline.update({ now, fragment: 2000, spans: [{ start: now - 40000, end: now - ago }] });
      const { insetInlineStart, inlineSize } = root.querySelector(".spans i").style;
      return parseFloat(insetInlineStart) + parseFloat(inlineSize);
    });
  });

  // Ten seconds before now, on a bar of one minute.
  await page.mouse.click(bar.x + bar.width * (1 - 10 / 60), bar.y + bar.height / 2);
  await until(page, () => smartcam.past().on);
  const clicked = { ...(await moving(page)), at: (await past(page)).at, now: await page.evaluate(() => Date.now()) };
  const live = await page.evaluate(async () => {
    const video = document.getElementById("video");
    const from = video.currentTime;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return { advanced: video.currentTime - from, width: video.getBoundingClientRect().width };
  });
  if (job.screenshots) await page.screenshot({ path: `${job.screenshots}/past.png` });

  const before = (await past(page)).at;
  await page.focus("#when");
  await page.keyboard.press("ArrowLeft");
  await until(page, (before) => smartcam.past().at < before - 2000, before);
  const keyed = await moving(page);
  const spoken = await page.getAttribute("#when", "aria-valuetext");

  await page.click("#golive");
  await until(page, () => !smartcam.past().on);
  const back = await page.evaluate(() => ({
    mode: document.getElementById("stage").dataset.mode,
    hidden: getComputedStyle(document.getElementById("past")).visibility === "hidden",
    pressed: document.getElementById("golive").getAttribute("aria-pressed") === "true",
  }));

  // A stretch that ends shortly before now leads to live.
  await page.click("#back");
  await until(page, () => smartcam.past().on);
  const again = await moving(page);
  await until(page, () => !smartcam.past().on);
  yield { recorded, now, shown, ends, bar: bar.width, clicked, live, keyed, spoken, back, again };

  if (job.screenshots) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.screenshot({ path: `${job.screenshots}/live.png` });
  }
  const phone = await open(browser, job.page, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
  await until(phone, () => smartcam.past().recorded.length > 0);
  const touched = await phone.locator(".spans").boundingBox();
  await phone.touchscreen.tap(touched.x + touched.width * 0.8, touched.y + touched.height / 2);
  const tapped = await moving(phone);
  const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (job.screenshots) await phone.screenshot({ path: `${job.screenshots}/past-phone.png` });
  yield { tapped, overflow };
});
