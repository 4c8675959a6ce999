/** The PTZ service: a simulated head whose position follows its moves in real time. Generic spaces only (PTZ 5.7). */

import { durationMs, SoapFault } from './soap.ts';
import { type DeviceView, noEntity, type Services } from './view.ts';
import { child, type Element, leaf, node, textAt } from './xml.ts';

export interface Position {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

const axes = ['pan', 'tilt', 'zoom'] as const;
/** Pan and tilt in -1..1, zoom in 0..1. */
const least: Position = { pan: -1, tilt: -1, zoom: 0 };
/** Of the range per second at speed 1: end to end in four seconds, zoom in two. */
const fullSpeed = 0.5;
const presetLimit = 100;
const defaultTimeoutMs = 10_000;

const still: Position = { pan: 0, tilt: 0, zoom: 0 };

type Motion =
  | { readonly kind: 'still' }
  | { readonly kind: 'run'; readonly velocity: Position; readonly endsMs: number }
  | { readonly kind: 'goto'; readonly target: Position };

export class PtzHead {
  readonly #elapsedMs: () => number;
  #at: Position = still;
  #sinceMs: number;
  #motion: Motion = { kind: 'still' };
  readonly presets = new Map<string, { readonly name: string; readonly position: Position }>();
  home: Position = still;
  #lastPreset = 0;

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
    this.#sinceMs = elapsedMs();
  }

  get position(): Position {
    this.#walk();
    return this.#at;
  }

  get moving(): { readonly panTilt: boolean; readonly zoom: boolean } {
    this.#walk();
    const m = this.#motion;
    if (m.kind === 'still') return { panTilt: false, zoom: false };
    const v = m.kind === 'run' ? m.velocity : difference(m.target, this.#at);
    return { panTilt: v.pan !== 0 || v.tilt !== 0, zoom: v.zoom !== 0 };
  }

  run(velocity: Position, timeoutMs: number): void {
    this.#walk();
    this.#motion = { kind: 'run', velocity, endsMs: this.#elapsedMs() + timeoutMs };
  }

  goto(target: Position): void {
    this.#walk();
    this.#motion = { kind: 'goto', target: clamped(target) };
  }

  stop(panTilt: boolean, zoom: boolean): void {
    this.#walk();
    const m = this.#motion;
    if (m.kind !== 'run' || (panTilt && zoom)) this.#motion = { kind: 'still' };
    else {
      const { velocity: v } = m;
      this.#motion = { ...m, velocity: panTilt ? { ...still, zoom: v.zoom } : { ...v, zoom: 0 } };
    }
  }

  /** The token; Fault when there are too many. */
  keep(token: string | undefined, name: string | undefined): string {
    const known = token === undefined ? undefined : this.presets.get(token);
    if (token !== undefined && !known) throw noEntity(`there is no preset ${JSON.stringify(token)}`, 'NoToken');
    if (!known && this.presets.size >= presetLimit)
      throw new SoapFault('Receiver', ['Action', 'TooManyPresets'], `there are ${presetLimit} presets already`);
    const id = token ?? String(++this.#lastPreset);
    this.presets.set(id, { name: name ?? known?.name ?? `Preset ${id}`, position: this.position });
    return id;
  }

  /** From where it was at `#sinceMs` to where it is now. */
  #walk(): void {
    const now = this.#elapsedMs();
    const m = this.#motion;
    if (m.kind === 'run') {
      const seconds = Math.max(0, Math.min(now, m.endsMs) - this.#sinceMs) / 1000;
      this.#at = clamped(added(this.#at, m.velocity, seconds * fullSpeed));
      if (now >= m.endsMs) this.#motion = { kind: 'still' };
    } else if (m.kind === 'goto') {
      const step = (Math.max(0, now - this.#sinceMs) / 1000) * fullSpeed;
      const d = difference(m.target, this.#at);
      const bounded = (v: number): number => Math.max(-step, Math.min(step, v));
      const arrived = axes.every(a => Math.abs(d[a]) <= step);
      this.#at = arrived
        ? m.target
        : added(this.#at, { pan: bounded(d.pan), tilt: bounded(d.tilt), zoom: bounded(d.zoom) }, 1);
      if (arrived) this.#motion = { kind: 'still' };
    }
    this.#sinceMs = now;
  }
}

const clamped = (p: Position): Position => {
  const within = (a: (typeof axes)[number]): number => Math.max(least[a], Math.min(1, p[a]));
  return { pan: within('pan'), tilt: within('tilt'), zoom: within('zoom') };
};
const added = (a: Position, b: Position, times: number): Position => ({
  pan: a.pan + b.pan * times,
  tilt: a.tilt + b.tilt * times,
  zoom: a.zoom + b.zoom * times,
});
const difference = (a: Position, b: Position): Position => added(a, b, -1);

/** `PanTilt` and `Zoom` below the element; what is missing is undefined. */
function vectorOf(e: Element | undefined, range: 1 | 2 = 1): Partial<Position> {
  const value = (of: Element, name: string): number => {
    const v = Number(of.attributes[name] ?? Number.NaN);
    if (!Number.isFinite(v) || Math.abs(v) > range)
      throw noEntity(`expected -${range}..${range} as ${name}`, 'InvalidPosition');
    return v;
  };
  const [panTilt, zoom] = [child(e, 'PanTilt'), child(e, 'Zoom')];
  return {
    ...(panTilt ? { pan: value(panTilt, 'x'), tilt: value(panTilt, 'y') } : {}),
    ...(zoom ? { zoom: value(zoom, 'x') } : {}),
  };
}

const space = (name: string): string => `http://www.onvif.org/ver10/tptz/${name}`;
const vector = (tag: string, p: Position): string =>
  node(
    tag,
    {},
    node('tt:PanTilt', { x: p.pan, y: p.tilt, space: space('PanTiltSpaces/PositionGenericSpace') }),
    node('tt:Zoom', { x: p.zoom, space: space('ZoomSpaces/PositionGenericSpace') }),
  );

const nodeXml = (tag: string): string => {
  const range = (t: string, low: number): string => node(t, {}, leaf('tt:Min', low), leaf('tt:Max', 1));
  const two = (t: string, s: string): string =>
    node(t, {}, leaf('tt:URI', space(`PanTiltSpaces/${s}`)), range('tt:XRange', -1), range('tt:YRange', -1));
  const one = (t: string, s: string, low: number): string =>
    node(t, {}, leaf('tt:URI', space(`ZoomSpaces/${s}`)), range('tt:XRange', low));
  return node(
    tag,
    { token: 'ptzn0', FixedHomePosition: false },
    leaf('tt:Name', 'head'),
    node(
      'tt:SupportedPTZSpaces',
      {},
      two('tt:AbsolutePanTiltPositionSpace', 'PositionGenericSpace'),
      one('tt:AbsoluteZoomPositionSpace', 'PositionGenericSpace', 0),
      two('tt:RelativePanTiltTranslationSpace', 'TranslationGenericSpace'),
      one('tt:RelativeZoomTranslationSpace', 'TranslationGenericSpace', -1),
      two('tt:ContinuousPanTiltVelocitySpace', 'VelocityGenericSpace'),
      one('tt:ContinuousZoomVelocitySpace', 'VelocityGenericSpace', -1),
    ),
    leaf('tt:MaximumNumberOfPresets', presetLimit),
    leaf('tt:HomeSupported', true),
  );
};

const configurationXml = (tag: string): string =>
  node(
    tag,
    { token: 'ptzc0' },
    leaf('tt:Name', 'ptz'),
    leaf('tt:UseCount', 1),
    leaf('tt:NodeToken', 'ptzn0'),
    leaf('tt:DefaultContinuousPanTiltVelocitySpace', space('PanTiltSpaces/VelocityGenericSpace')),
    leaf('tt:DefaultContinuousZoomVelocitySpace', space('ZoomSpaces/VelocityGenericSpace')),
    leaf('tt:DefaultPTZTimeout', 'PT10S'),
  );

const presetOf = (head: PtzHead, token: string | undefined): Position => {
  const found = head.presets.get(token ?? '');
  if (!found) throw noEntity(`there is no preset ${JSON.stringify(token ?? '')}`, 'NoToken');
  return found.position;
};

const bad = (element: string): SoapFault => noEntity(`expected PanTilt or Zoom in ${element}`, 'InvalidPosition');

/** Commands name a profile; those of a profile that does not exist are refused. */
const checked = (
  handlers: Readonly<Record<string, (request: Element, head: PtzHead, d: DeviceView) => string>>,
): Services['tptz'] =>
  Object.fromEntries(
    Object.entries(handlers).map(([name, run]) => [
      name,
      (request, d) => {
        const token = textAt(request, 'ProfileToken');
        if (!d.profiles.some(p => p.token === token && p.video))
          throw noEntity(`there is no profile ${JSON.stringify(token ?? '')} with PTZ`, 'NoProfile');
        return run(request, d.ptz, d);
      },
    ]),
  );

export const ptzService: Services['tptz'] = {
  GetServiceCapabilities: () =>
    node(
      'tptz:GetServiceCapabilitiesResponse',
      {},
      node('tptz:Capabilities', { MoveStatus: true, StatusPosition: true }),
    ),
  GetNodes: () => node('tptz:GetNodesResponse', {}, nodeXml('tptz:PTZNode')),
  GetNode: () => node('tptz:GetNodeResponse', {}, nodeXml('tptz:PTZNode')),
  GetConfigurations: () => node('tptz:GetConfigurationsResponse', {}, configurationXml('tptz:PTZConfiguration')),
  GetConfiguration: () => node('tptz:GetConfigurationResponse', {}, configurationXml('tptz:PTZConfiguration')),
  ...checked({
    GetStatus: (_, head, d) => {
      const { panTilt, zoom } = head.moving;
      const move = (moving: boolean): string => (moving ? 'MOVING' : 'IDLE');
      return node(
        'tptz:GetStatusResponse',
        {},
        node(
          'tptz:PTZStatus',
          {},
          d.sparse ? '' : vector('tt:Position', head.position),
          d.sparse ? '' : node('tt:MoveStatus', {}, leaf('tt:PanTilt', move(panTilt)), leaf('tt:Zoom', move(zoom))),
          leaf('tt:UtcTime', new Date(d.nowMs()).toISOString()),
        ),
      );
    },
    ContinuousMove: (request, head) => {
      const velocity = vectorOf(child(request, 'Velocity'));
      if (Object.keys(velocity).length === 0) throw bad('Velocity');
      head.run({ ...still, ...velocity }, durationMs(textAt(request, 'Timeout'), 0) ?? defaultTimeoutMs);
      return node('tptz:ContinuousMoveResponse', {});
    },
    AbsoluteMove: (request, head) => {
      const target = vectorOf(child(request, 'Position'));
      if (Object.keys(target).length === 0) throw bad('Position');
      head.goto({ ...head.position, ...target });
      return node('tptz:AbsoluteMoveResponse', {});
    },
    RelativeMove: (request, head) => {
      const by = vectorOf(child(request, 'Translation'), 2);
      if (Object.keys(by).length === 0) throw bad('Translation');
      head.goto(added(head.position, { ...still, ...by }, 1));
      return node('tptz:RelativeMoveResponse', {});
    },
    Stop: (request, head) => {
      const [panTilt, zoom] = [textAt(request, 'PanTilt'), textAt(request, 'Zoom')];
      head.stop(panTilt !== 'false', zoom !== 'false');
      return node('tptz:StopResponse', {});
    },
    GetPresets: (_, head) =>
      node(
        'tptz:GetPresetsResponse',
        {},
        ...[...head.presets].map(([token, p]) =>
          node('tptz:Preset', { token }, leaf('tt:Name', p.name), vector('tt:PTZPosition', p.position)),
        ),
      ),
    SetPreset: (request, head) =>
      node(
        'tptz:SetPresetResponse',
        {},
        leaf('tptz:PresetToken', head.keep(textAt(request, 'PresetToken'), textAt(request, 'PresetName'))),
      ),
    GotoPreset: (request, head) => {
      head.goto(presetOf(head, textAt(request, 'PresetToken')));
      return node('tptz:GotoPresetResponse', {});
    },
    RemovePreset: (request, head) => {
      const token = textAt(request, 'PresetToken');
      presetOf(head, token);
      head.presets.delete(token ?? '');
      return node('tptz:RemovePresetResponse', {});
    },
    GotoHomePosition: (_, head) => {
      head.goto(head.home);
      return node('tptz:GotoHomePositionResponse', {});
    },
    SetHomePosition: (_, head) => {
      head.home = head.position;
      return node('tptz:SetHomePositionResponse', {});
    },
  }),
};
