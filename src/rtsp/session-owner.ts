/** What a client session (`session.ts`) and the owner of its connection say to each other. */
import type { MediaDescription } from '#rtp/receiver';
import type { ReportBlock } from '#rtp/rtcp';
import type { ReplayRange } from './asked.ts';
import type { Login } from './auth.ts';
import type { Wanted } from './presentation.ts';
import type { Lessons, QuirkName } from './quirks.ts';
import type { Delivery, MediaTransport } from './transport.ts';

/** Why a session ended. The kinds are those of core's errors. */
export interface SessionFailure {
  readonly kind: 'refused' | 'protocol' | 'timeout' | 'unsupported' | 'transport';
  readonly code: string;
  readonly message: string;
}

export interface SessionTaker {
  write(bytes: string | Uint8Array): void;
  /** The tracks that will be played, in the order of their indices; before any media. */
  described(media: readonly MediaDescription[], ignored: readonly string[]): void;
  /** PLAY was answered. `rtpTimes`: RTP time of each track at the same instant, where the camera says so. */
  playing(rtpTimes: readonly (number | undefined)[]): void;
  rtp(track: number, bytes: Uint8Array, begin: number, end: number): void;
  rtcp(track: number, bytes: Uint8Array, begin: number, end: number): void;
  /** What to report of a track; undefined before its first packet. */
  report(track: number): ReportBlock | undefined;
  /** The camera breaks a rule in a way that has a name, and is treated accordingly from now on. Told once each. */
  quirk(name: QuirkName): void;
  /** The session is to be had at another URL; this one is over. */
  redirected(url: string): void;
  /** The session is over. Told once. */
  failed(failure: SessionFailure): void;
}

/** What a session needs of its owner whose media come by UDP. */
export interface Datagrams {
  /** So many pairs of ports are needed; the session goes on with `portsOpen`. Not called for multicast. */
  open(tracks: number): void;
  /** A track is set up: its packets come this way. */
  delivery(track: number, delivery: Delivery): void;
  /** A report of ours, for the sender of a track. */
  rtcp(track: number, bytes: Uint8Array): void;
}

export interface SessionOptions {
  /** Without user and password. */
  readonly uri: string;
  readonly login: Login | undefined;
  /** A password in clear is not sent to whom a redirect names. */
  readonly basic: boolean;
  readonly want: Wanted;
  readonly userAgent: string;
  /** Any text that nobody can foresee. */
  readonly cnonce: string;
  /** Ours, in receiver reports. */
  readonly ssrc: number;
  readonly requestTimeoutMs: number;
  /** How media are to come; `tcp` by default. */
  readonly transport?: MediaTransport;
  /** From earlier sessions with this camera. */
  readonly lessons?: Lessons;
  /** Of a recording: this time of it, as fast as it is read. */
  readonly replay?: ReplayRange;
  /** For all transports but `tcp`. */
  readonly datagrams?: Datagrams;
}
