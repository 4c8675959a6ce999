/** Interface VideoSource: a live stream and what is known of it (docs/spec/api.md 4.1, 4.2). */
import { defineInterface } from '#core/interface';
import { Binary, IsoTime, Nullable, type Static, Type } from '#core/schema';

/** How the media of a source come over the network; counts since the object was created. */
export const NetworkDetails = Type.Object({
  transport: Nullable(Type.String(), { description: 'the one that media come by now: tcp, udp, multicast or http' }),
  packets: Type.Integer({ description: 'number of RTP packets that came' }),
  packets_lost: Type.Integer({ description: 'number of RTP packets that never came, or too late' }),
  packets_late: Type.Integer({
    description: 'number of RTP packets that came when they were given up already, or twice',
  }),
  packets_reordered: Type.Integer({ description: 'number of RTP packets that came out of order and were put right' }),
  samples: Type.Integer({ description: 'number of pictures and audio frames that came of them' }),
  samples_lost: Type.Integer({
    description: 'number of pictures and audio frames that a loss took something of or all; at least one for each hole',
  }),
  jitter: Type.Number({ unit: 'ms', description: 'interarrival jitter now (RFC 3550 A.8)' }),
  errors_in_a_row: Type.Integer({ description: 'number of attempts to connect that have failed since media flowed' }),
  reconnects: Type.Integer({ description: 'number of times that media flowed anew after an interruption' }),
  device_clock: Nullable(Type.Integer(), {
    unit: 'ms',
    description: 'clock of the device minus ours, by its latest sender report; null while there is none',
  }),
  quirks: Type.Array(Type.String(), { description: 'names of the rules that the device was seen to break' }),
});
export type NetworkDetails = Static<typeof NetworkDetails>;

const totalOf = (what: string) =>
  Type.Object(
    {
      bytes: Type.Integer({ description: 'of media, without headers' }),
      samples: Type.Integer({ description: 'number of pictures or audio frames' }),
    },
    { description: `what came of ${what}` },
  );

/** What `details` answers. Clients poll it, so all of it is at hand without asking the camera. */
export const SourceDetails = Type.Object({
  resolution: Type.Array(Type.Integer(), {
    minItems: 2,
    maxItems: 2,
    description: '[width, height] in pixels; [0,0] before the first picture',
  }),
  bitrate: Type.Integer({ description: 'bits per second over the last seconds, all tracks' }),
  framerate: Type.Number({ description: 'pictures per second over the last seconds' }),
  last_frame: Type.String({
    ...IsoTime,
    description: 'arrival of the last picture; 1970-01-01T00:00:00.000Z before the first',
  }),
  state: Type.String({ description: 'state of the object, config.md 6.1' }),
  codec: Nullable(Type.String(), { description: 'of the video, as RFC 6381 writes it; null while there is none' }),
  audio: Nullable(
    Type.Object({
      codec: Type.String({ description: 'aac, opus, pcmu, pcma or lpcm' }),
      rate: Type.Integer({ unit: 'Hz', description: 'sample rate' }),
      channels: Type.Integer({ description: 'number of channels' }),
    }),
    { description: 'null while there is none' },
  ),
  consumers: Type.Integer({ description: 'number of readers attached now' }),
  totals: Type.Object(
    { video: totalOf('video'), audio: totalOf('audio') },
    { description: 'since the object was created' },
  ),
  network: Nullable(NetworkDetails, { description: 'null for a source that is not one of the network' }),
});

/** Every source has it. */
export const VideoSource = defineInterface('VideoSource', {
  doc: 'A live stream of video, with audio if there is any.',
  functions: {
    details: {
      doc: 'Resolution, bit rate, frame rate and time of the last picture. Cheap; never wakes a dynamic source.',
      right: 'read',
      params: Type.Object({}),
      result: SourceDetails,
      http: { verb: 'GET', path: '' },
    },
    playlist: {
      doc: 'Live HLS media playlist.',
      right: 'read',
      transport: 'stream',
      timeoutMs: 15_000,
      params: Type.Object({
        container: Type.Optional(
          Type.Union([Type.Literal('fmp4'), Type.Literal('ts')], {
            description: "default: the server's hls.container",
          }),
        ),
      }),
      result: Type.String(),
      http: { verb: 'GET', path: 'stream.m3u8' },
    },
    hls: {
      doc: 'Init segment, segments and parts that the playlist names.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({ path: Type.String({ description: 'as the playlist has it, after hls/' }) }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: 'hls/{path*}' },
    },
    keyframe: {
      doc: 'The newest key frame as a one-sample fragmented MP4, without decoding.',
      right: 'read',
      timeoutMs: 15_000,
      params: Type.Object({}),
      result: Binary('video/mp4'),
      http: { verb: 'GET', path: 'keyframe' },
    },
  },
  signals: {
    StreamChanged: {
      doc: 'Codec or resolution differ from before.',
      data: Type.Object({
        codec: Type.String({ description: 'of the video, as RFC 6381 writes it' }),
        resolution: Type.Array(Type.Integer(), { description: '[width, height] in pixels' }),
      }),
    },
  },
});
