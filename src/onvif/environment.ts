/**
 * What anybody may want of ONVIF without having an object of it (docs/spec/api.md 7.4): who is
 * there, and what one device is. A probe makes this machine connect to where the caller wants;
 * so it tells nothing of what it met there but that it is an ONVIF device, or that it is none.
 */
import { Fault, faultFrom } from '#core/errors';
import type { World } from '#core/world';
import { deviceUrl } from './address.ts';
import { OnvifDevice } from './device.ts';
import {
  discoveryGroup,
  discoveryPort,
  Findings,
  type Found,
  probeTypes,
  readProbeMatches,
  writeProbe,
} from './discovery.ts';
import type { Profile, VideoSourceInfo } from './media.ts';

/** Clients wait 3 s for all clusters together; a device may take 0.5 s for its answer (WS-Discovery, APP_MAX_DELAY). */
const discoverMs = 2000;
/** UDP loses packets: each probe is sent twice. */
const repeatMs = 500;
/** Answers beyond this are not looked at: thousands of devices, or one that floods. */
const answersLimitBytes = 8 << 20;
/** Within the 3 s that clients wait, with time for the way back. */
const probeMs = 2800;
/** At once; more are refused. Each may hold answers of 2 MiB. */
const probeLimit = 8;

/** Result of a probe (api.md 7.4 rule 2). */
export interface Probed {
  readonly info: {
    readonly vendor: string;
    readonly serial: string;
    readonly model: string;
    readonly firmware: string;
  };
  readonly video_sources: readonly VideoSourceInfo[];
  readonly profiles: readonly {
    readonly token: string;
    readonly name: string;
    readonly fixed: boolean;
    readonly video: {
      readonly codec: string;
      readonly resolution: readonly [number, number];
      readonly source: string;
      readonly quality: number;
      readonly bounds: readonly [number, number, number, number];
    };
  }[];
}

export class Environment {
  readonly #world: Pick<World, 'udp' | 'http' | 'clock' | 'random' | 'log'>;
  readonly #port: number;
  #discovery: Promise<Found[]> | undefined;
  #probes = 0;

  /** `port`: where devices listen, for tests. */
  constructor(world: Pick<World, 'udp' | 'http' | 'clock' | 'random' | 'log'>, port = discoveryPort) {
    this.#world = world;
    this.#port = port;
  }

  /** Who answers within 2 s. Callers at the same time share one discovery. */
  discover(): Promise<Found[]> {
    this.#discovery ??= this.#discover().finally(() => {
      this.#discovery = undefined;
    });
    return this.#discovery;
  }

  async #discover(): Promise<Found[]> {
    const { udp, clock, random, log } = this.#world;
    const findings = new Findings();
    let bytesLeft = answersLimitBytes;
    const onPacket = (bytes: Uint8Array, address: string): void => {
      bytesLeft -= bytes.length;
      if (bytesLeft < 0) return;
      for (const match of readProbeMatches(new TextDecoder().decode(bytes), address)) findings.add(match);
    };
    const opened = await Promise.allSettled(
      udp.addresses().map(async address => {
        const socket = await udp.open({ host: address, port: 0, receiveBufferBytes: 1 << 20, onPacket });
        socket.multicastFrom(address, 1);
        return socket;
      }),
    );
    const sockets = opened.flatMap(o => (o.status === 'fulfilled' ? [o.value] : []));
    // An interface that is just going away; the others do.
    for (const o of opened)
      if (o.status === 'rejected') log.debug('discovery-skips-interface', { error: faultFrom(o.reason).message });
    try {
      const probes = probeTypes.map(type => new TextEncoder().encode(writeProbe(random.uuid(), type)));
      const send = (): void => {
        for (const socket of sockets)
          for (const probe of probes) socket.send(probe, 0, probe.length, discoveryGroup, this.#port);
      };
      send();
      await clock.sleep(repeatMs);
      send();
      await clock.sleep(discoverMs - repeatMs);
    } finally {
      for (const socket of sockets) socket.close();
    }
    return findings.list();
  }

  /** Fault `bad-argument` for what is no http or https URL, `upstream-refused` for the login, `upstream-down` for all else. */
  async probe(url: string, auth: readonly (string | null)[] | null): Promise<Probed> {
    const service = deviceUrl(url);
    if (service === undefined)
      throw new Fault('argument', 'bad-argument', 'url: expected an http or https URL of a device, got something else');
    if (this.#probes >= probeLimit)
      throw new Fault('overload', 'overload', `expected at most ${probeLimit} probes at once, got more`);
    const { http, clock, random, log } = this.#world;
    const [user, password] = auth ?? [];
    const login = user ? { user, password: password ?? '' } : undefined;
    const device = new OnvifDevice({ http, clock, random, url: service, login, timeoutMs: probeMs });
    const late = new AbortController();
    const timer = clock.after(probeMs, () => late.abort());
    this.#probes += 1;
    try {
      return await probed(device, late.signal);
    } catch (thrown) {
      const fault = faultFrom(thrown);
      if (fault.kind === 'bug') throw fault;
      // Closed port, no answer, or something else that answers: who asks is told the same, the log knows.
      log.debug('probe-failed', { device: device.peer, code: fault.code, error: fault.message });
      throw fault.code === 'onvif-login'
        ? new Fault(
            'refused',
            'upstream-refused',
            `${device.peer}: the ONVIF device ${login ? 'refuses the login' : 'wants a login'}`,
          )
        : new Fault(
            'transport',
            'upstream-down',
            `${device.peer}: expected an ONVIF device, got no answer of one in time`,
          );
    } finally {
      timer.cancel();
      late.abort(); // of several requests one has failed: the others are not wanted any more
      this.#probes -= 1;
    }
  }
}

/** Everything at once, as far as one does not need the other: there are 3 s. */
async function probed(device: OnvifDevice, signal: AbortSignal): Promise<Probed> {
  await device.services(signal);
  const [info, profiles, sources] = await Promise.all([
    device.information(signal),
    device.profiles(signal),
    device.videoSources(signal).catch(e => withoutService(e)),
  ]);
  const shown = profiles.flatMap(profileShown);
  const { vendor, serial, model, firmware } = info;
  return { info: { vendor, serial, model, firmware }, video_sources: sources ?? sourcesOf(shown), profiles: shown };
}

/** Media 2 has no list of video sources; a device that has it alone tells them in its profiles. */
function withoutService(e: unknown): undefined {
  const fault = faultFrom(e);
  if (!['onvif-unsupported', 'onvif-fault', 'onvif-garbled'].includes(fault.code)) throw fault;
  return undefined;
}

function sourcesOf(profiles: Probed['profiles']): VideoSourceInfo[] {
  const found = new Map<string, VideoSourceInfo>();
  for (const { video } of profiles) {
    const [, , width, height] = video.bounds;
    if (video.source !== '' && !found.has(video.source))
      found.set(video.source, { token: video.source, resolution: [width, height], framerate: 0 });
  }
  return [...found.values()];
}

/** Clients break on profiles without video (api.md 7.4 rule 3). */
const profileShown = ({ token, name, fixed, video }: Profile): Probed['profiles'][number][] => {
  if (video === undefined) return [];
  const { codec, resolution, source, quality, bounds } = video;
  return [{ token, name, fixed, video: { codec, resolution, source, quality, bounds } }];
};
