// Chromium's peer connections as viewers, one page for each of the job's flows,
// all at once.

import { access, browse, count, open, run, until } from "./lib.mjs";
import { view } from "./view.mjs";

run(async function* (job, keep) {
  const browser = keep(await browse(job));
  const watch = async (flow) => {
    const page = await open(browser, job.page);
    await page.evaluate(view, { ...(await access({ ...job, channel: flow.channel }, "VIEWER")), ...flow });
    await count(page);
    await page.evaluate(() => negotiate());
    const takes = await page.evaluate(() => window.takes());
    const arrived = async ({ enough, takes }) => {
      const n = await numbers();
      return (!takes.includes("video") || (n.frames >= enough && n.key > 0)) && (!takes.includes("audio") || n.audio >= enough);
    };
    const arrives = await until(page, arrived, { enough: job.enough, takes }).catch(() => false);
    return { takes, arrives, ...(await page.evaluate(() => numbers())), sdp: await page.evaluate(() => pc.remoteDescription.sdp) };
  };
  yield { flows: await Promise.all(job.flows.map(watch)) };
});
