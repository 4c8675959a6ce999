import { defineInterface } from '#core/interface';
import { IsoTime, Nullable, Type } from '#core/schema';

export const SourceDetails = Type.Object({
  resolution: Type.Array(Type.Integer(), {
    minItems: 2,
    maxItems: 2,
    description: '[width, height] in pixels; [0,0] before the first picture',
  }),
  bitrate: Type.Integer({ description: 'bits per second over the last seconds, all tracks' }),
  framerate: Type.Number({ description: 'pictures per second over the last seconds' }),
  last_frame: IsoTime,
  state: Type.String({ description: 'state of the object, config.md 6.1' }),
  codec: Nullable(Type.String({ description: 'RFC 6381' })),
  audio: Nullable(Type.Object({ codec: Type.String(), rate: Type.Integer({ unit: 'Hz' }), channels: Type.Integer() })),
  consumers: Type.Integer({ description: 'readers attached now' }),
});

/** docs/spec/api.md 4.1, 4.2. */
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
      params: Type.Object({ container: Type.Optional(Type.Union([Type.Literal('fmp4'), Type.Literal('ts')])) }),
      result: Type.String(),
      http: { verb: 'GET', path: 'stream.m3u8' },
    },
    hls: {
      doc: 'Init segment, segments and parts that the playlist names.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({ path: Type.String() }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: 'hls/{path*}' },
    },
    keyframe: {
      doc: 'The newest key frame as a one-sample fragmented MP4, without decoding.',
      right: 'read',
      transport: 'stream',
      timeoutMs: 15_000,
      params: Type.Object({}),
      result: Type.Unknown(),
      http: { verb: 'GET', path: 'keyframe' },
    },
  },
  signals: {
    StreamChanged: {
      doc: 'Codec or resolution differ from before.',
      data: Type.Object({ codec: Type.String(), resolution: Type.Array(Type.Integer()) }),
    },
  },
});
