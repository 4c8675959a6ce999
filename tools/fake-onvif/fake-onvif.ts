/**
 * A fake ONVIF device in this process, for tests. The same as `node tools/fake-onvif/main.ts`,
 * which is a command line around it. Written from the ONVIF specifications, apart from our client.
 *
 *     const device = await startFakeOnvif({ login: { user: 'u', password: 'p' } });
 *     ... device.url ...
 *     device.happen({ kind: 'motion', state: true });
 *     device.fault('type=html500,op=GetProfiles,count=1');
 *     await device.stop();
 */
import { createHash } from 'node:crypto';
import { SeededRandom } from '#fake/world';
import { type FakeCamera, type FakeCameraOptions, startFakeCamera } from '../fake-camera/fake-camera.ts';
import { type ServiceName, scopesOf, servicePaths } from './device.ts';
import { Beacon, type DiscoveryOptions } from './discovery.ts';
import { Subscriptions } from './events.ts';
import { FaultBook, type FaultSpec, parseFault } from './faults.ts';
import { Gate, type OnvifLogin } from './login.ts';
import {
  defaultPlate,
  defaultProfiles,
  defaultSources,
  type Plate,
  type Profile,
  shipped,
  type VideoSource,
} from './model.ts';
import { type Position, PtzHead } from './ptz.ts';
import { type Recording, Recordings } from './recordings.ts';
import { type CallRecord, SoapServer } from './server.ts';
import type { Dialect, Happening } from './topics.ts';
import type { DeviceView } from './view.ts';

export interface FakeOnvifOptions {
  /** 0: any free one. */
  readonly port?: number;
  readonly host?: string;
  /** Everything is open without it. */
  readonly login?: OnvifLogin | undefined;
  /** `Created` of a token may be off by so much. */
  readonly skewSeconds?: number;
  /** What is answered without login: what ONVIF Core says (GetServices, GetCapabilities ...), or the time alone, as many devices have it. */
  readonly open?: 'standard' | 'time';
  readonly plate?: Partial<Plate>;
  readonly sources?: readonly VideoSource[];
  readonly profiles?: readonly Profile[];
  /** Beside device and media; all by default. */
  readonly services?: readonly ('media2' | 'events' | 'ptz' | 'recordings')[];
  readonly dialect?: Dialect;
  readonly referenceParameters?: boolean;
  /** A pull keeps its subscription alive; true by default. */
  readonly pullRenews?: boolean;
  readonly recordings?: readonly Recording[];
  /** How the fake camera beside it replays them, and plays live. */
  readonly camera?: Pick<FakeCameraOptions, 'steady' | 'replaySpeed' | 'replayEnd' | 'faults' | 'ntpOffsetSeconds'>;
  /** Found by WS-Discovery at the interface with this address; not found by default. */
  readonly discovery?: DiscoveryOptions;
  /** RTSP beside it, with the same login; true by default. Without it stream addresses lead nowhere. */
  readonly media?: boolean;
  readonly seed?: number;
  readonly faults?: readonly string[];
  readonly onCall?: (call: CallRecord) => void;
}

export interface FakeOnvif {
  readonly port: number;
  /** Of the device service. */
  readonly url: string;
  /** As WS-Discovery tells it. */
  readonly endpoint: string;
  /** The cameras behind the profiles, by token; undefined without `media`. */
  readonly camera: FakeCamera | undefined;
  /** What was called, oldest first; the last 10 000. */
  readonly log: readonly CallRecord[];
  /** Operations that were called, in order. */
  readonly called: readonly string[];
  /** Addresses that WS-Discovery was answered to. */
  readonly probed: readonly string[];
  readonly subscriptions: number;
  readonly position: Position;
  happen(happening: Happening): void;
  fault(spec: string | FaultSpec): void;
  clearFaults(): void;
  /** Ends every connection, forgets subscriptions, searches and where the head was moving; is away for so long. */
  reboot(awaySeconds: number): Promise<void>;
  /** As if unplugged; returns when nothing is open. `start` plugs it in again, on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts it, and the fake camera whose streams it names. */
export async function startFakeOnvif(options: FakeOnvifOptions = {}): Promise<FakeOnvif> {
  const profiles = options.profiles ?? defaultProfiles;
  const { login } = options;
  const device = new Device(options, async () => {
    const recordings = options.recordings ?? defaultRecordings();
    return startFakeCamera({
      host: options.host ?? '127.0.0.1',
      cameras: [...profiles.map(p => p.token), ...recordings.map(r => r.token)],
      media: profiles.map(p => p.media ?? clip),
      // Recorded is what the first profile plays.
      recordings: new Map(recordings.map(r => [r.token, { camera: 0, spans: () => r.spans }])),
      ...options.camera,
      login: login && { user: login.user, password: login.password, schemes: login.algorithms ?? ['MD5'] },
      seed: options.seed ?? 1,
    });
  });
  await device.start();
  return device;
}

const clip = `h264=${shipped('clip.h264')},aac=${shipped('clip.aac')}`;

/** Two hours of yesterday with a hole of ten minutes. */
function defaultRecordings(): Recording[] {
  const hour = 3_600_000;
  const begin = Math.floor(Date.now() / hour) * hour - 24 * hour;
  const spans = [[begin, begin + hour] as const, [begin + hour + 600_000, begin + 2 * hour] as const];
  return [{ token: 'rec0', source: 'vs0', name: 'yard', spans }];
}

class Device implements FakeOnvif {
  readonly endpoint: string;
  readonly probed: string[] = [];
  camera: FakeCamera | undefined;
  readonly #options: FakeOnvifOptions;
  readonly #openCamera: () => Promise<FakeCamera>;
  readonly #plate: Plate;
  readonly #faults: FaultBook;
  readonly #subscriptions: Subscriptions;
  readonly #recordings: Recordings;
  readonly #server: SoapServer;
  readonly #beacon: Beacon | undefined;
  #ptz = new PtzHead(() => performance.now());
  #rebooting: NodeJS.Timeout | undefined;

  constructor(options: FakeOnvifOptions, openCamera: () => Promise<FakeCamera>) {
    this.#options = options;
    this.#openCamera = openCamera;
    this.#plate = { ...defaultPlate, ...options.plate };
    const digest = createHash('sha256').update(`${this.#plate.model} ${this.#plate.serial}`).digest('hex');
    const words = /^(.{8})(.{4})(.{4})(.{4})(.{12})/.exec(digest) ?? [];
    this.endpoint = `urn:uuid:${words.slice(1).join('-')}`;
    const random = new SeededRandom(options.seed ?? 1);
    this.#faults = new FaultBook(() => random.unit());
    for (const f of options.faults ?? []) this.fault(f);
    this.#subscriptions = new Subscriptions({
      dialect: options.dialect ?? 'onvif',
      videoSource: this.#sources[0]?.token ?? '',
      referenceParameters: options.referenceParameters ?? false,
      pullRenews: options.pullRenews ?? true,
      elapsedMs: () => performance.now(),
    });
    this.#recordings = new Recordings(options.recordings ?? defaultRecordings());
    const { login } = options;
    this.#server = new SoapServer({
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      faults: this.#faults,
      gate: login && new Gate(login, options.skewSeconds ?? 5),
      open: options.open ?? 'standard',
      view: op => this.#view(op),
      onCall: options.onCall,
    });
    if (options.discovery) {
      const view = (): DeviceView => this.#view('Probe');
      const announced = {
        endpoint: this.endpoint,
        scopes: () => scopesOf(view()),
        xaddrs: () => [view().xaddr(servicePaths.tds)],
      };
      this.#beacon = new Beacon(options.discovery, announced, from => void this.probed.push(from));
    }
  }

  get port(): number {
    return this.#server.port;
  }

  get url(): string {
    return `http://${this.#options.host ?? '127.0.0.1'}:${this.port}${servicePaths.tds}`;
  }

  get log(): readonly CallRecord[] {
    return this.#server.log;
  }

  get called(): readonly string[] {
    return this.log.map(c => c.op);
  }

  get subscriptions(): number {
    return this.#subscriptions.open;
  }

  get position(): Position {
    return this.#ptz.position;
  }

  happen(happening: Happening): void {
    this.#subscriptions.happen(happening, this.#view('').nowMs());
  }

  fault(spec: string | FaultSpec): void {
    const parsed = typeof spec === 'string' ? parseFault(spec) : spec;
    if (parsed.type === 'forget') this.#subscriptions.forget();
    else this.#faults.add(parsed);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  async start(): Promise<void> {
    clearTimeout(this.#rebooting);
    await this.#server.start();
    if (this.camera) await this.camera.start();
    else if (this.#options.media ?? true) this.camera = await this.#openCamera();
    await this.#beacon?.start();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#rebooting);
    await this.#away(true);
  }

  async reboot(awaySeconds: number): Promise<void> {
    await this.#away(true);
    this.#rebooting = setTimeout(() => void this.start(), awaySeconds * 1000);
  }

  async #away(inOrder: boolean): Promise<void> {
    this.#subscriptions.forget();
    this.#recordings.forget();
    const presets = [...this.#ptz.presets];
    const { home } = this.#ptz;
    this.#ptz = new PtzHead(() => performance.now());
    for (const [token, preset] of presets) this.#ptz.presets.set(token, preset);
    this.#ptz.home = home;
    await Promise.all([this.#server.stop(), this.camera?.stop(), this.#beacon?.stop(inOrder)]);
  }

  get #sources(): readonly VideoSource[] {
    return this.#options.sources ?? defaultSources;
  }

  #view(op: string): DeviceView {
    const single = this.#faults.strikes('single', op) !== undefined;
    const some = <T>(all: readonly T[]): readonly T[] => (single ? all.slice(0, 1) : all);
    const offered = this.#options.services ?? ['media2', 'events', 'ptz', 'recordings'];
    const parts: Readonly<Record<string, readonly ServiceName[]>> = {
      media2: ['tr2'],
      events: ['tev'],
      ptz: ['tptz'],
      recordings: ['trc', 'tse', 'trp'],
    };
    const serviceNames: ServiceName[] = ['tds', 'trt', ...offered.flatMap(o => parts[o] ?? [])];
    const host = (): string => {
      const wrong = this.#faults.strikes('xaddr', op);
      return wrong ? (wrong.host ?? '10.11.12.13') : `${this.#options.host ?? '127.0.0.1'}:${this.port}`;
    };
    const named = (url: string): string => {
      const wrong = this.#faults.strikes('xaddr', op);
      return wrong ? url.replace(/\/\/[^/:]*/, `//${(wrong.host ?? '10.11.12.13').replace(/:\d+$/, '')}`) : url;
    };
    return {
      plate: this.#plate,
      sources: some(this.#sources),
      profiles: some(this.#options.profiles ?? defaultProfiles),
      sparse: this.#faults.strikes('sparse', op) !== undefined,
      serviceNames,
      offers: service => serviceNames.includes(service),
      xaddr: path => `http://${host()}${path}`,
      nowMs: () => Date.now() + (this.#faults.strikes('clock', op)?.v ?? 0) * 1000,
      macAddress: '02:00:00:00:00:01',
      reboot: seconds => void setTimeout(() => void this.reboot(seconds), 50),
      rtspUrl: token => named(this.camera?.url(token).replace(/\/\/[^/@]*@/, '//') ?? `rtsp://127.0.0.1:9/${token}`),
      subscriptions: this.#subscriptions,
      ptz: this.#ptz,
      recordings: this.#recordings,
    };
  }
}
