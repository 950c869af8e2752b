// What the scripts share. A script gets its job as one line of JSON on standard
// input, writes each result as one line to standard output, goes on when an
// empty line comes, and keeps what it has opened until its input ends.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { KinesisVideo } from "@aws-sdk/client-kinesis-video";
import { KinesisVideoSignaling } from "@aws-sdk/client-kinesis-video-signaling";

const patience = 60000; // ms for a condition in a page

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

// open opens a page whose errors are told on standard error, signatures aside.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ permissions: ["microphone"], ...options });
  const page = await context.newPage();
  page.on("pageerror", (err) => console.error(err.stack ?? err));
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && console.error(m.text().replace(/\?X-Amz-[^'" ]*/g, "?…")));
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

// until asks the page until holds(arg), which runs in the page, is true, and
// returns what that gave. Unlike Playwright's waitForFunction it heeds promises
// and works under a Content-Security-Policy.
export function until(page, holds, arg) {
  return page.evaluate(`(async () => {
    const holds = ${holds};
    const end = performance.now() + ${patience};
    for (;;) {
      const result = await holds(${JSON.stringify(arg)});
      if (result) return result;
      if (performance.now() > end) throw new Error("in vain waited for " + holds);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })()`);
}

// count gives the page a function numbers, which sums up the statistics of its
// peer connection, window.pc.
export const count = (page) =>
  page.evaluate(() => {
    window.numbers = async () => {
      const stats = window.pc ? [...(await window.pc.getStats()).values()] : [];
      const of = (type, kind) => stats.find((s) => s.type === type && s.kind === kind) ?? {};
      const video = of("inbound-rtp", "video");
      const { selectedCandidatePairId } = stats.find((s) => s.type === "transport") ?? {};
      const { localCandidateId } = stats.find((s) => s.id === selectedCandidatePairId) ?? {};
      return {
        frames: video.framesDecoded ?? 0,
        key: video.keyFramesDecoded ?? 0,
        width: video.frameWidth ?? 0,
        height: video.frameHeight ?? 0,
        codec: stats.find((s) => s.id === video.codecId)?.mimeType ?? "",
        audio: of("inbound-rtp", "audio").packetsReceived ?? 0,
        path: stats.find((s) => s.id === localCandidateId)?.candidateType ?? "",
      };
    };
  });
