/** What a configuration says of how a camera is played (docs/spec/config.md 8.1, 8.2), whatever type of object plays it. */
import type { Context } from '#core/define';
import { Nullable, type Static, Type } from '#core/schema';

/** Properties that a type whose camera speaks RTSP spreads, beside those that every source has. */
export const cameraConfig = {
  auth: Type.Optional(
    Nullable(Type.Array(Nullable(Type.String()), { minItems: 2, maxItems: 2, secret: true }), {
      description: '[login, password] for Digest and Basic; null, absent or [null, null]: none',
    }),
  ),
  transport: Type.Array(
    Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('multicast'), Type.Literal('http')]),
    {
      default: ['tcp', 'udp'],
      minItems: 1,
      description:
        'how media travel, in order of preference: "tcp" (interleaved in the RTSP connection), "udp" (unicast), ' +
        '"multicast", "http" (RTSP tunnelled in HTTP); the next one is tried when one is refused, fails or brings ' +
        'nothing, and the one that worked is tried first after that. With rtsps:// only those that TLS protects are used: "tcp", "http"',
    },
  ),
};

export type TransportName = Static<(typeof cameraConfig)['transport']>[number];

/** Named as in the configuration, so that a checked one can be handed over as it is. */
export interface CameraSettings {
  readonly auth?: readonly (string | null)[] | null;
  readonly transport: readonly TransportName[];
  readonly verify_certificate?: boolean;
  /** What else a type lists there is none of the camera's business. */
  readonly enable: readonly string[];
  readonly dynamic: boolean;
  readonly linger_seconds: number;
  readonly stall_seconds: number;
  readonly rtpstats: boolean;
  readonly time: 'server' | 'device';
}

/** The part of an object's context that playing a camera needs. */
export type CameraContext = Pick<
  Context,
  'name' | 'world' | 'scope' | 'log' | 'emit' | 'state' | 'report' | 'persist'
> & { readonly config: CameraSettings };

/** Those that may be used, each once. Who asks for TLS does not want media in clear beside it. */
export const transportsOf = (c: Pick<CameraSettings, 'transport'>, tls: boolean): TransportName[] =>
  [...new Set(c.transport)].filter(t => !tls || t === 'tcp' || t === 'http');
