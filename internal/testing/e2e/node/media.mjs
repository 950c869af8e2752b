// The AWS SDK for JavaScript v3: every call of streams and of their archive, and
// what is refused.

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { run } from "./lib.mjs";
import { KinesisVideo } from "@aws-sdk/client-kinesis-video";
import { KinesisVideoArchivedMedia } from "@aws-sdk/client-kinesis-video-archived-media";
import { KinesisVideoMedia } from "@aws-sdk/client-kinesis-video-media";

run(async function* ({ endpoint, region, owner, thing, start, end, dir }) {
  const control = new KinesisVideo({ endpoint, region, credentials: owner });
  const refusal = async (call) => {
    try {
      await call;
      return { name: "" };
    } catch (err) {
      return { name: err.name, status: err.$metadata?.httpStatusCode ?? 0, message: err.message };
    }
  };

  const StreamName = "garage";
  const { StreamARN } = await control.createStream({ StreamName, DataRetentionInHours: 2, MediaType: "video/h264", Tags: { room: "garage" } });
  const describe = async () => (await control.describeStream({ StreamARN })).StreamInfo;
  const created = await describe();
  await control.updateDataRetention({
    StreamName,
    CurrentVersion: created.Version,
    Operation: "INCREASE_DATA_RETENTION",
    DataRetentionChangeInHours: 22,
  });
  const updated = await describe();
  await control.tagStream({ StreamARN, Tags: { floor: "0" } });
  await control.untagStream({ StreamName, TagKeyList: ["room"] });
  const { Tags: tags } = await control.listTagsForStream({ StreamARN });
  const names = []; // page by page
  let NextToken;
  do {
    const page = await control.listStreams({ MaxResults: 1, NextToken });
    names.push(...page.StreamInfoList.map((s) => s.StreamName));
    NextToken = page.NextToken;
  } while (NextToken);
  const images = {
    Status: "ENABLED",
    ImageSelectorType: "SERVER_TIMESTAMP",
    DestinationConfig: { Uri: "s3://pictures", DestinationRegion: region },
    SamplingInterval: 3000,
    Format: "JPEG",
    FormatConfig: { JPEGQuality: "90" },
  };
  await control.updateImageGenerationConfiguration({ StreamName, ImageGenerationConfiguration: images });
  const { ImageGenerationConfiguration: configured } = await control.describeImageGenerationConfiguration({ StreamName });
  const notifications = { Status: "DISABLED", DestinationConfig: { Uri: "arn:aws:sns:us-west-2:123456789012:door" } };
  await control.updateNotificationConfiguration({ StreamName, NotificationConfiguration: notifications });
  const { NotificationConfiguration: notified } = await control.describeNotificationConfiguration({ StreamName });
  const same = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
  yield { created, updated, tags, names, images: same(configured, images), notifications: same(notified, notifications) };

  // data makes a client of a data endpoint.
  const data = async (Client, APIName, credentials = owner, StreamName = "door") => {
    const { DataEndpoint } = await control.getDataEndpoint({ StreamName, APIName });
    return new Client({ endpoint: DataEndpoint, region, credentials });
  };
  const door = { StreamName: "door" };
  const archive = await data(KinesisVideoArchivedMedia, "LIST_FRAGMENTS");
  const TimestampRange = { StartTimestamp: new Date(start), EndTimestamp: new Date(end) };
  const FragmentSelector = { FragmentSelectorType: "PRODUCER_TIMESTAMP", TimestampRange };
  const fragments = [];
  do {
    const page = await archive.listFragments({ ...door, MaxResults: 4, NextToken, FragmentSelector });
    fragments.push(...page.Fragments);
    NextToken = page.NextToken;
  } while (NextToken);
  const save = async (name, payload) => {
    const bytes = await payload.transformToByteArray();
    await writeFile(`${dir}/${name}`, bytes);
    return createHash("sha256").update(bytes).digest("hex");
  };
  const media = await data(KinesisVideoMedia, "GET_MEDIA");
  const got = await media.getMedia({ ...door, StartSelector: { StartSelectorType: "EARLIEST" } });
  await save("media.mkv", got.Payload);
  const list = await archive.getMediaForFragmentList({ ...door, Fragments: fragments.map((f) => f.FragmentNumber) });
  await save("list.mkv", list.Payload);
  const clip = await archive.getClip({ ...door, ClipFragmentSelector: FragmentSelector });
  await save("clip.mp4", clip.Payload);
  const hls = await archive.getHLSStreamingSessionURL({ ...door, PlaybackMode: "ON_DEMAND", HLSFragmentSelector: FragmentSelector });
  const dash = await archive.getDASHStreamingSessionURL({ ...door, PlaybackMode: "ON_DEMAND", DASHFragmentSelector: FragmentSelector });
  const pictures = await archive.getImages({
    ...door,
    ImageSelectorType: "PRODUCER_TIMESTAMP",
    ...TimestampRange,
    SamplingInterval: 5000,
    Format: "JPEG",
    WidthPixels: 320,
  });
  yield {
    fragments: fragments.map((f) => ({ ...f, ProducerTimestamp: f.ProducerTimestamp.getTime(), ServerTimestamp: f.ServerTimestamp.getTime() })),
    contentType: got.ContentType,
    hls: hls.HLSStreamingSessionURL,
    dash: dash.DASHStreamingSessionURL,
    images: pictures.Images.map((i) => i.Error ?? Buffer.from(i.ImageContent, "base64").subarray(0, 2).toString("hex")),
  };

  yield {
    exists: await refusal(control.createStream({ StreamName })),
    version: await refusal(control.deleteStream({ StreamARN, CurrentVersion: created.Version })),
    missing: await refusal(control.describeStream({ StreamName: "nowhere" })),
    foreign: await refusal(new KinesisVideo({ endpoint, region, credentials: thing }).describeStream({ StreamARN })),
    thingReads: await refusal((await data(KinesisVideoMedia, "GET_MEDIA", thing)).getMedia({ ...door, StartSelector: { StartSelectorType: "NOW" } })),
    nothing: await refusal(archive.getHLSStreamingSessionURL({ StreamName, PlaybackMode: "LIVE" })),
    range: await refusal(archive.getHLSStreamingSessionURL({ ...door, PlaybackMode: "ON_DEMAND" })),
    deleted: await refusal(
      (async () => {
        await control.deleteStream({ StreamARN, CurrentVersion: (await describe()).Version });
        await describe();
      })(),
    ),
  };
});
