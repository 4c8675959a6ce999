/** Interface RecordingController: recording on command (docs/spec/api.md 7.1). */
import { defineInterface } from '#core/interface';
import { IsoTime, Nullable, Type } from '#core/schema';

/** What every call answers. */
export const RecordingStatus = Type.Object({
  recording: Type.Boolean({ description: 'true while a cause holds' }),
  since: Nullable(IsoTime, { description: 'where the recording begins, what was buffered included' }),
  sources: Type.Array(Type.String(), { description: 'names of the sources that are recorded' }),
  storages: Type.Array(Type.String(), { description: 'names of the archives that are recorded into' }),
  state: Type.Union([Type.Literal('idle'), Type.Literal('recording'), Type.Literal('postrecord')], {
    description: 'postrecord: no cause holds any more, and recording goes on for a while',
  }),
  causes: Type.Array(Type.String(), { description: '"manual" and the names of rules' }),
  until: Nullable(IsoTime, { description: 'when it ends by itself; null if that is not known' }),
});

const RecordingEvent = Type.Object({
  state: Type.Boolean({ description: 'it records' }),
  causes: Type.Array(Type.String(), { description: 'what it began with, or what ended last' }),
  sources: Type.Array(Type.String(), { description: 'names of the sources' }),
});

/** Every recctl has it. */
export const RecordingController = defineInterface('RecordingController', {
  doc: 'Records all its sources while there is a cause, with what was shortly before and after.',
  functions: {
    status: {
      doc: 'How it is.',
      right: 'read',
      params: Type.Object({}),
      result: RecordingStatus,
      http: { verb: 'GET', path: '' },
    },
    set: {
      doc: 'Starts (true) or ends (false) the manual cause.',
      right: 'operate',
      params: Type.Object({ record: Type.Boolean({ description: 'whether to record' }) }),
      result: RecordingStatus,
      http: { verb: 'POST', path: '' },
    },
    start: {
      doc: 'Starts the manual cause; once more may make it longer, never shorter.',
      right: 'operate',
      params: Type.Object({
        duration: Type.Optional(
          Type.Number({
            exclusiveMinimum: 0,
            maximum: 31_536_000,
            unit: 's',
            description: 'ends by itself after so long',
          }),
        ),
      }),
      result: RecordingStatus,
      http: { verb: 'POST', path: 'start' },
    },
    stop: {
      doc: 'Ends the manual cause; those of rules go on.',
      right: 'operate',
      params: Type.Object({}),
      result: RecordingStatus,
      http: { verb: 'POST', path: 'stop' },
    },
  },
  signals: {
    RecordingStarted: { doc: 'The first cause holds.', data: RecordingEvent },
    RecordingStopped: { doc: 'The last picture after the last cause is recorded.', data: RecordingEvent },
  },
});
