/**
 * What senders of RTP do against the rules, and what we do about it: each a policy with a name,
 * in force from the moment at which its sign is seen, strict until then. The quirks of RTSP
 * and SDP are in `rtsp/quirks.ts`; tests play every one of them.
 */

export interface Quirk {
  /** What the device does. */
  readonly does: string;
  /** By what it is recognised. */
  readonly sign: string;
  /** What we do then. */
  readonly policy: string;
  /** Who was seen with it; "several" where it is nobody's own. */
  readonly vendor: string;
}

export const rtpQuirks = {
  'rtcp-beside-rtp': {
    does: 'sends RTCP on the channel of RTP, or the other way round, without having agreed on it (RFC 5761 4)',
    sign: 'a packet type of 192 to 223 where RTP is due, or another one where RTCP is',
    policy: 'the packet is taken for what it is',
    vendor: 'several; cheap IP cameras over TCP',
  },
  'padding-overruns': {
    does: 'sets the padding bit without padding (RFC 3550 5.1)',
    sign: 'a last octet of 0, or one larger than the payload',
    policy: 'the whole payload is taken',
    vendor: 'several',
  },
  'frozen-sequence': {
    does: 'does not count its packets',
    sign: 'over a connection that keeps the order: 64 packets in a row that do not follow the highest number',
    policy: 'sequence numbers of this track are not looked at any more',
    vendor: 'several; RTSP servers made for TCP alone',
  },
  'undescribed-payload-type': {
    does: 'sends another payload type than it describes',
    sign: 'packets of another type, and none of the described one',
    policy: 'they are taken until one of the described type comes',
    vendor: 'several',
  },
  'adts-in-aac': {
    does: 'puts the ADTS header of files in front of AAC frames (RFC 3640 3.2.1 wants raw frames)',
    sign: 'a frame that begins with the ADTS sync word, and its length',
    policy: 'the header is taken off',
    vendor: 'several; firmware built on encoders that make ADTS',
  },
  'audio-clock': {
    does: 'counts the time of its sound at another rate than its SDP says (PCMU at 90000, Opus at 16000, AAC at 90000)',
    sign: 'for 3 s timestamps fit the length of the sound, and its arrival, at another usual rate',
    policy: 'that rate is taken',
    vendor: 'several',
  },
  'marker-on-every-slice': {
    does: 'sets the marker on each slice of a picture (RFC 6184 5.1 wants it on the last)',
    sign: 'a slice that does not begin a picture behind the marker',
    policy: 'only timestamps end a picture; the one at which it is noticed is cut',
    vendor: 'several',
  },
  'no-idr': {
    does: 'sends H.264 without IDR pictures, or with one at the begin alone: an open group of pictures, or a gradual refresh',
    sign: 'three pictures with a recovery point, or of I slices where no IDR picture ever came, and no IDR picture between',
    policy: 'they are key frames; B pictures that lead the first of them are left out',
    vendor: 'encoders of broadcast; x264 with open-gop or intra-refresh',
  },
  'jumping-timestamps': {
    does: 'sets its video clock anew at each keyframe, or at random',
    sign: 'five jumps within a minute, while packets come steadily',
    policy: 'pictures are placed by their arrival, smoothed',
    vendor: 'several; devices that set their clock while they send',
  },
} as const satisfies Readonly<Record<string, Quirk>>;

export type RtpQuirk = keyof typeof rtpQuirks;
