// What the scripts share. A script gets its job as one line of JSON on standard
// input, writes each result as one line to standard output, goes on when an
// empty line comes, and keeps what it has opened until its input ends.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { KinesisVideo } from "@aws-sdk/client-kinesis-video";
import { KinesisVideoSignaling } from "@aws-sdk/client-kinesis-video-signaling";

export const patience = 60000; // ms for a condition in a page

// run does the work: work(job, keep) yields the results; keep(closeable) has
// something closed at the end.
export async function run(work) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const job = JSON.parse((await lines.next()).value);
  const kept = [];
  const keep = (it) => (kept.push(it), it);
  const write = (result) => process.stdout.write(JSON.stringify(result) + "\n");
  try {
    for await (const result of work(job, keep)) {
      write(result);
      if ((await lines.next()).done) break;
    }
  } catch (err) {
    write({ failure: err.stack ?? String(err) });
  }
  for (const it of kept.reverse()) await it.close();
}

// browse opens Chromium with a fake microphone and camera.
export function browse({ chromium: executablePath, trust = [] }) {
  const args = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
  ];
  if (trust.length) args.push(`--ignore-certificate-errors-spki-list=${trust.join(",")}`);
  return chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args });
}

// open opens a page whose errors are told on standard error.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ permissions: ["microphone"], ...options });
  const page = await context.newPage();
  page.on("pageerror", (err) => console.error(err.stack ?? err));
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && console.error(m.text()));
  await page.goto(url);
  return page;
}

// access asks the control plane, with the AWS SDK, for what the signaling client
// of a page needs.
export async function access({ endpoint, region, credentials, channel, clientId }, role) {
  const control = new KinesisVideo({ endpoint, region, credentials });
  const { ChannelInfo } = await control.describeSignalingChannel({ ChannelName: channel });
  const channelARN = ChannelInfo.ChannelARN;
  const { ResourceEndpointList: list } = await control.getSignalingChannelEndpoint({
    ChannelARN: channelARN,
    SingleMasterChannelEndpointConfiguration: { Protocols: ["WSS", "HTTPS"], Role: role },
  });
  const at = (protocol) => list.find((e) => e.Protocol === protocol).ResourceEndpoint;
  const signaling = new KinesisVideoSignaling({ endpoint: at("HTTPS"), region, credentials });
  const { IceServerList } = await signaling.getIceServerConfig({ ChannelARN: channelARN, ClientId: clientId });
  const iceServers = IceServerList.map((s) => ({ urls: s.Uris, username: s.Username, credential: s.Password }));
  return { client: { channelARN, channelEndpoint: at("WSS"), region, credentials, role, clientId }, iceServers };
}

// until waits until the numbers of the page's peer connection, window.pc, hold,
// and returns them.
export async function until(page, holds) {
  await page.evaluate(`setInterval(${count}, 100)`);
  const done = await page.waitForFunction(`window.numbers && (${holds})(window.numbers) && window.numbers`, null, { timeout: patience });
  return done.jsonValue();
}

// count keeps window.numbers up to date. It runs in the page.
async function count() {
  const stats = [...(await window.pc.getStats()).values()];
  const of = (type, kind) => stats.find((s) => s.type === type && s.kind === kind) ?? {};
  const video = of("inbound-rtp", "video");
  const audio = of("inbound-rtp", "audio");
  window.numbers = {
    frames: video.framesDecoded ?? 0,
    key: video.keyFramesDecoded ?? 0,
    width: video.frameWidth ?? 0,
    height: video.frameHeight ?? 0,
    codec: stats.find((s) => s.id === video.codecId)?.mimeType ?? "",
    audio: audio.packetsReceived ?? 0,
  };
}
