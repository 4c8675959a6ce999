import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aacTrack } from '#media/aac';
import { mjpegTrack } from '#media/jpeg';
import { plainTrack } from '#media/sound';
import type { Track } from '#media/track';
import { vp8Track } from '#media/vp8';
import type { MediaDescription } from '#rtp/media-description';
import { presentationOf } from '#rtsp/presentation';
import { interleavedChannels, rtpInfo } from '#rtsp/transport';
import { parseRtspUrl, resolveControl } from '#rtsp/url';
import { parseSdp, writeSdp } from '#sdp/sdp';
import { trackSection } from '#sdp/track-section';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('parseRtspUrl', () => {
  const cases: [text: string, out: string | undefined][] = [
    ['rtsp://cam', 'cam 554 rtsp://cam/'],
    ['rtsp://cam:8554/a/b?c=d&e', 'cam 8554 rtsp://cam:8554/a/b?c=d&e'],
    ['rtsps://cam/x', 'cam 322 tls rtsps://cam/x'],
    ['RTSP://10.0.0.1/Streaming/Channels/101', '10.0.0.1 554 rtsp://10.0.0.1/Streaming/Channels/101'],
    ['rtsp://[fe80::1]:554/x', 'fe80::1 554 rtsp://[fe80::1]:554/x'],
    ['rtsp://admin:p%40ss@cam/x', 'cam 554 rtsp://cam/x admin p@ss'],
    ['rtsp://admin@cam?x', 'cam 554 rtsp://cam?x admin '],
    ['rtsp://a:100%@cam/', 'cam 554 rtsp://cam/ a 100%'],
    ['rtsp://cam/x#part', 'cam 554 rtsp://cam/x'],
    ['http://cam/', undefined],
    ['rtsp://', undefined],
    ['rtsp://cam:0/', undefined],
    ['rtsp://cam:70000/', undefined],
    ['rtsp://cam/a b', undefined],
    ['rtsp://cam/\r\nX: y', undefined],
    ['', undefined],
  ];
  for (const [text, out] of cases)
    test(text || '(empty)', () => {
      const u = parseRtspUrl(text);
      assert.equal(
        u &&
          [u.host, u.port, ...(u.tls ? ['tls'] : []), u.uri, ...(u.login ? [u.login.user, u.login.password] : [])].join(
            ' ',
          ),
        out,
      );
    });
});

describe('resolveControl', () => {
  const cases: [base: string, control: string | undefined, out: string][] = [
    ['rtsp://cam/live/', 'trackID=1', 'rtsp://cam/live/trackID=1'],
    ['rtsp://cam/live', 'trackID=1', 'rtsp://cam/live/trackID=1'],
    ['rtsp://cam/live?a=b', 'trackID=1', 'rtsp://cam/live?a=b/trackID=1'],
    ['rtsp://cam/live', '*', 'rtsp://cam/live'],
    ['rtsp://cam/live', undefined, 'rtsp://cam/live'],
    ['rtsp://cam/live', '', 'rtsp://cam/live'],
    ['rtsp://cam/live', 'rtsp://10.0.0.1/x/1', 'rtsp://10.0.0.1/x/1'],
    ['rtsp://cam:8554/live/', '/other/1', 'rtsp://cam:8554/other/1'],
  ];
  for (const [base, control, out] of cases)
    test(`${control} of ${base}`, () => assert.equal(resolveControl(base, control), out));
});

describe('interleavedChannels', () => {
  const cases: [transport: string | undefined, out: readonly number[] | undefined][] = [
    ['RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=1', [4, 5]],
    ['RTP/AVP/TCP;interleaved=4', [4, 5]],
    ['RTP/AVP/TCP;unicast', [0, 1]],
    [undefined, [0, 1]],
    ['RTP/AVP;unicast;client_port=1-2', undefined],
    ['RTP/AVP/TCP;interleaved=400-401', undefined],
  ];
  for (const [transport, out] of cases)
    test(`${transport}`, () => assert.deepEqual(interleavedChannels(transport, 0), out));
});

describe('rtpInfo', () => {
  const controls = ['rtsp://cam/live/trackID=1', 'rtsp://cam/live/trackID=2'];
  const cases: [name: string, text: string | undefined, out: (number | undefined)[]][] = [
    [
      'by URL, in another order',
      'url=rtsp://cam/live/trackID=2;seq=1;rtptime=7, url=rtsp://cam/live/trackID=1;rtptime=5',
      [5, 7],
    ],
    ['relative URLs', 'url=trackID=1;seq=4;rtptime=5,url=trackID=2;rtptime=7', [5, 7]],
    ['URLs that fit nothing, as many as tracks', 'url=a;rtptime=5,url=b;rtptime=7', [5, 7]],
    ['no time', 'url=trackID=1;seq=4', [undefined, undefined]],
    ['a comma in a URL', 'url=rtsp://x/a,b/trackID=1;rtptime=5', [5, undefined]],
    ['nothing', undefined, [undefined, undefined]],
  ];
  for (const [name, text, out] of cases) test(name, () => assert.deepEqual(rtpInfo(text, controls), out));
});

/** One of each codec that needs no setup, and of those that have theirs in the description. */
const describable: readonly Track[] = [
  plainTrack('opus', 48000, 2),
  plainTrack('opus', 48000, 1),
  plainTrack('pcmu', 8000, 1),
  plainTrack('pcma', 16000, 1),
  plainTrack('lpcm', 48000, 2),
  aacTrack(Uint8Array.of(0x14, 0x08))!,
  mjpegTrack(640, 480),
  vp8Track(640, 480),
  { ...vp8Track(640, 480), codec: 'h265', parameterSets: ['40010c', '420101', '4401c0'].map(hex) },
  { ...vp8Track(640, 480), codec: 'h264', parameterSets: ['6742c00a', '68ce'].map(hex) },
];

const detailsOf = (m: MediaDescription): string => {
  if (m.kind === 'metadata') return '';
  if (m.kind === 'video')
    return `${m.parameterSets.length} sets${m.numbered ? ' numbered' : ''}${m.size ? ` ${m.size.join('x')}` : ''}`;
  const packing =
    'packing' in m
      ? ` ${Object.values(m.packing)
          .map(v => (typeof v === 'object' ? 'mux' : v))
          .join()}`
      : '';
  return `${m.track.codecText} ${m.track.sampleRate} ${m.track.channels}${packing}`;
};

describe('presentationOf', () => {
  const both = { video: true, audio: true };
  const tell = (sdp: string, want = both): string[] => {
    const p = presentationOf(parseSdp(sdp), 'rtsp://cam/', want);
    return [
      ...p.tracks.map(t => {
        const m = t.media;
        return `${m.codec} ${m.payloadType} ${t.control} ${detailsOf(m)}`.trim();
      }),
      ...p.ignored.map(i => `ignored ${i}`),
    ];
  };
  const v = 'm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:v';
  const a = 'm=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/16000/1\na=control:a';
  const cases: [name: string, sdp: string, out: string[]][] = [
    ['sets in base64', `${v}\na=fmtp:96 sprop-parameter-sets=Z0IAKQ==,aM48gA==`, ['h264 96 rtsp://cam/v 2 sets']],
    ['sets that are no base64', `${v}\na=fmtp:96 sprop-parameter-sets=!,Zg;x`, ['h264 96 rtsp://cam/v 0 sets']],
    [
      'audio first: video is the first track all the same',
      `${a}\n${v}`,
      ['h264 96 rtsp://cam/v 0 sets', 'aac 97 rtsp://cam/a mp4a.40.2 16000 1 13,3,3,1024'],
    ],
    [
      'the lengths of the mode',
      `${a}\na=fmtp:97 mode=AAC-lbr; config=1408`,
      ['aac 97 rtsp://cam/a mp4a.40.2 16000 1 6,2,2,1024'],
    ],
    [
      'lengths said outright',
      `${a}\na=fmtp:97 mode=AAC-hbr;sizelength=16;indexlength=0;indexdeltalength=0;config=1408`,
      ['aac 97 rtsp://cam/a mp4a.40.2 16000 1 16,0,0,1024'],
    ],
    [
      'SBR: a unit is 2048 ticks of the RTP clock',
      'm=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000\na=fmtp:97 mode=AAC-hbr;config=2b098800',
      ['aac 97 rtsp://cam/ mp4a.40.5 48000 1 13,3,3,2048'],
    ],
    ['a second video is left alone', `${v}\n${v.replace('control:v', 'control:w')}`, ['h264 96 rtsp://cam/v 0 sets']],
    [
      'formats nobody understands',
      'm=video 0 RTP/AVP 98\na=rtpmap:98 MP4V-ES/90000\nm=audio 0 RTP/AVP 3\nm=application 0 RTP/AVP 107',
      ['ignored video MP4V-ES', 'ignored audio 3'],
    ],
    [
      'the second format is understood',
      'm=video 0 RTP/AVP 98 96\na=rtpmap:98 H263/90000\na=rtpmap:96 H264/90000',
      ['h264 96 rtsp://cam/ 0 sets'],
    ],
    ['nothing', '', []],
    [
      'H.265 with its three sets, and numbered NAL units',
      'm=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\na=fmtp:96 sprop-vps=QAEM;sprop-sps=QgEB;sprop-pps=RAHA;sprop-max-don-diff=2',
      ['h265 96 rtsp://cam/ 3 sets numbered'],
    ],
    ['HEVC is H.265', 'm=video 0 RTP/AVP 96\na=rtpmap:96 HEVC/90000', ['h265 96 rtsp://cam/ 0 sets']],
    ['JPEG by its fixed payload type', 'm=video 0 RTP/AVP 26', ['mjpeg 26 rtsp://cam/ 0 sets']],
    [
      'JPEG whose size only the description knows',
      'm=video 0 RTP/AVP 26\na=framesize:26 2592-1944',
      ['mjpeg 26 rtsp://cam/ 0 sets 2592x1944'],
    ],
    [
      'the same as GStreamer says it',
      'm=video 0 RTP/AVP 26\na=x-dimensions:2592,1944',
      ['mjpeg 26 rtsp://cam/ 0 sets 2592x1944'],
    ],
    ['VP8', 'm=video 0 RTP/AVP 96\na=rtpmap:96 VP8/90000', ['vp8 96 rtsp://cam/ 0 sets']],
    ['AV1', 'm=video 0 RTP/AVP 96\na=rtpmap:96 AV1/90000', ['av1 96 rtsp://cam/ 0 sets']],
    ['PCMU by its fixed payload type', 'm=audio 0 RTP/AVP 0', ['pcmu 0 rtsp://cam/ ulaw 8000 1']],
    ['PCMA of 16 kHz', 'm=audio 0 RTP/AVP 97\na=rtpmap:97 PCMA/16000', ['pcma 97 rtsp://cam/ alaw 16000 1']],
    ['L16 by its fixed payload type', 'm=audio 0 RTP/AVP 10', ['lpcm 10 rtsp://cam/ twos 44100 2']],
    ['Opus that says nothing', 'm=audio 0 RTP/AVP 97\na=rtpmap:97 opus/48000/2', ['opus 97 rtsp://cam/ opus 48000 2']],
    [
      'Opus that is mono',
      'm=audio 0 RTP/AVP 97\na=rtpmap:97 opus/48000/2\na=fmtp:97 sprop-stereo=0',
      ['opus 97 rtsp://cam/ opus 48000 1'],
    ],
    ['G.726', 'm=audio 0 RTP/AVP 97\na=rtpmap:97 G726-40/8000', ['g726 97 rtsp://cam/ twos 8000 1 5,lowest-first']],
    [
      'G.726 packed as in AAL2',
      'm=audio 0 RTP/AVP 97\na=rtpmap:97 AAL2-G726-16/8000',
      ['g726 97 rtsp://cam/ twos 8000 1 2,highest-first'],
    ],
    [
      'LATM as GStreamer describes it',
      'm=audio 0 RTP/AVP 97\na=rtpmap:97 MP4A-LATM/48000\na=fmtp:97 cpresent=0;config=40002310adca00',
      ['aac-latm 97 rtsp://cam/ mp4a.40.2 48000 1 false,mux,48000'],
    ],
    [
      'LATM that describes itself',
      'm=audio 0 RTP/AVP 97\na=rtpmap:97 MP4A-LATM/16000/1',
      ['aac-latm 97 rtsp://cam/ mp4a.40.2 16000 1 true,,16000'],
    ],
    [
      'LATM without configuration anywhere',
      'm=audio 0 RTP/AVP 97\na=rtpmap:97 MP4A-LATM/16000\na=fmtp:97 cpresent=0',
      ['ignored audio MP4A-LATM'],
    ],
  ];
  for (const [name, sdp, out] of cases) test(name, () => assert.deepEqual(tell(sdp), out));
  test('metadata is played by those who ask for it, behind video and audio', () => {
    const m = 'm=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\na=control:m';
    assert.deepEqual(tell(`${m}\n${v}`), ['h264 96 rtsp://cam/v 0 sets']);
    const all = { ...both, metadata: true };
    assert.deepEqual(tell(`${m}\n${v}`, all), ['h264 96 rtsp://cam/v 0 sets', 'metadata 107 rtsp://cam/m']);
  });

  test('every track that we describe is understood as what it is', () => {
    for (const track of [...describable]) {
      const sdp = { origin: '', name: '', attributes: [], media: [trackSection(track, 100, 'x')] };
      const [played] = presentationOf(parseSdp(writeSdp(sdp)), 'rtsp://cam/', both).tracks;
      const { media } = played ?? {};
      assert.equal(media?.codec, track.codec);
      assert.deepEqual([media?.payloadType, media?.clockRate], [100, track.timescale]);
      if (media?.kind === 'audio') assert.deepEqual(media.track, track);
      if (media?.kind === 'video' && track.kind === 'video') assert.deepEqual(media.parameterSets, track.parameterSets);
    }
  });

  test('what is not wanted is neither played nor missed', () =>
    assert.deepEqual(tell(`${a}\n${v}`, { video: false, audio: true }), [
      'aac 97 rtsp://cam/a mp4a.40.2 16000 1 13,3,3,1024',
    ]));
});
