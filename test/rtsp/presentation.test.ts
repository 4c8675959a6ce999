import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { presentationOf } from '#rtsp/presentation';
import { interleavedChannels, rtpInfo } from '#rtsp/transport';
import { parseRtspUrl, resolveControl } from '#rtsp/url';
import { parseSdp } from '#sdp/sdp';

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

describe('presentationOf', () => {
  const both = { video: true, audio: true };
  const tell = (sdp: string, want = both): string[] => {
    const p = presentationOf(parseSdp(sdp), 'rtsp://cam/', want);
    return [
      ...p.tracks.map(t => {
        const m = t.media;
        const more =
          m.kind === 'video'
            ? `${m.parameterSets.length} sets`
            : `${m.track.codecText} ${m.track.channels} ${Object.values(m.packing).join()}`;
        return `${m.codec} ${m.payloadType} ${t.control} ${more}`;
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
      ['h264 96 rtsp://cam/v 0 sets', 'aac 97 rtsp://cam/a mp4a.40.2 1 13,3,3,1024'],
    ],
    [
      'the lengths of the mode',
      `${a}\na=fmtp:97 mode=AAC-lbr; config=1408`,
      ['aac 97 rtsp://cam/a mp4a.40.2 1 6,2,2,1024'],
    ],
    [
      'lengths said outright',
      `${a}\na=fmtp:97 mode=AAC-hbr;sizelength=16;indexlength=0;indexdeltalength=0;config=1408`,
      ['aac 97 rtsp://cam/a mp4a.40.2 1 16,0,0,1024'],
    ],
    [
      'SBR: a unit is 2048 ticks of the RTP clock',
      'm=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000\na=fmtp:97 mode=AAC-hbr;config=2b098800',
      ['aac 97 rtsp://cam/ mp4a.40.5 1 13,3,3,2048'],
    ],
    ['a second video is left alone', `${v}\n${v.replace('control:v', 'control:w')}`, ['h264 96 rtsp://cam/v 0 sets']],
    [
      'formats nobody understands',
      'm=video 0 RTP/AVP 98\na=rtpmap:98 H265/90000\nm=audio 0 RTP/AVP 0\nm=application 0 RTP/AVP 107',
      ['ignored video H265', 'ignored audio PCMU'],
    ],
    [
      'the second format is understood',
      'm=video 0 RTP/AVP 98 96\na=rtpmap:98 H265/90000\na=rtpmap:96 H264/90000',
      ['h264 96 rtsp://cam/ 0 sets'],
    ],
    ['nothing', '', []],
  ];
  for (const [name, sdp, out] of cases) test(name, () => assert.deepEqual(tell(sdp), out));
  test('what is not wanted is neither played nor missed', () =>
    assert.deepEqual(tell(`${a}\n${v}`, { video: false, audio: true }), [
      'aac 97 rtsp://cam/a mp4a.40.2 1 13,3,3,1024',
    ]));
});
