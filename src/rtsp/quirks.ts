/**
 * What RTSP servers of cameras do against the rules, and what we do about it: each a policy with a name. They
 * come into force by what a camera does, not by what it calls itself: firmware is sold under
 * many names. What holds for a whole camera is kept from session to session (`Lessons`).
 *
 * Test for each: `test/fixture/rtsp/quirk-NAME.txt`, made by hand after what is known of the vendors.
 */
import { type Quirk, type RtpQuirk, rtpQuirks } from '#rtp/quirks';

export type { Quirk } from '#rtp/quirks';

export const rtspQuirks = {
  'query-lost': {
    does: 'leaves the query of the URL out of Content-Base, and then does not know its tracks without it',
    sign: 'SETUP of the first track is refused (400, 404, 451, 454), and Content-Base has not the query that DESCRIBE had',
    policy: 'control attributes are resolved against the URL of DESCRIBE, query and all',
    vendor: 'resellers of Dahua firmware, whose stream is chosen in the query alone',
  },
  'shared-channels': {
    does: 'answers SETUP of a second track with the channels of the first',
    sign: 'the Transport of an answer names a channel that another track has',
    policy:
      'packets of that channel are told apart by payload type and SSRC; the channels asked for are listened to as well',
    vendor: 'several; RTSP servers made for one track',
  },
  'range-refused': {
    does: 'plays, but no Range',
    sign: 'PLAY with Range is answered with 457 or 400',
    policy: 'PLAY without Range',
    vendor: 'several',
  },
  'play-unanswered': {
    does: 'sends media and never answers PLAY, or so that nobody can read it',
    sign: 'no answer to PLAY in time, and media came',
    policy: 'the session goes on as if it were answered',
    vendor: 'none known by name',
  },
  'get-parameter-ends-session': {
    does: 'ends the session when GET_PARAMETER comes, which it announces in Public',
    sign: 'the connection or the media end within 3 s of GET_PARAMETER, unanswered',
    policy: 'OPTIONS keeps the session alive, in all sessions from then on',
    vendor: 'several; old firmware that copied its Public line',
  },
  'early-expiry': {
    does: 'ends sessions sooner than the 60 s that hold where no timeout is told (RFC 2326 12.37)',
    sign: 'a session without timeout ends before it was kept alive',
    policy: 'the next sessions are kept alive three times in that time',
    vendor: 'several',
  },
  'keep-alive-unauthorized': {
    does: 'refuses the login in the requests that keep a session alive, and goes on sending',
    sign: '401 to a keep-alive that has the login that PLAY had',
    policy: 'left in peace; the other method is tried the next time',
    vendor: 'several; servers that check the URI of Digest against that of DESCRIBE',
  },
  'realm-as-written': {
    does: 'takes a backslash in realm or nonce for itself, not for an escape (RFC 2617 1.2 leaves it open)',
    sign: 'a refused Digest, of a realm or nonce with a backslash',
    policy: 'the texts are hashed and sent back as they were written',
    vendor: 'several; realms made of a Windows domain or a model name',
  },
  'sha-256-unmeant': {
    does: 'offers Digest with SHA-256, and does not take it',
    sign: 'a refused SHA-256 where MD5 is offered as well',
    policy: 'MD5 is answered, once',
    vendor: 'several; firmware between two generations',
  },
  'foreign-cseq': {
    does: 'counts CSeq for itself instead of repeating that of the request (RFC 2326 12.17)',
    sign: 'an answer with a CSeq that no request had, and no other within a second',
    policy: 'it is the answer to what was asked last',
    vendor: 'several',
  },
  'types-disagree': {
    does: 'writes rtpmap or fmtp for another payload type than the m= line names',
    sign: 'one format in the section, nothing said of it, and one line for another type',
    policy: 'the line is read for the one format',
    vendor: 'several',
  },
  'no-clock-rate': {
    does: 'leaves the clock rate out of rtpmap',
    sign: 'a=rtpmap:96 H264',
    policy: '90000 for video, the rate of RFC 3551 for G.711',
    vendor: 'several',
  },
  'back-channel-described': {
    does: 'describes the way back of its loudspeaker although nobody asked for it (ONVIF Streaming 5.3)',
    sign: 'an audio section with sendonly beside one without',
    policy: 'that section is not played',
    vendor: 'several',
  },
  'g711-rate': {
    does: 'gives the static payload types of G.711 another rate, or one that no sound has (RFC 3551 6)',
    sign: 'PCMU or PCMA of a static type or above 48000',
    policy: 'sound of 8000 Hz; the rate of its timestamps is measured',
    vendor: 'several; SDP with 90000 for every track',
  },
} as const satisfies Readonly<Record<string, Quirk>>;

export type RtspQuirk = keyof typeof rtspQuirks;

/** All of them, by name. */
export const quirks: Readonly<Record<QuirkName, Quirk>> = { ...rtpQuirks, ...rtspQuirks };
export type QuirkName = RtspQuirk | RtpQuirk;

/** What was learned of a camera in its sessions so far. A quirk in it is told when it is learned. */
export interface Lessons {
  /** 'get-parameter-ends-session' */
  readonly keepAliveByOptions?: boolean;
  /** 'early-expiry': how often to keep alive. */
  readonly keepAliveMs?: number;
}
