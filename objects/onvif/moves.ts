/**
 * PtzControl by ONVIF PTZ. Commands that move the device go one after the other; of those that
 * wait the newest wins, since a joystick sends faster than a camera answers. A move ends after
 * its timeout by the device's clock and by ours: not every device keeps the one it is told.
 */
import { Fault, faultFrom } from '#core/errors';
import type { Implementation } from '#core/interface';
import type { Timer } from '#core/world';
import type { PtzControl } from '#interface/ptz-control';
import type { OnvifDevice } from '#onvif/device';
import {
  type Axes,
  absoluteMove,
  continuousMove,
  getNodes,
  getPresets,
  getStatus,
  gotoHome,
  gotoPreset,
  type PtzNode,
  readNodes,
  readPresetId,
  readPresets,
  readStatus,
  removePreset,
  setPreset,
  stop,
} from '#onvif/ptz';
import type { XmlElement } from '#onvif/xml';
import type { DeviceAccess } from './access.ts';

/** The device and what of it moves. */
interface Mover {
  readonly device: OnvifDevice;
  readonly profile: string;
  readonly node: PtzNode;
  /** Fires when the object stops. */
  readonly signal: AbortSignal;
}

const defaultTimeoutS = 5;
const homePreset = 'home';

export class Moves {
  readonly functions: Implementation<typeof PtzControl>;
  readonly #access: DeviceAccess;
  #mover: { readonly of: OnvifDevice; readonly is: Promise<Mover> } | undefined;
  /** The command under way, and the one that goes next. */
  #busy = false;
  #next: { readonly run: () => Promise<void>; readonly done: (overtaken?: unknown) => void } | undefined;
  #stopTimer: Timer | undefined;

  constructor(access: DeviceAccess) {
    this.#access = access;
    access.context.scope.own('ptz', this, m => m.#stopTimer?.cancel());
    this.functions = {
      info: () => this.#ptz(m => this.#info(m)),
      move: p => this.#command(m => this.#move(m, p)),
      ptz_stop: () => this.#command(m => this.#stop(m)),
      goto: p => this.#command(m => this.#goto(m, p)),
      presets: () => this.#ptz(async m => readPresets(await ask(m, getPresets(m.profile)))),
      create_preset: ({ name }) => this.#ptz(m => this.#create(m, name)),
      delete_preset: ({ id }) =>
        this.#ptz(async m => {
          await known(m, id);
          await ask(m, removePreset(m.profile, id));
        }),
    };
  }

  async #info(m: Mover) {
    const { node } = m;
    const status = readStatus(await ask(m, getStatus(m.profile)).catch(orNothing));
    const presets = node.presets ? readPresets(await ask(m, getPresets(m.profile)).catch(orNothing)) : [];
    return {
      capabilities: {
        continuous: node.continuous.panTilt || node.continuous.zoom,
        absolute: node.absolute.panTilt || node.absolute.zoom,
        relative: node.relative,
        presets: node.presets,
        home: node.home,
      },
      status,
      presets,
    };
  }

  async #move(m: Mover, p: { pan?: number; tilt?: number; zoom?: number; timeout?: number }): Promise<void> {
    const { panTilt, zoom } = m.node.continuous;
    this.#stopTimer?.cancel();
    // Axes that the device does not have are left out: it would refuse the rest with them.
    const speed: Axes = {
      pan: panTilt ? (p.pan ?? 0) : undefined,
      tilt: panTilt ? (p.tilt ?? 0) : undefined,
      zoom: zoom ? (p.zoom ?? 0) : undefined,
    };
    if (![speed.pan, speed.tilt, speed.zoom].some(v => v)) return this.#stop(m);
    const timeoutMs = (p.timeout ?? defaultTimeoutS) * 1000;
    await ask(m, continuousMove(m.profile, speed, timeoutMs));
    const { scope, world, log } = this.#access.context;
    if (scope.signal.aborted) return;
    this.#stopTimer = world.clock.after(timeoutMs, () => {
      this.#stopTimer = undefined;
      scope.run('ptz stop', () =>
        this.#command(mover => this.#stop(mover)).catch(e =>
          log.warn('ptz-stop-failed', { error: faultFrom(e).message }),
        ),
      );
    });
  }

  async #stop(m: Mover): Promise<void> {
    this.#stopTimer?.cancel();
    this.#stopTimer = undefined;
    await ask(m, stop(m.profile));
  }

  async #goto(m: Mover, p: { preset?: string; pan?: number; tilt?: number; zoom?: number }): Promise<void> {
    this.#stopTimer?.cancel();
    this.#stopTimer = undefined;
    if (p.preset !== undefined) {
      if (p.preset === homePreset && m.node.home) {
        const presets = m.node.presets ? readPresets(await ask(m, getPresets(m.profile))) : [];
        if (!presets.some(preset => preset.id === homePreset)) {
          await ask(m, gotoHome(m.profile));
          return;
        }
      } else await known(m, p.preset);
      await ask(m, gotoPreset(m.profile, p.preset));
      return;
    }
    if (p.pan === undefined && p.tilt === undefined && p.zoom === undefined)
      throw new Fault('argument', 'bad-argument', 'goto: expected a preset or coordinates, got neither');
    if (!m.node.absolute.panTilt && !m.node.absolute.zoom)
      throw new Fault('unsupported', 'onvif-unsupported', `${m.device.peer}: the device does not go to coordinates`);
    await ask(m, absoluteMove(m.profile, await this.#position(m, p)));
  }

  /** Pan and tilt go together in one element: the one that is not given stays as it is. */
  async #position(m: Mover, p: { pan?: number; tilt?: number; zoom?: number }): Promise<Axes> {
    const panTilt = m.node.absolute.panTilt && (p.pan !== undefined || p.tilt !== undefined);
    const half = panTilt && (p.pan === undefined || p.tilt === undefined);
    const now = half ? readStatus(await ask(m, getStatus(m.profile))).position : null;
    return {
      pan: panTilt ? (p.pan ?? now?.pan ?? 0) : undefined,
      tilt: panTilt ? (p.tilt ?? now?.tilt ?? 0) : undefined,
      zoom: m.node.absolute.zoom ? p.zoom : undefined,
    };
  }

  async #create(m: Mover, name: string): Promise<{ id: string }> {
    const id = readPresetId(await ask(m, setPreset(m.profile, name)));
    if (id === undefined)
      throw new Fault('protocol', 'onvif-garbled', `${m.device.peer}: expected the token of a preset, got none`);
    return { id };
  }

  /** One at a time; one that is overtaken while it waits is over, and nothing went wrong. */
  #command(work: (m: Mover) => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#next?.done();
      this.#next = {
        run: () => this.#ptz(work).then(resolve, reject),
        done: () => resolve(),
      };
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#next; next !== undefined; next = this.#next) {
      this.#next = undefined;
      await next.run();
    }
    this.#busy = false;
  }

  /** With the device's PTZ; what is known of it goes when it fails. */
  async #ptz<T>(work: (m: Mover) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#moving());
    } catch (e) {
      if (['transport', 'timeout', 'protocol', 'refused'].includes(faultFrom(e).kind)) this.#mover = undefined;
      throw e;
    }
  }

  #moving(): Promise<Mover> {
    const device = this.#access.device();
    if (this.#mover?.of !== device) this.#mover = { of: device, is: this.#find(device) };
    const { is } = this.#mover;
    return is.catch(e => {
      if (this.#mover?.is === is) this.#mover = undefined;
      throw e;
    });
  }

  /** The played profile, if PTZ is in it; else the first one of the same video source that has it. */
  async #find(device: OnvifDevice): Promise<Mover> {
    const { signal } = this.#access.context.scope;
    const none = (): Fault => new Fault('unsupported', 'onvif-unsupported', `${device.peer}: the device has no PTZ`);
    if (!(await device.has('ptz', signal))) throw none();
    const played = await this.#access.profile(signal);
    const all = played.ptz ? [played] : await device.profiles(signal);
    const profile = all.find(p => p.ptz && (p === played || p.video?.source === played.video?.source));
    if (profile?.ptz === undefined) throw none();
    const nodes = readNodes(await device.ask('ptz', getNodes, { signal }));
    const node = nodes.find(n => n.token === profile.ptz?.node) ?? nodes[0];
    if (node === undefined) throw none();
    return { device, profile: profile.token, node, signal };
  }
}

const ask = (m: Mover, body: string): Promise<XmlElement> => m.device.ask('ptz', body, { signal: m.signal });

/** A part of the information that the device does not give leaves the rest. */
function orNothing(e: unknown): XmlElement {
  if (!['onvif-unsupported', 'onvif-fault', 'onvif-garbled'].includes(faultFrom(e).code)) throw e;
  return { name: '', uri: '', attributes: new Map(), children: [], text: '' };
}

async function known(m: Mover, id: string): Promise<void> {
  const presets = m.node.presets ? readPresets(await ask(m, getPresets(m.profile))) : [];
  if (!presets.some(p => p.id === id))
    throw new Fault('absent', 'not-found', `${m.device.peer}: there is no preset "${id.slice(0, 60)}"`);
}
