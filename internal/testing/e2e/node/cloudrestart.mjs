// The AWS SDK for JavaScript v3 and AWS's WebRTC SDK in Node: what a program keeps
// (credentials, the channel's ARN, endpoints, clients) works on after the cloud was
// started again.

import KVSWebRTC from "amazon-kinesis-video-streams-webrtc";
import { KinesisVideo } from "@aws-sdk/client-kinesis-video";
import { KinesisVideoSignaling } from "@aws-sdk/client-kinesis-video-signaling";
import { run } from "./lib.mjs";

run(async function* ({ endpoint, region, credentials, channel }) {
  const control = new KinesisVideo({ endpoint, region, credentials });
  const { ChannelInfo } = await control.describeSignalingChannel({ ChannelName: channel });
  const { ChannelARN } = ChannelInfo;
  const { ResourceEndpointList } = await control.getSignalingChannelEndpoint({
    ChannelARN,
    SingleMasterChannelEndpointConfiguration: { Protocols: ["WSS", "HTTPS"], Role: "MASTER" },
  });
  const at = (protocol) => ResourceEndpointList.find((e) => e.Protocol === protocol).ResourceEndpoint;
  const signaling = new KinesisVideoSignaling({ endpoint: at("HTTPS"), region, credentials });

  // connect opens the WebSocket, which the SDK signs by itself.
  const connect = () =>
    new Promise((resolve, reject) => {
      const client = new KVSWebRTC.SignalingClient({ role: "MASTER", channelARN: ChannelARN, channelEndpoint: at("WSS"), region, credentials });
      client.on("error", reject);
      client.on("open", () => {
        client.close();
        resolve();
      });
      client.open();
    });
  const use = async () => {
    await connect();
    const { IceServerList } = await signaling.getIceServerConfig({ ChannelARN });
    const { ChannelInfo: now } = await control.describeSignalingChannel({ ChannelARN });
    return { arn: now.ChannelARN, version: now.Version, servers: IceServerList.length };
  };
  yield await use();
  yield await use();
});
