/** Interface PushSource: a source whose media are published into it (docs/spec/api.md 4.3). */
import { defineInterface } from '#core/interface';
import { IsoTime, Nothing, Nullable, Type } from '#core/schema';

/** What a push source has, besides VideoSource. */
export const PushSource = defineInterface('PushSource', {
  doc: 'A source into which one publisher at a time sends its media.',
  functions: {
    publish: {
      doc: 'Publishes the MPEG transport stream that is the body, for as long as it lasts; the answer comes at its end.',
      right: 'operate',
      transport: 'stream',
      params: Type.Object({}),
      result: Type.Object({
        bytes: Type.Integer({ unit: 'bytes', description: 'length of what was taken' }),
        units: Type.Integer({ description: 'number of pictures and frames of sound that came of them' }),
        lost: Type.Integer({ description: 'number of packets missing in the transport stream' }),
        codecs: Type.Array(Type.String(), { description: 'of the tracks taken' }),
      }),
      http: { verb: 'POST', path: 'publish', body: { stream: 'video/mp2t' } },
    },
    publication: {
      doc: 'Who publishes now.',
      right: 'read',
      params: Type.Object({}),
      result: Type.Object({
        publishing: Type.Boolean({ description: 'somebody has the place' }),
        since: Nullable(Type.String({ ...IsoTime }), { description: 'when that began; null while nobody publishes' }),
        from: Nullable(Type.String(), {
          description: 'address of the publisher, over RTSP with its port; null while nobody publishes',
        }),
        protocol: Nullable(Type.String(), {
          description: '"whip", "rtsp" or "ts" (MPEG-TS over HTTP); null while nobody publishes',
        }),
      }),
      http: { verb: 'GET', path: 'publish' },
    },
    unpublish: {
      doc: 'Ends what is published now; the publisher is disconnected. Nothing happens while nobody publishes.',
      right: 'operate',
      params: Type.Object({}),
      result: Nothing,
      http: { verb: 'DELETE', path: 'publish' },
    },
  },
  signals: {
    PublishStarted: {
      doc: 'Somebody has begun to publish.',
      data: Type.Object({
        state: Type.Boolean({ description: 'true' }),
        protocol: Type.String({ description: '"whip", "rtsp" or "ts"' }),
        from: Type.String({ description: 'address of the publisher, over RTSP with its port' }),
      }),
    },
    PublishEnded: {
      doc: 'Nobody publishes any more, or somebody else begins to.',
      data: Type.Object({
        state: Type.Boolean({ description: 'false' }),
        protocol: Type.String({ description: '"whip", "rtsp" or "ts"' }),
        from: Type.String({ description: 'address of the publisher, over RTSP with its port' }),
      }),
    },
  },
});
