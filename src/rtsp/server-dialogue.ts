/**
 * What a server session and its owner say to each other: effects to carry out, questions to
 * answer. Answers may come at once or much later; nothing else happens before.
 */
import type { Headers, RtspRequest } from '#rtsp/message';
import type { Target } from '#rtsp/server-target';
import type { ServerTransport } from '#rtsp/server-transport';

export type Question =
  /** May this request pass? Asked first, for every request, OPTIONS too. `publishes`: it is about media that the client sends. */
  | { readonly ask: 'admit'; readonly request: RtspRequest; readonly target: Target; readonly publishes: boolean }
  /** The client wants to send what the body describes (RFC 2326 10.3). */
  | { readonly ask: 'announce'; readonly request: RtspRequest; readonly target: Target }
  | { readonly ask: 'describe'; readonly request: RtspRequest; readonly target: Target }
  /** `target.track` may be undefined: the presentation's only track is meant. */
  | {
      readonly ask: 'setup';
      readonly target: Target;
      readonly transport: ServerTransport;
      /** The client will send: `target.track` is the place in the controls of the `announce` answer. */
      readonly publishes: boolean;
    }
  /** What is wanted stands in headers: Range, Scale and others. Asked again for a PLAY while playing. */
  | { readonly ask: 'play'; readonly request: RtspRequest; readonly target: Target };

export type Answer =
  | { readonly as: 'admit' }
  | { readonly as: 'describe'; readonly sdp: string; readonly headers?: Headers }
  /** The control URL of each track, in order (RFC 2326 C.1.1). */
  | { readonly as: 'announce'; readonly controls: readonly string[] }
  /** `serverPorts` (RTP, RTCP) for UDP; `ssrc` of what we send. */
  | {
      readonly as: 'setup';
      readonly track: number;
      readonly ssrc?: number;
      readonly serverPorts?: readonly [number, number];
    }
  /** `headers`: more of them, such as Scale. */
  | { readonly as: 'play'; readonly range: string; readonly info: readonly RtpInfo[]; readonly headers?: Headers }
  /** Any question may be answered with a refusal, such as 401 and its challenges. */
  | { readonly as: 'refuse'; readonly status: number; readonly headers?: Headers };

/** First packet after PLAY (RFC 2326 12.33). */
export interface RtpInfo {
  readonly track: number;
  readonly seq: number;
  readonly timestamp: number;
}

export type ServerEffect =
  | { readonly do: 'write'; readonly text: string }
  /** Always the last of its list; nothing happens before `answer`. */
  | { readonly do: 'ask'; readonly question: Question }
  /** PLAY is answered: media may flow on `tracks`. Comes again for a PLAY while playing. */
  | { readonly do: 'play' }
  /** RECORD is answered: media of the client go to `MediaIn`. */
  | { readonly do: 'record' }
  | { readonly do: 'pause' }
  /** The session is over, its tracks are gone; the connection may begin another. */
  | { readonly do: 'end'; readonly why: 'teardown' | 'timeout' | 'closed' }
  /** RTCP of the client on the interleaved connection. */
  | { readonly do: 'rtcp'; readonly channel: number; readonly bytes: Uint8Array }
  /** Close the connection when everything is written. The last effect there is. */
  | { readonly do: 'close'; readonly why: string };

/** Takes what a publishing client sends in the connection, as it comes: not among the effects, since these are many. */
export interface MediaIn {
  /** `bytes` from `begin` to `end`, valid during the call only. */
  rtp(track: number, bytes: Uint8Array, begin: number, end: number): void;
  rtcp(track: number, bytes: Uint8Array, begin: number, end: number): void;
}
