import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { soap } from '#fake/onvif';
import { readLifetime, readMessages, readSubscription } from '#onvif/events';
import { readEnvelope, writeEnvelope } from '#onvif/soap';
import { DeviceStates, deviceState } from '#onvif/topics';
import { parseXml, type XmlElement } from '#onvif/xml';

const body = (text: string): XmlElement => {
  const read = readEnvelope(soap(text));
  assert.ok('body' in read, JSON.stringify(read));
  return read.body;
};
const items = (list: Record<string, string>): string =>
  Object.entries(list)
    .map(([n, v]) => `<tt:SimpleItem Name="${n}" Value="${v}"/>`)
    .join('');
const message = (
  topic: string,
  source: Record<string, string>,
  data: Record<string, string>,
  operation = 'Changed',
): string =>
  `<wsnt:NotificationMessage><wsnt:Topic>${topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-01-01T00:00:00Z" PropertyOperation="${operation}"><tt:Source>${items(source)}</tt:Source><tt:Data>${items(data)}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`;
const pulled = (...messages: string[]): XmlElement =>
  body(`<tev:PullMessagesResponse>${messages.join('')}</tev:PullMessagesResponse>`);

describe('topics', () => {
  const dialects: [name: string, message: string, told: [string, boolean, object] | undefined][] = [
    [
      'Hikvision: cells',
      message(
        'tns1:RuleEngine/CellMotionDetector/Motion',
        { VideoSourceConfigurationToken: 'VSC', VideoAnalyticsConfigurationToken: 'VAC', Rule: 'MyMotion' },
        { IsMotion: 'true' },
      ),
      ['MotionAlarm', true, { source: 'VSC', rule: 'MyMotion' }],
    ],
    [
      'the standard’s own',
      message('tns1:VideoSource/MotionAlarm', { Source: 'VS1' }, { State: '0' }),
      ['MotionAlarm', false, { source: 'VS1' }],
    ],
    [
      'Axis: VMD',
      message('tnsaxis:CameraApplicationPlatform/tnsaxis:VMD/tnsaxis:Camera1ProfileANY', {}, { active: '1' }),
      ['MotionAlarm', true, {}],
    ],
    [
      'another prefix for the same',
      message(
        'ns5:RuleEngine/ns5:MotionRegionDetector/ns5:Motion',
        { VideoSource: 'a', RuleName: 'x' },
        { State: 'TRUE' },
      ),
      ['MotionAlarm', true, { source: 'a' }],
    ],
    [
      'scene, of one service',
      message('tns1:VideoSource/GlobalSceneChange/ImagingService', { Source: 'VS1' }, { State: 'true' }),
      ['GlobalSceneChange', true, { source: 'VS1' }],
    ],
    [
      'tampering is a change of scene',
      message(
        'tns1:RuleEngine/TamperDetector/Tamper',
        { VideoSourceConfigurationToken: 'V', Rule: 'T' },
        { IsTamper: 'true' },
      ),
      ['GlobalSceneChange', true, { source: 'V', rule: 'T' }],
    ],
    [
      'blurry',
      message('tns1:VideoSource/ImageTooBlurry/AnalyticsService', { Source: 'V' }, { State: 'false' }),
      ['ImageTooBlurry', false, { source: 'V' }],
    ],
    [
      'bright',
      message('tns1:VideoSource/ImageTooBright/ImagingService', { Source: 'V' }, { State: 'true' }),
      ['ImageTooBright', true, { source: 'V' }],
    ],
    [
      'dark',
      message('tns1:VideoSource/ImageTooDark/ImagingService', { Source: 'V' }, { State: 'true' }),
      ['ImageTooDark', true, { source: 'V' }],
    ],
    [
      'an input',
      message('tns1:Device/Trigger/DigitalInput', { InputToken: 'DI_02' }, { LogicalState: 'true' }),
      ['DigitalInput', true, { source: 'DI_02', pin: 2 }],
    ],
    [
      'an input in words, without a number',
      message('tns1:Device/Trigger/tnshik:DigitalInput', { InputToken: 'door' }, { LogicalState: 'inactive' }),
      ['DigitalInput', false, { source: 'door' }],
    ],
    [
      'a topic that is none of ours',
      message('tns1:Monitoring/ProcessorUsage', { Token: 'p' }, { Value: '1' }),
      undefined,
    ],
    ['a state that is none', message('tns1:VideoSource/MotionAlarm', { Source: 'a' }, { State: 'maybe' }), undefined],
    [
      'nothing in it',
      '<wsnt:NotificationMessage><wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic></wsnt:NotificationMessage>',
      undefined,
    ],
    ['no topic', '<wsnt:NotificationMessage/>', undefined],
  ];
  for (const [name, text, told] of dialects)
    test(name, () => {
      const [n] = readMessages(pulled(text));
      const s = n && deviceState(n);
      assert.deepEqual(s && [s.topic, s.state, s.details], told);
    });
});

describe('states', () => {
  const motion = (state: boolean | undefined, key = 'm'): Parameters<DeviceStates['take']>[0] => ({
    key,
    topic: 'MotionAlarm',
    details: { source: key },
    state,
  });
  const rows: [name: string, says: (boolean | undefined | 'begin' | 'settle')[], told: boolean[]][] = [
    ['a change is told, a repetition is not', [true, true, false, false], [true, false]],
    ['the first value after a new subscription is told', [true, 'begin', true], [true, true]],
    ['on, and not spoken of any more, has ended', [true, 'begin', 'settle', 'settle'], [true, false]],
    ['off, and not spoken of any more, is not told again', [false, 'begin', 'settle'], [false]],
    ['a property that is gone has ended', [true, undefined, undefined], [true, false]],
    ['what is confirmed goes on', [true, 'begin', true, 'settle', false], [true, true, false]],
  ];
  for (const [name, says, told] of rows)
    test(name, () => {
      const states = new DeviceStates();
      const got = says.flatMap(say => {
        if (say === 'begin') return states.begin() ?? [];
        if (say === 'settle') return states.settle();
        return states.take(motion(say)) ?? [];
      });
      assert.deepEqual(
        got.map(g => g.state),
        told,
      );
    });

  test('a device that makes up sources without end is not followed', () => {
    const states = new DeviceStates();
    const told = Array.from({ length: 1000 }, (_, i) => states.take(motion(true, `k${i}`))).filter(Boolean);
    assert.equal(told.length, 256);
    states.begin();
    assert.equal(states.settle().length, 256);
  });
});

describe('subscriptions', () => {
  test('an address and its parameters, which go back into the header (Axis)', () => {
    const answer = body(
      '<tev:R><tev:SubscriptionReference><a:Address>http://10.0.0.7/onvif/services</a:Address><a:ReferenceParameters><d:SubscriptionId xmlns:d="http://axis.example/2009">7&amp;8</d:SubscriptionId></a:ReferenceParameters></tev:SubscriptionReference></tev:R>',
    );
    const reference = readSubscription(answer);
    assert.equal(reference?.address, 'http://10.0.0.7/onvif/services');
    const sent = parseXml(
      writeEnvelope('<tev:PullMessages/>', {
        addressing: { to: reference.address, action: 'urn:a', messageId: 'urn:1', parameters: reference.parameters },
      }),
    );
    const id = sent?.children[0]?.children.find(c => c.name === 'SubscriptionId');
    assert.deepEqual([id?.uri, id?.text], ['http://axis.example/2009', '7&8']);
  });
  test('no address is no subscription', () => assert.equal(readSubscription(body('<tev:R/>')), undefined));

  const lives: [now: string, end: string, ms: number | undefined][] = [
    ['2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z', 60_000],
    ['2001-01-01T00:00:00Z', '2001-01-01T00:00:30.5Z', 30_500],
    ['2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z', undefined],
    ['2026-01-01T00:00:00Z', '1970-01-01T00:00:00Z', undefined],
    ['', '2026-01-01T00:00:00Z', undefined],
    ['now', 'later', undefined],
  ];
  for (const [now, end, ms] of lives)
    test(`from "${now}" to "${end}" are ${ms} ms`, () =>
      assert.equal(
        readLifetime(
          body(
            `<tev:R><tev:CurrentTime>${now}</tev:CurrentTime><tev:TerminationTime>${end}</tev:TerminationTime></tev:R>`,
          ),
        ),
        ms,
      ));
});
