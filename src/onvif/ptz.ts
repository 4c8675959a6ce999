/** PTZ (ONVIF PTZ 5): requests and readers. Positions and speeds are those of the generic spaces, -1..1, zoom positions 0..1. */
import { listLimit, tokenOf } from './media.ts';
import { writeDuration } from './time.ts';
import { at, booleanOf, child, children, escapeXml, numberAt, numberOf, textAt, type XmlElement } from './xml.ts';

/** A part that is undefined is not spoken of. */
export interface Axes {
  readonly pan: number | undefined;
  readonly tilt: number | undefined;
  readonly zoom: number | undefined;
}

const number = (n: number): string => String(Math.round(n * 10_000) / 10_000);

function vector(name: string, { pan, tilt, zoom }: Axes): string {
  const panTilt =
    pan === undefined && tilt === undefined ? '' : `<tt:PanTilt x="${number(pan ?? 0)}" y="${number(tilt ?? 0)}"/>`;
  return `<tptz:${name}>${panTilt}${zoom === undefined ? '' : `<tt:Zoom x="${number(zoom)}"/>`}</tptz:${name}>`;
}
const of = (profile: string): string => `<tptz:ProfileToken>${escapeXml(profile)}</tptz:ProfileToken>`;
const presetToken = (id: string): string => `<tptz:PresetToken>${escapeXml(id)}</tptz:PresetToken>`;

export const getNodes = '<tptz:GetNodes/>';
export const getStatus = (profile: string): string => `<tptz:GetStatus>${of(profile)}</tptz:GetStatus>`;
export const continuousMove = (profile: string, speed: Axes, timeoutMs: number): string =>
  `<tptz:ContinuousMove>${of(profile)}${vector('Velocity', speed)}<tptz:Timeout>${writeDuration(timeoutMs)}</tptz:Timeout></tptz:ContinuousMove>`;
export const absoluteMove = (profile: string, position: Axes): string =>
  `<tptz:AbsoluteMove>${of(profile)}${vector('Position', position)}</tptz:AbsoluteMove>`;
export const stop = (profile: string): string =>
  `<tptz:Stop>${of(profile)}<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom></tptz:Stop>`;
export const getPresets = (profile: string): string => `<tptz:GetPresets>${of(profile)}</tptz:GetPresets>`;
export const setPreset = (profile: string, name: string): string =>
  `<tptz:SetPreset>${of(profile)}<tptz:PresetName>${escapeXml(name)}</tptz:PresetName></tptz:SetPreset>`;
export const removePreset = (profile: string, id: string): string =>
  `<tptz:RemovePreset>${of(profile)}${presetToken(id)}</tptz:RemovePreset>`;
export const gotoPreset = (profile: string, id: string): string =>
  `<tptz:GotoPreset>${of(profile)}${presetToken(id)}</tptz:GotoPreset>`;
export const gotoHome = (profile: string): string => `<tptz:GotoHomePosition>${of(profile)}</tptz:GotoHomePosition>`;

export interface PtzNode {
  readonly token: string;
  readonly continuous: { readonly panTilt: boolean; readonly zoom: boolean };
  readonly absolute: { readonly panTilt: boolean; readonly zoom: boolean };
  readonly relative: boolean;
  readonly presets: boolean;
  readonly home: boolean;
}

/** Of the answer to GetNodes. A node that names no spaces at all is taken to move continuously, as most do. */
export function readNodes(answer: XmlElement): PtzNode[] {
  return children(answer, 'PTZNode')
    .slice(0, listLimit)
    .map(node => {
      const spaces = child(node, 'SupportedPTZSpaces');
      const has = (name: string): boolean => child(spaces, name) !== undefined;
      const silent = (spaces?.children ?? []).length === 0;
      return {
        token: tokenOf(node),
        continuous: {
          panTilt: silent || has('ContinuousPanTiltVelocitySpace'),
          zoom: silent || has('ContinuousZoomVelocitySpace'),
        },
        absolute: { panTilt: has('AbsolutePanTiltPositionSpace'), zoom: has('AbsoluteZoomPositionSpace') },
        relative: has('RelativePanTiltTranslationSpace') || has('RelativeZoomTranslationSpace'),
        presets: (numberAt(node, 'MaximumNumberOfPresets') ?? 0) > 0,
        home: booleanOf(textAt(node, 'HomeSupported')) ?? false,
      };
    });
}

export interface PtzStatus {
  readonly position: { readonly pan: number; readonly tilt: number; readonly zoom: number } | null;
  readonly moving: boolean | null;
}

/** Of the answer to GetStatus; null is what the device does not tell. */
export function readStatus(answer: XmlElement): PtzStatus {
  const position = at(answer, 'PTZStatus', 'Position');
  const axis = (part: string, name: string): number | undefined =>
    numberOf(child(position, part)?.attributes.get(name)?.trim());
  const [pan, tilt, zoom] = [axis('PanTilt', 'x'), axis('PanTilt', 'y'), axis('Zoom', 'x')];
  const known = pan !== undefined || tilt !== undefined || zoom !== undefined;
  const moves = (at(answer, 'PTZStatus', 'MoveStatus')?.children ?? []).map(c => c.text.toUpperCase());
  return {
    position: known ? { pan: pan ?? 0, tilt: tilt ?? 0, zoom: zoom ?? 0 } : null,
    moving: moves.includes('MOVING') ? true : moves.length > 0 && moves.every(m => m === 'IDLE') ? false : null,
  };
}

/** Of the answer to GetPresets; those without a token are left out. */
export const readPresets = (answer: XmlElement): { readonly id: string; readonly name: string }[] =>
  children(answer, 'Preset')
    .slice(0, listLimit)
    .map(p => ({ id: tokenOf(p), name: (textAt(p, 'Name') ?? '').slice(0, 200) }))
    .filter(p => p.id !== '');

/** Of the answer to SetPreset. */
export const readPresetId = (answer: XmlElement): string | undefined => textAt(answer, 'PresetToken')?.slice(0, 256);
