/** What all connections of one fake camera share. */
import type { Clip } from './clip.ts';
import type { Connection } from './connection.ts';
import type { FaultBook, PacketCounts } from './faults.ts';
import type { LoginOptions } from './guard.ts';
import type { RecordedSpans } from './replayed.ts';
import type { Tunnels } from './tunnel.ts';

export interface StudioOptions {
  readonly login: LoginOptions | undefined;
  readonly transports: readonly ('tcp' | 'udp' | 'multicast')[];
  /** PEM texts: TLS on the port (rtsps://). */
  readonly tls: { readonly key: string; readonly cert: string } | undefined;
  /** RTSP through HTTP asks for the login by itself, before RTSP does. */
  readonly tunnelLogin: boolean;
  readonly timeoutSeconds: number;
  readonly keepAlive: 'requests' | 'anything';
  /** RTP payload bytes at most. */
  readonly maxPayload: number;
  readonly marks: boolean;
  readonly ppm: number;
  /** Seconds between sender reports; 0: none. */
  readonly reportSeconds: number;
  /** How wrong the camera's wall clock is. */
  readonly ntpOffsetSeconds: number;
  /** Media that may wait for one client. */
  readonly queueBytes: number;
  /**
   * The encoder runs all the time: pictures are taken at multiples of their duration since the camera was made, whoever plays
   * when, and a session begins with the next key frame.
   */
  readonly steady: boolean;
  /** What is recorded, by the name that it is replayed as. */
  readonly recordings: ReadonlyMap<string, RecordedSpans>;
  /** Seconds of a recording in one second; 0: as fast as the client reads. */
  readonly replaySpeed: number;
  /** What follows the last picture of a replay. */
  readonly replayEnd: 'goodbye' | 'silence' | 'close';
}

export interface Counts extends PacketCounts {
  connections: number;
  requests: number;
  authFail: number;
  plays: number;
  units: number;
  packets: number;
  bytes: number;
  /** Whole units, because a client did not read. */
  dropped: number;
  /** Connections ended on purpose. */
  drops: number;
  clientRtcp: number;
}

export interface Studio {
  readonly options: StudioOptions;
  readonly faults: FaultBook;
  readonly counts: Counts;
  readonly tunnels: Tunnels;
  /** By medium number, which `switch` names. */
  readonly clips: readonly Clip[];
  /** RTP, RTCP; undefined without UDP. */
  readonly udpPorts: readonly [number, number] | undefined;
  readonly udpQueuedBytes: number;
  cameraOf(presentation: string): number | undefined;
  clipOf(camera: number): Clip;
  /** Undefined for a camera that is live. */
  recordingOf(camera: number): RecordedSpans | undefined;
  /** Monotonic time of picture 0. */
  readonly epochMs: number;
  /** Number of the picture that a session beginning now sends first. */
  firstUnit(camera: number): number;
  sent(camera: number, unit: number): void;
  sendUdp(from: 'rtp' | 'rtcp', address: string, port: number, bytes: Uint8Array, begin: number, end: number): void;
  forget(connection: Connection): void;
  /** Fault `reboot`: all connections are cut and nobody listens for so long. */
  reboot(ms: number): void;
  /** Monotonic. */
  nowMs(): number;
  /** UTC. */
  wallNs(): bigint;
  /** For --verbose. */
  say(event: string, facts: Readonly<Record<string, unknown>>): void;
}
