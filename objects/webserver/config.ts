/** Properties of a webserver (docs/spec/config.md 13.1). What has no effect yet says so, and using it gives a warning. */
import type { ProblemText } from '#core/problem';
import { type Static, Type } from '#core/schema';

const notYet = (what: string): string => `${what} Has no effect yet.`;

const defaultPartSeconds = 0.33;

const Port = Type.Integer({ minimum: 0, maximum: 65535 });
const OneOrMore = Type.Union([Type.String(), Type.Array(Type.String())]);

export const WebserverConfig = Type.Object({
  port: Type.Integer({ ...Port, default: 8880, description: 'TCP port; 0 takes a free one.' }),
  address: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
      description: 'Address or addresses to listen on; all if absent.',
    }),
  ),
  staticpath: Type.Optional(
    Type.String({ live: true, description: 'Folder served at /, without login; none if absent.' }),
  ),
  mounts: Type.Record(Type.String({ pattern: '^/.*/$' }), Type.String(), {
    live: true,
    default: {},
    description: 'Further static folders: {"/path/": FOLDER}.',
  }),
  fallback: Type.Optional(Type.String({ description: 'File sent for unknown paths outside /v1.' })),
  tls: Type.Optional(
    Type.Object(
      {
        key: Type.String({ description: 'Path of the private key, PEM.' }),
        certificate: Type.String({ description: 'Path of the certificate chain, PEM.' }),
      },
      { description: 'HTTPS with HTTP/2; plain HTTP if absent. The files are read again when they change.' },
    ),
  ),
  cors: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String())], {
      live: true,
      description: '"*", or an origin, or origins, whose pages may call this server.',
    }),
  ),
  clusters: Type.Boolean({
    default: false,
    description:
      'Offers POST /v1/config/plan where docs/spec/api.md 17 allows it. The rest of cluster control is not there yet.',
  }),
  api: Type.Boolean({ default: true, description: 'false: every path below /v1 gives 404.' }),
  hls: Type.Object(
    {
      container: Type.Union([Type.Literal('fmp4'), Type.Literal('ts')], {
        default: 'fmp4',
        description: 'Form of the segments where a request does not name one; "ts" is MPEG-TS.',
      }),
      segment_seconds: Type.Number({
        exclusiveMinimum: 0,
        maximum: 60,
        default: 2,
        description: 'Wanted length of a segment, which ends at a key frame; less than 0.5 counts as 0.5.',
      }),
      part_seconds: Type.Number({
        exclusiveMinimum: 0,
        maximum: 60,
        default: defaultPartSeconds,
        description: notYet('Longest part of a segment.'),
      }),
      window: Type.Integer({
        minimum: 2,
        maximum: 1000,
        default: 6,
        description: 'Number of segments in a live playlist.',
      }),
    },
    { live: true, default: {}, description: 'How live and archive HLS is made for the clients of this server.' },
  ),
  limits: Type.Object(
    {
      json_mb: Type.Number({ minimum: 0, default: 1, description: 'Longest body of a call; 0 = unlimited.' }),
      config_mb: Type.Number({ minimum: 0, default: 16, description: 'Longest configuration; 0 = unlimited.' }),
      connections: Type.Integer({
        minimum: 0,
        default: 1000,
        description: 'Number of connections open at once; 0 = unlimited.',
      }),
      viewers: Type.Integer({
        minimum: 0,
        default: 0,
        description: notYet('Number of streams at once; 0 = unlimited.'),
      }),
    },
    { live: true, default: {}, description: 'What clients may take of this server.' },
  ),
  trust_proxy: Type.Array(Type.String(), {
    default: [],
    description: 'Addresses of proxies whose X-Forwarded-For and X-Forwarded-Host count.',
  }),
  hosts: Type.Array(Type.String(), {
    default: [],
    description:
      'Further Host names that this server answers to; addresses, localhost and the name of the machine it always does.',
  }),
  audit: Type.Optional(Type.Boolean({ live: true, description: notYet('View audit.') })),
  objects: Type.Optional(
    Type.Object(
      {
        path: Type.Optional(Type.String({ description: 'Where they are served.' })),
        scope: Type.Optional(
          Type.Union([Type.Literal('linked'), Type.Literal('registry')], {
            description: 'linked: the objects linked with this server; registry: all there are.',
          }),
        ),
      },
      { additionalProperties: true, description: notYet('Remote objects.') },
    ),
  ),
});

export type WebserverConfig = Static<typeof WebserverConfig>;

/** A value that may be one or several, as a list. */
export const listOf = (value: Static<typeof OneOrMore> | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** What the schema cannot say: origins, and properties that have no effect yet. */
export function checkWebserver(config: WebserverConfig): readonly ProblemText[] {
  const found: ProblemText[] = [];
  const warn = (pointer: string, reason: string, hint?: string): void =>
    void found.push({
      severity: 'warning',
      code: 'no-effect',
      pointer,
      reason,
      ...(hint === undefined ? {} : { hint }),
    });
  const { part_seconds } = config.hls;
  if (part_seconds !== defaultPartSeconds)
    warn('/hls/part_seconds', 'segments have no parts yet: "part_seconds" has no effect');
  if (config.audit === true) warn('/audit', 'views are not audited yet: "audit" has no effect');
  if (config.objects !== undefined) warn('/objects', 'remote objects are not served yet: "objects" has no effect');
  if (config.limits.viewers > 0) warn('/limits/viewers', 'viewers are not counted yet: "viewers" has no effect');
  if (config.clusters) warn('/clusters', 'of cluster and configuration control only POST /v1/config/plan is there yet');
  for (const origin of listOf(config.cors))
    if (origin !== '*' && !/^https?:\/\/[^/?#]+$/.test(origin))
      found.push({
        severity: 'error',
        code: 'bad-value',
        pointer: '/cors',
        reason: `expected "*" or an origin like https://example.org, got ${JSON.stringify(origin)}`,
        hint: 'scheme, host and port, without a path',
      });
  if (config.api && config.fallback !== undefined && config.staticpath === undefined)
    warn('/fallback', 'a page for unknown paths without "staticpath" has nothing to load its files from');
  return found;
}
