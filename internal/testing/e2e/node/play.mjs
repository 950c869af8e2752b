// hls.js in Chromium plays sessions of the archive.

import { browse, open, run, until } from "./lib.mjs";

run(async function* ({ urls, page: address, ...job }, keep) {
  const browser = keep(await browse(job));
  const page = await open(browser, address);
  for (const { url, seconds } of urls) {
    await page.evaluate((url) => {
      window.errors = [];
      const video = document.querySelector("video");
      window.hls?.destroy();
      window.hls = new Hls({ lowLatencyMode: false });
      window.hls.on(Hls.Events.ERROR, (_, e) => e.fatal && window.errors.push(`${e.type} ${e.details} ${e.response?.code ?? ""} ${e.error?.message ?? ""}`));
      window.hls.loadSource(url);
      window.hls.attachMedia(video);
      video.muted = true;
      video.play().catch(() => {});
      window.from = undefined;
    }, url);
    // Plays as many seconds of media as are asked for.
    await until(
      page,
      (seconds) => {
        const video = document.querySelector("video");
        if (window.errors.length) return true;
        if (video.readyState >= 3) window.from ??= video.currentTime;
        return video.currentTime - window.from >= seconds;
      },
      seconds,
    );
    yield await page.evaluate(() => {
      const video = document.querySelector("video");
      return {
        errors: window.errors,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
        audio: video.webkitAudioDecodedByteCount,
        width: video.videoWidth,
        duration: Number.isFinite(video.duration) ? video.duration : 0,
        live: window.hls.levels[0]?.details?.live ?? false,
      };
    });
  }
});
