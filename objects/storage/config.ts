/** Configuration of `storage` (config.md 10.1). */
import { isTrackName } from '#archive/format/paths';
import type { ProblemText } from '#core/problem';
import { type Static, Type } from '#core/schema';

const limits = {
  max_size_gb: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, live: true, description: 'most bytes on disk; 1 GB = 10^9 bytes' }),
  ),
  max_depth_abs_hours: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, live: true, description: 'delete what is older by the wall clock' }),
  ),
  max_depth_rel_hours: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, live: true, description: 'keep at most so many recorded hours per track' }),
  ),
};

/** Everything but the folder may change while it records. */
export const config = Type.Object({
  folder: Type.String({ minLength: 1, description: 'root directory; created if missing' }),
  filesize: Type.Number({
    default: 16,
    exclusiveMinimum: 0,
    maximum: 2000,
    live: true,
    unit: 'MB',
    description: 'target size of a file, 1 MB = 10^6 bytes',
  }),
  file_seconds: Type.Number({ default: 300, minimum: 1, live: true, description: 'longest file' }),
  sync_seconds: Type.Number({
    default: 2,
    minimum: 0.5,
    live: true,
    description: 'most footage that a power cut may cost',
  }),
  limits: Type.Object(
    {
      ...limits,
      keep_free_percents: Type.Optional(
        Type.Number({
          minimum: 0,
          maximum: 99,
          live: true,
          description: 'least free share of the volume; 5 when no limit is set',
        }),
      ),
    },
    {
      default: {},
      live: true,
      description: 'a ring: when a limit is passed the oldest files go first; the tightest limit rules',
    },
  ),
  tracks: Type.Record(
    Type.String(),
    Type.Object({
      limits: Type.Optional(Type.Object(limits, { description: 'as above, in place of them for this track' })),
    }),
    {
      default: {},
      live: true,
      description: 'limits of single tracks, by name of the source',
    },
  ),
});

/** What a schema cannot say: tracks are called as sources are. */
export function checkStorage({ tracks }: Static<typeof config>): ProblemText[] {
  return Object.keys(tracks)
    .filter(name => !isTrackName(name))
    .map(name => ({
      severity: 'error',
      code: 'bad-name',
      pointer: `/tracks/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      reason: `tracks: no track can be called ${JSON.stringify(name.slice(0, 128))}`,
    }));
}
