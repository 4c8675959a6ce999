/** Interface VideoSource: a live stream and what is known of it (docs/spec/api.md 4.1, 4.2). */
import { defineInterface } from '#core/interface';
import { Binary, IsoTime, Nullable, Type } from '#core/schema';

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
      codec: Type.String({ description: 'as RFC 6381 writes it' }),
      rate: Type.Integer({ unit: 'Hz', description: 'sample rate' }),
      channels: Type.Integer({ description: 'number of channels' }),
    }),
    { description: 'null while there is none' },
  ),
  consumers: Type.Integer({ description: 'number of readers attached now' }),
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
