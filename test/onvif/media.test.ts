import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { soap } from '#fake/onvif';
import { deviceUrl, serviceUrl, streamUrl } from '#onvif/address';
import { readCapabilities, readInformation, readServices } from '#onvif/device-service';
import { readProfiles, readStreamUri, readVideoSources } from '#onvif/media';
import { readEnvelope } from '#onvif/soap';
import { readDateTime, readDuration, readSystemTime } from '#onvif/time';
import type { XmlElement } from '#onvif/xml';

const body = (text: string): XmlElement => {
  const read = readEnvelope(text);
  assert.ok('body' in read, JSON.stringify(read));
  return read.body;
};

describe('addresses', () => {
  const device: [text: string, url: string | undefined][] = [
    ['10.0.0.7', 'http://10.0.0.7/onvif/device_service'],
    ['cam.local:8080', 'http://cam.local:8080/onvif/device_service'],
    ['fe80::1', 'http://[fe80::1]/onvif/device_service'],
    ['[fe80::1]:81', 'http://[fe80::1]:81/onvif/device_service'],
    ['https://cam/', 'https://cam/onvif/device_service'],
    ['http://u:p@cam/other?x=1', 'http://cam/other?x=1'],
    ['ftp://cam/', undefined],
    ['cam/path', undefined],
    ['u:p@cam', undefined],
    ['', undefined],
    ['http://', undefined],
  ];
  for (const [text, url] of device)
    test(`the device service of "${text}" is ${url}`, () => assert.equal(deviceUrl(text), url));

  const service: [name: string, base: string, returned: string, used: string | undefined][] = [
    [
      'our host: all of it is the device’s',
      'http://cam/onvif/device_service',
      'http://cam:8899/onvif/Media',
      'http://cam:8899/onvif/Media',
    ],
    [
      'another host: ours, and our port',
      'http://gw:8081/onvif/device_service',
      'http://192.168.1.64:80/onvif/Events?Idx=3',
      'http://gw:8081/onvif/Events?Idx=3',
    ],
    ['no way out of TLS', 'https://cam/onvif/device_service', 'http://cam/onvif/Media', 'https://cam/onvif/Media'],
    ['a bare path', 'http://cam/onvif/device_service', '/onvif/ptz', 'http://cam/onvif/ptz'],
    ['credentials are not taken over', 'http://cam/', 'http://u:p@cam/x', 'http://cam/x'],
    ['no HTTP', 'http://cam/', 'file:///etc/passwd', undefined],
    ['no address', 'http://cam/', 'http://[', undefined],
  ];
  for (const [name, base, returned, used] of service)
    test(`a service: ${name}`, () => assert.equal(serviceUrl(base, returned), used));

  const stream: [returned: string, used: string | undefined][] = [
    [
      'rtsp://192.168.1.64:554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1',
      'rtsp://cam:554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1',
    ],
    ['rtsp://admin:pw@192.168.1.64/live%20', 'rtsp://cam/live%20'],
    ['rtsp://[fe80::1]:8554', 'rtsp://cam:8554/'],
    ['RTSP://0.0.0.0/a', 'rtsp://cam/a'],
    ['http://cam/a', undefined],
    ['rtsp://a b/', undefined],
  ];
  for (const [returned, used] of stream)
    test(`the stream ${returned} is ${used}`, () => assert.equal(streamUrl('http://cam:80/x', returned), used));
});

describe('times', () => {
  const times: [text: string, iso: string | undefined][] = [
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.1234567Z', '2026-01-02T03:04:05.123Z'],
    ['2026-01-02T03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05.000Z'],
    ['2026-1-2T3:4:5Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T24:00:00Z', '2026-01-03T00:00:00.000Z'],
    ['1970-01-01T00:00:12Z', undefined],
    ['2026-13-01T00:00:00Z', undefined],
    ['0000-00-00T00:00:00Z', undefined],
    ['', undefined],
  ];
  for (const [text, iso] of times)
    test(`"${text}" is ${iso}`, () => {
      const ms = readDateTime(text);
      assert.equal(ms === undefined ? undefined : new Date(ms).toISOString(), iso);
    });

  const durations: [text: string, ms: number | undefined][] = [
    ['PT60S', 60_000],
    ['P1DT1H1M1.5S', 90_061_500],
    ['PT', undefined],
    ['60', undefined],
  ];
  for (const [text, ms] of durations) test(`"${text}" lasts ${ms} ms`, () => assert.equal(readDuration(text), ms));

  const utc = (date: string, time: string): string =>
    soap(
      `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Time>${time}</tt:Time><tt:Date>${date}</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`,
    );
  test('the clock is read, and one that has no sense is no clock', () => {
    const good = utc(
      '<tt:Year>2026</tt:Year><tt:Month>2</tt:Month><tt:Day>3</tt:Day>',
      '<tt:Hour>4</tt:Hour><tt:Minute>5</tt:Minute><tt:Second>6</tt:Second>',
    );
    assert.equal(readSystemTime(body(good)), Date.UTC(2026, 1, 3, 4, 5, 6));
    const bad = utc(
      '<tt:Year>2026</tt:Year><tt:Month>99</tt:Month><tt:Day>3</tt:Day>',
      '<tt:Hour>4</tt:Hour><tt:Minute>5</tt:Minute>',
    );
    assert.equal(readSystemTime(body(bad)), undefined);
    assert.equal(readSystemTime(body(soap('<tds:GetSystemDateAndTimeResponse/>'))), undefined);
  });
});

describe('the device service', () => {
  test('information with members missing', () =>
    assert.deepEqual(
      readInformation(body(soap('<tds:R><tds:Manufacturer>ACME</tds:Manufacturer><tds:SerialNumber/></tds:R>'))),
      {
        vendor: 'ACME',
        model: '',
        firmware: '',
        serial: '',
      },
    ));

  test('services by namespace; unknown ones are left out', () => {
    const text = soap(
      `<tds:R>${[
        ['http://www.onvif.org/ver10/media/wsdl', 'http://c/m'],
        ['http://www.onvif.org/ver20/media/wsdl', 'http://c/m2'],
        ['http://www.onvif.org/ver10/events/wsdl', 'http://c/e'],
        ['http://www.vendor.example/ver10/x/wsdl', 'http://c/x'],
      ]
        .map(([n, x]) => `<tds:Service><tds:Namespace>${n}</tds:Namespace><tds:XAddr>${x}</tds:XAddr></tds:Service>`)
        .join('')}</tds:R>`,
    );
    assert.deepEqual(
      [...readServices(body(text))],
      [
        ['media', 'http://c/m'],
        ['media2', 'http://c/m2'],
        ['events', 'http://c/e'],
      ],
    );
  });

  test('capabilities, with those of the extension', () => {
    const text = soap(
      '<tds:R><tds:Capabilities><tt:Media><tt:XAddr>http://c/m</tt:XAddr></tt:Media><tt:PTZ/><tt:Extension><tt:Search><tt:XAddr>http://c/s</tt:XAddr></tt:Search></tt:Extension></tds:Capabilities></tds:R>',
    );
    assert.deepEqual(
      [...readCapabilities(body(text))],
      [
        ['media', 'http://c/m'],
        ['search', 'http://c/s'],
      ],
    );
  });
});

describe('media', () => {
  const video = {
    codec: 'H264',
    resolution: [1920, 1080],
    source: 'VS1',
    configuration: 'VSC1',
    quality: 4,
    bounds: [0, 0, 1920, 1080],
  };
  const source = '<tt:SourceToken>VS1</tt:SourceToken><tt:Bounds x="0" y="0" width="1920" height="1080"/>';
  const encoder =
    '<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>';
  const dialects: [name: string, profiles: string, expected: unknown[]][] = [
    [
      'Media 1, with PTZ',
      `<trt:Profiles token="p0" fixed="true"><tt:Name>main</tt:Name><tt:VideoSourceConfiguration token="VSC1">${source}</tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="e">${encoder}</tt:VideoEncoderConfiguration><tt:PTZConfiguration token="ptz0"><tt:NodeToken>n0</tt:NodeToken></tt:PTZConfiguration></trt:Profiles>`,
      [{ token: 'p0', name: 'main', fixed: true, video, ptz: { configuration: 'ptz0', node: 'n0' } }],
    ],
    [
      'Media 2, H.265, quality with a fraction',
      `<tr2:Profiles token="p1"><tr2:Name>uhd</tr2:Name><tr2:Configurations><tr2:VideoSource token="VSC1">${source}</tr2:VideoSource><tr2:VideoEncoder token="e">${encoder.replace('H264', 'H265').replace('>4<', '>4.5<')}</tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>`,
      [{ token: 'p1', name: 'uhd', fixed: false, video: { ...video, codec: 'H265', quality: 4.5 }, ptz: undefined }],
    ],
    [
      'a profile with sound alone, and one with nothing but a token',
      '<trt:Profiles token="a"><tt:Name>sound</tt:Name><tt:AudioEncoderConfiguration token="x"/></trt:Profiles><trt:Profiles token="b"/>',
      [
        { token: 'a', name: 'sound', fixed: false, video: undefined, ptz: undefined },
        { token: 'b', name: '', fixed: false, video: undefined, ptz: undefined },
      ],
    ],
    ['a profile without a token is of no use', '<trt:Profiles><tt:Name>x</tt:Name></trt:Profiles>', []],
    [
      'numbers that are none, an encoder without its source',
      '<trt:Profiles token="c"><tt:VideoEncoderConfiguration><tt:Encoding>JPEG</tt:Encoding><tt:Resolution><tt:Width>wide</tt:Width><tt:Height>-1</tt:Height></tt:Resolution></tt:VideoEncoderConfiguration></trt:Profiles>',
      [
        {
          token: 'c',
          name: '',
          fixed: false,
          video: { codec: 'JPEG', resolution: [0, 0], source: '', configuration: '', quality: 0, bounds: [0, 0, 0, 0] },
          ptz: undefined,
        },
      ],
    ],
  ];
  for (const [name, profiles, expected] of dialects)
    test(`profiles: ${name}`, () =>
      assert.deepEqual(readProfiles(body(soap(`<x:R xmlns:x="u">${profiles}</x:R>`))), expected));

  test('video sources', () =>
    assert.deepEqual(
      readVideoSources(
        body(
          soap(
            '<trt:R><trt:VideoSources token="VS1"><tt:Framerate>25</tt:Framerate><tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution></trt:VideoSources><trt:VideoSources/></trt:R>',
          ),
        ),
      ),
      [{ token: 'VS1', resolution: [640, 360], framerate: 25 }],
    ));

  test('the address of a stream, of either version', () => {
    assert.equal(
      readStreamUri(body(soap('<trt:R><trt:MediaUri><tt:Uri> rtsp://a/?x=1&amp;y=2 </tt:Uri></trt:MediaUri></trt:R>'))),
      'rtsp://a/?x=1&y=2',
    );
    assert.equal(readStreamUri(body(soap('<tr2:R><tr2:Uri>rtsp://a/</tr2:Uri></tr2:R>'))), 'rtsp://a/');
    assert.equal(readStreamUri(body(soap('<tr2:R/>'))), undefined);
  });
});
