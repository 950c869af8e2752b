// The AWS SDK for JavaScript v3: every call of signaling channels, and what is
// refused.

import { run } from "./lib.mjs";
import { KinesisVideo } from "@aws-sdk/client-kinesis-video";
import { KinesisVideoSignaling } from "@aws-sdk/client-kinesis-video-signaling";
import { KinesisVideoWebRTCStorage } from "@aws-sdk/client-kinesis-video-webrtc-storage";

run(async function* ({ endpoint, region, owner, thing, expired, stream }) {
  const as = (credentials) => new KinesisVideo({ endpoint, region, credentials });
  const control = as(owner);

  const { ChannelARN } = await control.createSignalingChannel({
    ChannelName: "garage",
    ChannelType: "SINGLE_MASTER",
    SingleMasterConfiguration: { MessageTtlSeconds: 30 },
    Tags: [{ Key: "room", Value: "garage" }],
  });
  const describe = async () => (await control.describeSignalingChannel({ ChannelARN })).ChannelInfo;
  const created = await describe();
  await control.updateSignalingChannel({
    ChannelARN,
    CurrentVersion: created.Version,
    SingleMasterConfiguration: { MessageTtlSeconds: 90 },
  });
  const updated = await describe();

  const tags = async () => (await control.listTagsForResource({ ResourceARN: ChannelARN })).Tags;
  await control.tagResource({ ResourceARN: ChannelARN, Tags: [{ Key: "floor", Value: "0" }] });
  const tagged = await tags();
  await control.untagResource({ ResourceARN: ChannelARN, TagKeyList: ["room"] });
  const untagged = await tags();

  const names = []; // page by page
  let NextToken;
  do {
    const page = await control.listSignalingChannels({ MaxResults: 1, NextToken });
    names.push(...page.ChannelInfoList.map((c) => c.ChannelName));
    NextToken = page.NextToken;
  } while (NextToken);

  const storage = async () => (await control.describeMediaStorageConfiguration({ ChannelARN })).MediaStorageConfiguration;
  const storageBefore = await storage();
  await control.updateMediaStorageConfiguration({ ChannelARN, MediaStorageConfiguration: { Status: "ENABLED", StreamARN: stream } });
  const storageAfter = await storage();

  const endpoints = async (Role, Protocols) =>
    Object.fromEntries(
      (
        await control.getSignalingChannelEndpoint({ ChannelARN, SingleMasterChannelEndpointConfiguration: { Protocols, Role } })
      ).ResourceEndpointList.map((e) => [e.Protocol, e.ResourceEndpoint]),
    );
  const master = await endpoints("MASTER", ["WSS", "HTTPS", "WEBRTC"]);
  const viewer = await endpoints("VIEWER", ["WSS", "HTTPS"]);

  const signaling = new KinesisVideoSignaling({ endpoint: master.HTTPS, region, credentials: owner });
  const { IceServerList: ice } = await signaling.getIceServerConfig({ ChannelARN, Service: "TURN", ClientId: "phone" });

  yield { arn: ChannelARN, created, updated, tagged, untagged, names, storageBefore, storageAfter, master, viewer, ice };

  const joiner = new KinesisVideoWebRTCStorage({ endpoint: master.WEBRTC, region, credentials: owner });
  await joiner.joinStorageSession({ channelArn: ChannelARN });
  yield {};
  await joiner.joinStorageSessionAsViewer({ channelArn: ChannelARN, clientId: "phone" });
  yield {};

  const refusal = async (call) => {
    try {
      await call;
      return { name: "" };
    } catch (err) {
      return { name: err.name, status: err.$metadata?.httpStatusCode ?? 0, message: err.message };
    }
  };
  yield {
    exists: await refusal(control.createSignalingChannel({ ChannelName: "garage" })),
    badName: await refusal(control.createSignalingChannel({ ChannelName: "no blanks" })),
    version: await refusal(
      control.updateSignalingChannel({
        ChannelARN,
        CurrentVersion: created.Version,
        SingleMasterConfiguration: { MessageTtlSeconds: 60 },
      }),
    ),
    missing: await refusal(control.describeSignalingChannel({ ChannelName: "nowhere" })),
    missingICE: await refusal(signaling.getIceServerConfig({ ChannelARN: ChannelARN.replace("garage", "nowhere") })),
    foreign: await refusal(as(thing).describeSignalingChannel({ ChannelName: "garage" })),
    foreignICE: await refusal(
      new KinesisVideoSignaling({ endpoint: master.HTTPS, region, credentials: thing }).getIceServerConfig({ ChannelARN }),
    ),
    foreignStorage: await refusal(
      new KinesisVideoWebRTCStorage({ endpoint: master.WEBRTC, region, credentials: thing }).joinStorageSession({
        channelArn: ChannelARN,
      }),
    ),
    thingDeletes: await refusal(as(thing).deleteSignalingChannel({ ChannelARN })),
    expired: await refusal(as(expired).describeSignalingChannel({ ChannelName: "old" })),
    unknownKey: await refusal(as({ ...owner, accessKeyId: "AKIAIOSFODNN7EXAMPLE" }).describeSignalingChannel({ ChannelARN })),
    wrongSecret: await refusal(as({ ...owner, secretAccessKey: "wrong" }).describeSignalingChannel({ ChannelARN })),
  };

  await control.deleteSignalingChannel({ ChannelARN, CurrentVersion: updated.Version });
  yield { deleted: await refusal(describe()) };
});
