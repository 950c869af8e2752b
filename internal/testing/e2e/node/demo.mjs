// The demo's page in Chromium: its picture, its commands, its user's voice, ten
// of it at once and one too many.

import { browse, open, run, until } from "./lib.mjs";

const tabs = 10; // what the camera takes

const state = (page) => page.evaluate(() => smartcam.state());

// watch opens a page and waits until it shows the camera.
async function watch(browser, url, options) {
  const page = await open(browser, url, options);
  await until(page, () => smartcam.state().state === "live");
  return page;
}

const decoded = (page) =>
  until(page, async () => {
    const frames = await smartcam.framesDecoded();
    return frames > 50 && frames;
  });

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const first = await watch(browser, job.page);
  const frames = await decoded(first);

  await until(first, () => smartcam.state().connected);
  const call = (name, body) => first.evaluate(([n, b]) => window.smartcam.call(n, b), [name, body]);
  const unknown = await call("fly", {}).then(
    () => "",
    (err) => err.message,
  );
  await first.click("#night");
  await until(first, () => smartcam.state().night);
  const night = await call("status");
  await first.click("#night");
  await until(first, () => !smartcam.state().night);
  const day = await call("status");

  const silent = await call("status");
  const button = await first.locator("#talk").boundingBox();
  await first.mouse.move(button.x + button.width / 2, button.y + button.height / 2);
  await first.mouse.down();
  await until(first, () => {
    const { talking, talker, clientId } = smartcam.state();
    return talking && talker === clientId;
  });
  await until(first, async (before) => (await smartcam.call("status")).talkPackets > before + 50, silent.talkPackets);
  const onAir = await first.locator("#onair").isVisible();
  // How far down the picture the badges begin, 0 to 1: cameras print their clocks at the top.
  const badges = [];
  for (const width of [320, 390, 768, 1280]) {
    await first.setViewportSize({ width, height: 800 });
    await until(first, () => !document.getElementById("latency").hidden);
    badges.push(
      await first.evaluate(() => {
        const stage = document.getElementById("stage").getBoundingClientRect();
        const tops = ["latency", "onair"].map((id) => document.getElementById(id).getBoundingClientRect().top);
        return (Math.min(...tops) - stage.top) / stage.height;
      }),
    );
  }
  await first.mouse.up();
  await until(first, () => !smartcam.state().talking && smartcam.state().talker === "");

  const heard = () => first.evaluate(async () => [...(await smartcam.pc.getStats()).values()].find((s) => s.type === "inbound-rtp" && s.kind === "audio")?.packetsReceived ?? 0);
  const sound = [await heard()];
  await first.click("#sound");
  await until(first, async () => [...(await smartcam.pc.getStats()).values()].some((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.packetsReceived > 20));
  sound.push(await heard());
  await first.click("#sound");
  await until(first, async () => ![...(await smartcam.pc.getStats()).values()].some((s) => s.type === "inbound-rtp" && s.kind === "audio"));
  sound.push(await heard());
  yield { frames, sound, badges, unknown, night: night.night, day: !day.night, onAir, talkedAs: (await state(first)).clientId };

  if (job.screenshots) {
    await first.setViewportSize({ width: 1280, height: 800 });
    await first.screenshot({ path: `${job.screenshots}/desktop.png` });
  }

  const pages = [first];
  while (pages.length < tabs - 1) pages.push(await watch(browser, job.page));
  const phone = await watch(browser, job.page, {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  });
  pages.push(phone);
  const counts = [];
  for (const page of pages) counts.push(await decoded(page));
  await until(first, (n) => smartcam.state().viewers === n, tabs);
  if (job.screenshots) await phone.screenshot({ path: `${job.screenshots}/phone.png` });

  const extra = await open(browser, job.page);
  await until(extra, () => smartcam.state().code);
  const refused = { ...(await state(extra)), pill: await extra.locator("#state").textContent(), text: await extra.locator("#message").textContent() };
  // A page that a busy machine kept waiting mends its session by itself.
  for (const page of pages) await until(page, () => smartcam.state().state === "live");
  const states = await Promise.all(pages.map(async (page) => (await state(page)).state));
  yield { counts, viewers: (await state(first)).viewers, states, refused };

  if (job.screenshots) await extra.screenshot({ path: `${job.screenshots}/full.png` });
  await pages[1].context().close();
  await until(extra, () => smartcam.state().state === "live");
  yield { frames: await extra.evaluate(() => smartcam.framesDecoded()) };
});
