/** What cameras and networks do wrong, one of each: a fault of the fake camera, or media of an unusual kind. */
import type { MediaWishes } from '#fake/peers';
import { sdpVariants } from '../fake-camera/faults.ts';

export interface Exhibit {
  readonly name: string;
  /** As the fake camera reads them. */
  readonly faults: readonly string[];
  readonly transport: 'tcp' | 'udp';
  /** The fault is in the dialogue: connections are cut when it begins, so that there is one. */
  readonly dialogue: boolean;
  /** The camera asks for a login. */
  readonly login: boolean;
  /** Beyond the back-off, until an attempt is made that could succeed. */
  readonly patienceSeconds: number;
  /** What it plays instead of the shipped clip: the text of `loadClip`, or what ffmpeg is to make. */
  readonly media: string | MediaWishes | undefined;
  /** The recording must have no gap: nothing is wrong that should stop it. */
  readonly harmless: boolean;
}

const exhibit = (name: string, faults: string | readonly string[], more: Partial<Exhibit> = {}): Exhibit => ({
  ...{ name, faults: typeof faults === 'string' ? [faults] : faults, transport: 'tcp', dialogue: false, login: false },
  ...{ patienceSeconds: 0, media: undefined, harmless: false },
  ...more,
});
const dialogue = (name: string, faults: string, more: Partial<Exhibit> = {}): Exhibit =>
  exhibit(name, faults, { dialogue: true, ...more });
const udp = { transport: 'udp' } as const;
const harmless = { harmless: true } as const;

/** What is refused is tried again every 30 s, give or take a fifth (style.md 6: do not lock the account). */
const refused = 36;

export const exhibits: readonly Exhibit[] = [
  // The connection
  exhibit('drop', 'type=drop,at=1,every=2'),
  exhibit('reset', 'type=rst,at=1,every=2'),
  exhibit('stall', 'type=stall,at=1,every=9,dur=4', harmless),
  exhibit('stall-long', 'type=stall,at=1,every=60,dur=14'),
  dialogue('reboot-at-setup', 'type=reboot,method=SETUP,v=2000'),
  dialogue('reboot-at-play', 'type=reboot,method=PLAY,v=2000'),
  exhibit('split', 'type=split', harmless),
  // The network
  exhibit('firewall', 'type=firewall', udp),
  exhibit('loss', 'type=loss,p=0.03', udp),
  exhibit('burstloss', 'type=burstloss,every=2,v=300', udp),
  exhibit('reorder', 'type=reorder,p=0.2', { ...udp, ...harmless }),
  exhibit('duplicate', 'type=dup,p=0.2', { ...udp, ...harmless }),
  exhibit('jitter', 'type=jitter,v=150', { ...udp, ...harmless }),
  exhibit('loss-reorder-dup', ['type=loss,p=0.01', 'type=reorder,p=0.1', 'type=dup,p=0.1'], udp),
  exhibit('corrupt', 'type=corrupt,p=0.05', udp),
  exhibit('truncate', 'type=trunc,p=0.05', udp),
  exhibit('loss-tcp', 'type=loss,p=0.03'),
  exhibit('corrupt-tcp', 'type=corrupt,p=0.05'),
  exhibit('truncate-tcp', 'type=trunc,p=0.05'),
  exhibit('garbage', 'type=garbage,p=0.05'),
  exhibit('giant-packets', 'type=giant,p=0.05'),
  // The clock and the encoder
  exhibit('time-forward', 'type=tsjump,at=1,every=3,v=900000'),
  exhibit('time-back', 'type=tsjump,at=1,every=3,v=-900000'),
  exhibit('ssrc', 'type=ssrc,at=1,every=3'),
  exhibit('resolution', 'type=switch,at=1,every=3,v=1'),
  exhibit('frame-rate', 'type=rate,at=1,v=2', harmless),
  exhibit('no-keyframe', 'type=nokey'),
  // A session whose pictures cannot be decoded is given a minute for its first key frame.
  dialogue('no-parameter-sets', 'type=noparams', { patienceSeconds: 60 }),
  exhibit('gop-60s', [], { media: { video: 'h264', gop: 1500, seconds: 66, size: '160x120' }, ...harmless }),
  exhibit('b-frames', [], { media: { video: 'h264', audio: 'aac', gop: 50, bframes: 3, seconds: 8 }, ...harmless }),
  exhibit('audio-only', [], { media: 'aac=test/fixture/media/clip.aac', ...harmless }),
  // The dialogue
  // A camera that hears nothing ends the session by its own timeout, a minute later.
  exhibit('mute', 'type=mute'),
  dialogue('delay', 'type=delay,v=1500'),
  dialogue('early-media', 'type=early,v=500'),
  exhibit('session-expires', 'type=expire,at=1'),
  dialogue('play-unanswered', 'type=silent,method=PLAY'),
  dialogue('nothing-answered', 'type=silent'),
  dialogue('wrong-cseq', 'type=cseq,method=DESCRIBE'),
  dialogue('wrong-cseq-always', 'type=cseq'),
  dialogue('endless-headers', 'type=headers,method=DESCRIBE'),
  dialogue('header-bomb', 'type=bomb,method=SETUP'),
  dialogue('endless-sdp', 'type=body,method=DESCRIBE'),
  dialogue('sdp-cut-short', 'type=body,method=DESCRIBE,v=200000'),
  dialogue('web-page', 'type=debris,method=OPTIONS'),
  dialogue('401-loop', 'type=unauthorized', { login: true, patienceSeconds: refused }),
  dialogue('401-without-challenge', 'type=rtsperr,v=401,method=DESCRIBE', { patienceSeconds: refused }),
  dialogue('403', 'type=rtsperr,v=403,method=PLAY', { patienceSeconds: refused }),
  dialogue('redirect-loop', 'type=redirect,method=DESCRIBE'),
  ...['OPTIONS 500', 'DESCRIBE 404', 'SETUP 461', 'SETUP 500', 'PLAY 453', 'PLAY 500'].map(text => {
    const [method, status] = text.split(' ');
    return dialogue(`${method?.toLowerCase()}-${status}`, `type=rtsperr,v=${status},method=${method}`);
  }),
  exhibit('keepalive-500', ['type=rtsperr,v=500,method=GET_PARAMETER'], harmless),
  // `nosprop` leaves the parameter sets to the media, which is allowed; none of these is a reason not to record.
  ...sdpVariants.map(variant => dialogue(`sdp-${variant}`, `type=sdp,variant=${variant}`)),
];

/** Different ones that recover soon, for CI. */
export const fewExhibits: readonly string[] = [
  ...['drop', 'reboot-at-setup', 'loss-reorder-dup', 'time-back', 'giant-packets', 'endless-headers', 'endless-sdp'],
  ...['wrong-cseq', 'early-media', 'session-expires', 'resolution', 'garbage'],
];
