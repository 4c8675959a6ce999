/** What the fake device is: its plate, its video sources and its profiles. */
import { fileURLToPath } from 'node:url';

export interface Plate {
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  readonly serial: string;
  readonly hardware: string;
  /** As in its scopes; any text. */
  readonly name: string;
  readonly location: string;
}

export interface VideoSource {
  readonly token: string;
  readonly width: number;
  readonly height: number;
  readonly framerate: number;
}

export interface Profile {
  readonly token: string;
  readonly name: string;
  /** Absent: a profile without video. */
  readonly video?: {
    readonly source: string;
    /** H.265 is told by media2 alone: ver10 has no word for it. */
    readonly codec: 'JPEG' | 'H264' | 'H265';
    readonly width: number;
    readonly height: number;
    readonly framerate: number;
    readonly quality: number;
    readonly bitrateKbps: number;
  };
  readonly audio?: 'G711' | 'AAC';
  /** What the fake camera plays there, as its `--media` reads it; the shipped clip by default. */
  readonly media?: string;
}

export interface Model {
  readonly plate: Plate;
  readonly sources: readonly VideoSource[];
  readonly profiles: readonly Profile[];
}

export const defaultPlate: Plate = {
  manufacturer: 'Ocellus',
  model: 'Fake ONVIF 1',
  firmware: '1.2.3',
  serial: 'FAKE0001',
  hardware: 'F1',
  name: 'Fake camera, yard',
  location: 'city/Nowhere',
};

export const defaultSources: readonly VideoSource[] = [{ token: 'vs0', width: 1920, height: 1080, framerate: 25 }];

/** Of the shipped media. */
export const shipped = (name: string): string =>
  fileURLToPath(new URL(`../../test/fixture/media/${name}`, import.meta.url));

/** Main, sub, one without video and one that only media2 tells. Sizes are those that are played. */
export const defaultProfiles: readonly Profile[] = [
  {
    token: 'main',
    name: 'mainStream',
    video: { source: 'vs0', codec: 'H264', width: 320, height: 240, framerate: 25, quality: 4, bitrateKbps: 2048 },
    audio: 'AAC',
  },
  {
    token: 'sub',
    name: 'subStream <&>',
    video: { source: 'vs0', codec: 'H264', width: 176, height: 144, framerate: 25, quality: 3, bitrateKbps: 256 },
    media: `h264=${shipped('second.h264')}`,
  },
  { token: 'sound', name: 'sound only', audio: 'AAC' },
  {
    token: 'h265',
    name: 'third',
    video: { source: 'vs0', codec: 'H265', width: 176, height: 144, framerate: 25, quality: 5, bitrateKbps: 1024 },
    media: `h265=${shipped('clip.h265')}`,
  },
];
