// The demo's page by the addresses of the job: live, directly and through the TURN
// server, and without a microphone; with one by a proxy with TLS.

import { browse, open, run, until } from "./lib.mjs";

const live = (page) => until(page, async () => smartcam.state().state === "live" && smartcam.stats()?.path && (await smartcam.framesDecoded()) > 10);

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const pages = [];
  for (const url of job.pages) {
    const page = await open(browser, url);
    await live(page);
    const direct = await page.evaluate(() => !smartcam.stats().relayed);
    const talk = await page.locator("#talktext").textContent();
    await page.click("#talk", { force: true });
    await until(page, () => document.getElementById("hint").textContent);
    const hint = await page.locator("#hint").textContent();
    const frames = await page.evaluate(() => smartcam.framesDecoded());
    await page.context().addInitScript(() => {
      const Peer = window.RTCPeerConnection;
      window.RTCPeerConnection = class extends Peer {
        constructor(config) {
          super({ ...config, iceTransportPolicy: "relay" });
        }
      };
    });
    await page.reload();
    await live(page);
    // The browser has no address of its own to offer; to the camera the relay's may be another than it said.
    const { relay, host } = await page.evaluate(() => smartcam.stats().candidates.local);
    pages.push({ page: url, talk, hint, frames, direct, relayed: relay > 0 && !host });
    await page.context().close();
  }
  const page = await open(browser, job.proxied);
  await live(page);
  await page.locator("#talk").hover();
  await page.mouse.down();
  await until(page, () => smartcam.state().talking && smartcam.state().talker === smartcam.state().clientId);
  yield { pages, talked: true };
});
