import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { attribute, formatParameters, parseSdp, rtpMapOf, writeSdp } from '#sdp/sdp';

const camera = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.7',
  's=Media Presentation',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'a=control:*',
  'a=range:npt=0-',
  'm=video 0 RTP/AVP 96',
  'b=AS:5000',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z00AKpY1QPAET8s3AQEBAg==,aO48gA==',
  'a=control:trackID=1',
  'a=recvonly',
  'm=audio 0 RTP/AVP 0 97',
  'a=rtpmap:97 MPEG4-GENERIC/48000/2',
  'a=fmtp:97 streamtype=5;mode=AAC-hbr;config=1190;SizeLength=13',
  'a=control:trackID=2',
].join('\r\n');

describe('parseSdp', () => {
  const sdp = parseSdp(camera);
  const video = sdp.media[0]!;
  const audio = sdp.media[1]!;
  test('session and sections', () =>
    assert.deepEqual(
      [
        sdp.name,
        sdp.origin,
        sdp.connection,
        attribute(sdp, 'control'),
        sdp.media.map(m => [m.kind, m.port, m.protocol, m.formats]),
      ],
      [
        'Media Presentation',
        '- 1 1 IN IP4 192.0.2.7',
        'IN IP4 0.0.0.0',
        '*',
        [
          ['video', 0, 'RTP/AVP', ['96']],
          ['audio', 0, 'RTP/AVP', ['0', '97']],
        ],
      ],
    ));
  test('a flag attribute is the empty text', () => assert.equal(attribute(video, 'recvonly'), ''));
  test('rtpmap, with and without channels, and fixed payload types', () =>
    assert.deepEqual(
      [rtpMapOf(video, '96'), rtpMapOf(audio, '97'), rtpMapOf(audio, '0'), rtpMapOf(audio, '98')],
      [
        { encoding: 'H264', clockRate: 90000, channels: 1 },
        { encoding: 'MPEG4-GENERIC', clockRate: 48000, channels: 2 },
        { encoding: 'PCMU', clockRate: 8000, channels: 1 },
        undefined,
      ],
    ));
  test('format parameters keep the padding of base64; names lose their case', () =>
    assert.deepEqual(
      [formatParameters(video, '96').get('sprop-parameter-sets'), formatParameters(audio, '97').get('sizelength')],
      ['Z00AKpY1QPAET8s3AQEBAg==,aO48gA==', '13'],
    ));

  const odd: [name: string, text: string, out: string[]][] = [
    ['LF alone', 'v=0\nm=video 0 RTP/AVP 96\na=control:x\n', ['video 96 x']],
    ['CR alone', 'v=0\rm=video 0 RTP/AVP 96\ra=control:x\r', ['video 96 x']],
    ['blanks before the letter', ' m=video 0 RTP/AVP 96\r\n  a=control: x \r\n', ['video 96 x']],
    ['lines that are nothing', 'hello\r\n=\r\nm=video 0 RTP/AVP 96\r\nz\r\na=control:x', ['video 96 x']],
    ['no port', 'm=video\r\n', ['video  -']],
    ['nothing at all', '', []],
  ];
  for (const [name, text, out] of odd)
    test(name, () =>
      assert.deepEqual(
        parseSdp(text).media.map(m => `${m.kind} ${m.formats.join()} ${attribute(m, 'control') ?? '-'}`),
        out,
      ),
    );

  const badMaps = ['rtpmap:96 H264', 'rtpmap:96 H264/0', 'rtpmap:x H264/90000', 'rtpmap:96 H264/99999999999', 'rtpmap'];
  for (const bad of badMaps)
    test(`a=${bad} says nothing`, () =>
      assert.equal(rtpMapOf(parseSdp(`m=video 0 RTP/AVP 96\na=${bad}`).media[0]!, '96'), undefined));

  test('what is written is read back', () => assert.deepEqual(parseSdp(writeSdp(sdp)), sdp));
  test('what is written has the lines that RFC 8866 demands, and no injected ones', () =>
    assert.equal(
      writeSdp({ origin: '', name: 'a\r\nm=x', attributes: [['tool', 'y']], media: [] }),
      'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=a  m=x\r\nt=0 0\r\na=tool:y\r\n',
    ));

  test('any bytes: no throw, bounded', () => {
    const random = fuzzSeed('sdp');
    for (let i = 0; i < fuzzRounds(2000); i++) {
      const parsed = parseSdp(new TextDecoder().decode(mutate(random, Buffer.from(camera))));
      assert.ok(parsed.media.length <= 64);
      for (const m of parsed.media) for (const f of m.formats) assert.ok([rtpMapOf(m, f), formatParameters(m, f)]);
      parseSdp(writeSdp(parsed));
    }
  });
});
