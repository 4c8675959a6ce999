/** Properties of an rtspsrv (docs/spec/config.md 13.2). */
import type { ProblemText } from '#core/problem';
import { type Static, Type } from '#core/schema';

const Port = Type.Integer({ minimum: 1, maximum: 65535, description: 'port' });

export const RtspsrvConfig = Type.Object({
  port: Type.Integer({ default: 554, minimum: 0, maximum: 65535, description: 'TCP port; 0 takes a free one.' }),
  address: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
      description: 'Address or addresses to listen on; all if absent.',
    }),
  ),
  tls: Type.Optional(
    Type.Object(
      {
        key: Type.String({ description: 'Path of the private key, PEM.' }),
        certificate: Type.String({ description: 'Path of the certificate chain, PEM.' }),
      },
      { description: 'RTSPS, with media inside the connection alone. The files are read again when they change.' },
    ),
  ),
  udp_ports: Type.Optional(
    Type.Tuple([Port, Port], {
      description:
        '[least, most] UDP port: two neighbouring ones of these are taken, the lower one even. Any free ones if absent.',
    }),
  ),
  timeout: Type.Integer({
    default: 60,
    minimum: 5,
    maximum: 3600,
    unit: 's',
    description: 'A client that is silent for so long is disconnected; clients are told.',
  }),
  transport: Type.Array(Type.Union([Type.Literal('tcp'), Type.Literal('udp')]), {
    default: ['tcp', 'udp'],
    minItems: 1,
    uniqueItems: true,
    description: 'How media may travel: "tcp" inside the RTSP connection, "udp" beside it.',
  }),
});

export type RtspsrvConfig = Static<typeof RtspsrvConfig>;

/** Over TLS media stay inside: as plain packets beside it anybody could watch. */
export const transportsOf = (config: Pick<RtspsrvConfig, 'tls' | 'transport'>): readonly ('tcp' | 'udp')[] =>
  config.tls ? config.transport.filter(t => t === 'tcp') : config.transport;

/** Without the brackets of IPv6; undefined: all addresses. */
export function addressesOf({ address }: Pick<RtspsrvConfig, 'address'>): readonly (string | undefined)[] {
  if (address === undefined) return [undefined];
  return (typeof address === 'string' ? [address] : address).map(a => a.replace(/^\[(.*)\]$/, '$1'));
}

/** What the schema cannot say. */
export function checkRtspsrv(config: RtspsrvConfig): readonly ProblemText[] {
  const found: ProblemText[] = [];
  const error = (code: string, pointer: string, reason: string): void =>
    void found.push({ severity: 'error', code, pointer, reason });
  if (transportsOf(config).length === 0)
    error('bad-value', '/transport', 'expected "tcp": with "tls" media go inside the connection, never beside it');
  const [least, most] = config.udp_ports ?? [2, 3];
  if (least + (least % 2) + 1 > most)
    error(
      'bad-value',
      '/udp_ports',
      `expected an even port and the next one within [least, most], got [${least},${most}]`,
    );
  return found;
}
