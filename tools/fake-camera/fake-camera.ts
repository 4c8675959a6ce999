/**
 * A fake camera in this process: an RTSP server that loops clips, for tests. The same as
 * `node tools/fake-camera/main.ts`, which is a command line around it.
 *
 *     const camera = await startFakeCamera({ login: { user: 'u', password: 'p', schemes: ['MD5'] } });
 *     ... rtsp camera.url() ...
 *     camera.fault('type=loss,p=0.05');
 *     await camera.stop();
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { SeededRandom } from '#fake/world';
import { type Clip, loadClip, shippedClips } from './clip.ts';
import { Connection } from './connection.ts';
import { FaultBook, type FaultSpec, parseFault } from './faults.ts';
import type { RecordedSpans } from './replayed.ts';
import type { Counts, Studio, StudioOptions } from './studio.ts';
import { Tunnels } from './tunnel.ts';
import { openUdpPair, type UdpPair } from './udp-pair.ts';

export interface FakeCameraOptions extends Partial<StudioOptions> {
  /** 0: any free one. */
  readonly port?: number;
  readonly host?: string;
  /** How many (cam0, cam1, ...), or their names. */
  readonly cameras?: number | readonly string[];
  /** What they play, in turn: as `loadClip` reads it. The shipped clip by default; behind these comes the shipped second clip, for `switch`. */
  readonly media?: readonly string[];
  readonly seed?: number;
  readonly faults?: readonly string[];
  readonly onEvent?: (event: string, facts: Readonly<Record<string, unknown>>) => void;
}

export interface FakeCamera {
  readonly port: number;
  readonly names: readonly string[];
  /** Of one camera, the first by default; with user and password if there are any. */
  url(name?: string): string;
  /** From now on, for sessions that play already too. */
  fault(spec: string | FaultSpec): void;
  clearFaults(): void;
  /** Ends connections at once: of one camera, or all. */
  drop(name?: string, how?: 'fin' | 'rst'): void;
  /** Sends nothing for a while. */
  stall(seconds: number, name?: string): void;
  /** As if unplugged: nobody listens any more, all connections are cut; returns when nothing is open. */
  stop(): Promise<void>;
  /** Plugged in again, on the same port. */
  start(): Promise<void>;
  readonly counts: Readonly<Counts>;
  /** Connections that are open, and how many of them play. */
  readonly clients: { readonly open: number; readonly playing: number };
}

const defaults: StudioOptions = {
  login: undefined,
  transports: ['tcp', 'udp'],
  tls: undefined,
  tunnelLogin: false,
  timeoutSeconds: 60,
  keepAlive: 'requests',
  maxPayload: 1400 - 12,
  marks: true,
  ppm: 0,
  reportSeconds: 5,
  ntpOffsetSeconds: 0,
  queueBytes: 4 << 20,
  steady: false,
  recordings: new Map(),
  replaySpeed: 0,
  replayEnd: 'goodbye',
};

export async function startFakeCamera(options: FakeCameraOptions = {}): Promise<FakeCamera> {
  const [first, second] = await shippedClips();
  const given = options.media && options.media.length > 0 ? await Promise.all(options.media.map(loadClip)) : [first];
  const camera = new Camera(options, given, second);
  await camera.start();
  return camera;
}

class Camera implements FakeCamera, Studio {
  readonly options: StudioOptions;
  readonly names: readonly string[];
  readonly clips: readonly Clip[];
  readonly faults = new FaultBook();
  readonly counts: Counts;
  readonly tunnels: Tunnels;
  readonly #host: string;
  readonly #media: number;
  readonly #seed: number;
  readonly #say: FakeCameraOptions['onEvent'];
  readonly #connections = new Set<Connection>();
  readonly epochMs: number;
  /** Number of the last picture sent, per camera: a later session never begins before it. */
  readonly #lastUnit = new Map<number, number>();
  #port: number;
  #server: Server | undefined;
  #udp: UdpPair | undefined;
  #timer: NodeJS.Timeout | undefined;
  #rebooting: NodeJS.Timeout | undefined;

  constructor(options: FakeCameraOptions, given: readonly Clip[], spare: Clip) {
    const { port = 0, host = '127.0.0.1', cameras = 1, media: _, seed = 1, faults = [], onEvent, ...own } = options;
    this.options = { ...defaults, ...own };
    // What is recorded has numbers too.
    this.epochMs = performance.now() - (this.options.recordings.size > 0 ? 7 * 24 * 3_600_000 : 0);
    this.names = typeof cameras === 'number' ? Array.from({ length: cameras }, (_, i) => `cam${i}`) : cameras;
    this.clips = [...given, spare];
    this.#media = given.length;
    this.#host = host;
    this.#port = port;
    this.#seed = seed;
    this.#say = onEvent;
    this.counts = {
      ...{ connections: 0, requests: 0, authFail: 0, plays: 0, units: 0, packets: 0, bytes: 0, dropped: 0 },
      ...{ drops: 0, clientRtcp: 0, lost: 0, corrupt: 0, reordered: 0, duplicate: 0 },
    };
    this.tunnels = new Tunnels(this.options.tunnelLogin ? this.options.login : undefined, new SeededRandom(seed));
    for (const f of faults) this.fault(f);
  }

  get port(): number {
    return this.#port;
  }

  url(name: string = this.names[0] ?? ''): string {
    const login = this.options.login;
    const who = login ? `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@` : '';
    return `${this.options.tls ? 'rtsps' : 'rtsp'}://${who}${this.#host}:${this.#port}/${encodeURIComponent(name)}`;
  }

  get clients(): { open: number; playing: number } {
    return { open: this.#connections.size, playing: [...this.#connections].filter(c => c.playing).length };
  }

  fault(spec: string | FaultSpec): void {
    this.faults.add(typeof spec === 'string' ? parseFault(spec) : spec);
  }

  clearFaults(): void {
    this.faults.clear();
  }

  drop(name?: string, how: 'fin' | 'rst' = 'fin'): void {
    for (const c of this.#of(name)) c.drop(how);
  }

  stall(seconds: number, name?: string): void {
    for (const c of this.#of(name)) c.stall(seconds);
  }

  async start(): Promise<void> {
    if (this.#server) return;
    const accept = (socket: Socket): void => {
      this.counts.connections += 1;
      const random = new SeededRandom(this.#seed * 1000 + this.counts.connections);
      this.#connections.add(new Connection(this, socket, random));
      this.#timer ??= setInterval(() => this.#tick(), 4);
    };
    const { tls } = this.options;
    const server = tls ? createTlsServer(tls, accept) : createServer(accept);
    await new Promise<void>((listening, failed) => {
      server.once('error', failed);
      server.listen(this.#port, this.#host, listening);
    });
    this.#server = server;
    const address = server.address();
    if (address && typeof address === 'object') this.#port = address.port;
    if (this.options.transports.some(t => t !== 'tcp'))
      this.#udp = await openUdpPair(this.#host, (from, port) => this.#heard(from, port));
  }

  async stop(): Promise<void> {
    clearTimeout(this.#rebooting);
    this.#rebooting = undefined;
    await this.#unplug();
  }

  async #unplug(): Promise<void> {
    const [server, udp] = [this.#server, this.#udp];
    this.#server = this.#udp = undefined;
    const closed = new Promise<void>(done => (server ? server.close(() => done()) : done()));
    for (const c of this.#connections) c.destroy();
    this.#connections.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all([closed, udp?.close()]);
  }

  get udpPorts(): readonly [number, number] | undefined {
    return this.#udp?.ports;
  }

  get udpQueuedBytes(): number {
    return this.#udp?.queuedBytes ?? 0;
  }

  cameraOf(presentation: string): number | undefined {
    const at = this.names.indexOf(presentation);
    return at < 0 ? undefined : at;
  }

  clipOf(camera: number): Clip {
    const recorded = this.recordingOf(camera);
    return this.clips[(recorded?.camera ?? camera) % this.#media] as Clip; // there is at least the shipped one
  }

  recordingOf(camera: number): RecordedSpans | undefined {
    return this.options.recordings.get(this.names[camera] ?? '');
  }

  firstUnit(camera: number): number {
    const video = this.clipOf(camera).tracks.find(t => t.track.kind === 'video');
    const unitMs = video ? ((video.units[0]?.duration ?? 3600) / video.track.timescale) * 1000 : 40;
    return Math.max(Math.floor((this.nowMs() - this.epochMs) / unitMs), (this.#lastUnit.get(camera) ?? -1) + 1);
  }

  sent(camera: number, unit: number): void {
    this.#lastUnit.set(camera, unit);
  }

  sendUdp(from: 'rtp' | 'rtcp', address: string, port: number, bytes: Uint8Array, begin: number, end: number): void {
    this.#udp?.send(from, address, port, bytes, begin, end);
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  reboot(ms: number): void {
    if (this.#rebooting !== undefined) return;
    // Not from within the connection that asked for it.
    setImmediate(() => void this.#unplug());
    this.#rebooting = setTimeout(() => {
      this.#rebooting = undefined;
      void this.start().catch(e => this.say('reboot-failed', { error: String(e) }));
    }, ms);
  }

  nowMs(): number {
    return performance.now();
  }

  /** Finer than Date.now(), unless the wall clock was set since the process began. */
  wallNs(): bigint {
    const fine = performance.timeOrigin + performance.now();
    const coarse = Date.now();
    return BigInt(Math.floor((Math.abs(fine - coarse) < 2 ? fine : coarse) * 1000)) * 1000n;
  }

  say(event: string, facts: Readonly<Record<string, unknown>>): void {
    this.#say?.(event, facts);
  }

  #of(name: string | undefined): Connection[] {
    const camera = name === undefined ? undefined : this.cameraOf(name);
    return [...this.#connections].filter(c => name === undefined || c.camera === camera);
  }

  #tick(): void {
    const nowMs = this.nowMs();
    for (const c of this.#connections) c.tick(nowMs);
  }

  #heard(address: string, port: number): void {
    this.counts.clientRtcp += 1;
    const nowMs = this.nowMs();
    for (const c of this.#connections) if (c.heard(address, port, nowMs)) return;
  }
}
