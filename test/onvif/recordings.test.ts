import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeDevice, soap } from '#fake/onvif';
import { OnvifDevice } from '#onvif/device';
import { RecordingSearch } from '#onvif/recording-search';
import {
  findEvents,
  isSearchOver,
  type Recording,
  type RecordingChange,
  readRecordingChanges,
  readRecordings,
  timelineOf,
} from '#onvif/recordings';
import { readEnvelope } from '#onvif/soap';
import type { XmlElement } from '#onvif/xml';

const body = (text: string): XmlElement => {
  const read = readEnvelope(soap(text));
  assert.ok('body' in read, JSON.stringify(read));
  return read.body;
};

describe('timelineOf', () => {
  const r = (span: Recording['span'], token = 'r'): Recording => ({ token, source: '', span });
  const c = (
    atMs: number,
    recorded: boolean,
    of: RecordingChange['of'] = 'recording',
    recording = 'r',
  ): RecordingChange => ({ recording, atMs, recorded, of });
  const rows: [name: string, recordings: Recording[], changes: RecordingChange[], spans: number[][]][] = [
    ['without changes, from the first to the last moment', [r([10, 90])], [], [[10, 90]]],
    ['cut to the range', [r([-50, 500])], [], [[0, 100]]],
    [
      'a gap',
      [r([0, 100])],
      [c(0, true), c(30, false), c(60, true)],
      [
        [0, 30],
        [60, 100],
      ],
    ],
    ['before the first change it was the other way', [r([0, 100])], [c(40, false)], [[0, 40]]],
    [
      'in any order, repeated',
      [r([0, 100])],
      [c(60, true), c(30, false), c(30, false), c(0, true), c(60, true)],
      [
        [0, 30],
        [60, 100],
      ],
    ],
    [
      'tracks tell better than recordings',
      [r([0, 100])],
      [c(0, true), c(10, true, 'track'), c(20, false, 'track')],
      [[10, 20]],
    ],
    ['those of two recordings are joined', [r([0, 50], 'a'), r([40, 80], 'b')], [], [[0, 80]]],
    ['a recording without data is nothing', [r(undefined)], [c(0, true)], []],
    ['changes outside of it', [r([50, 60])], [c(0, true), c(90, false)], [[50, 60]]],
  ];
  for (const [name, recordings, changes, spans] of rows)
    test(name, () => assert.deepEqual(timelineOf(recordings, changes, [0, 100]), spans));
});

describe('searches', () => {
  test('recordings: bounds of the video; those with sound alone are left out', () => {
    const track = (type: string, from: string, to: string): string =>
      `<tt:Track><tt:TrackToken>t</tt:TrackToken><tt:TrackType>${type}</tt:TrackType><tt:DataFrom>${from}</tt:DataFrom><tt:DataTo>${to}</tt:DataTo></tt:Track>`;
    const recording = (token: string, inner: string): string =>
      `<tt:RecordingInformation><tt:RecordingToken>${token}</tt:RecordingToken><tt:Source><tt:SourceId>VS1</tt:SourceId></tt:Source>${inner}</tt:RecordingInformation>`;
    const list = [
      recording('a', track('Video', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z')),
      recording('b', track('Audio', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z')),
      recording(
        'c',
        '<tt:EarliestRecording>2026-01-01T00:00:00Z</tt:EarliestRecording><tt:LatestRecording>2026-01-02T00:00:00Z</tt:LatestRecording>',
      ),
      recording('d', track('Video', 'never', '')),
    ].join('');
    const day = Date.UTC(2026, 0, 1);
    assert.deepEqual(
      readRecordings(
        body(`<tse:R><tse:ResultList><tt:SearchState>Completed</tt:SearchState>${list}</tse:ResultList></tse:R>`),
      ),
      [
        { token: 'a', source: 'VS1', span: [day, day + 3_600_000] },
        { token: 'c', source: 'VS1', span: [day, day + 86_400_000] },
        { token: 'd', source: 'VS1', span: undefined },
      ],
    );
  });

  test('changes: of recordings and tracks; other events are left out', () => {
    const result = (topic: string, item: string): string =>
      `<tt:Result><tt:RecordingToken>a</tt:RecordingToken><tt:Time>2026-01-01T00:00:01Z</tt:Time><tt:Event><wsnt:Topic>${topic}</wsnt:Topic><wsnt:Message><tt:Message><tt:Data><tt:SimpleItem Name="${item}" Value="true"/></tt:Data></tt:Message></wsnt:Message></tt:Event></tt:Result>`;
    const list = [
      result('tns1:RecordingHistory/Recording/State', 'IsRecording'),
      result('tns1:RecordingHistory/Track/State', 'IsDataPresent'),
      result('tns1:VideoSource/MotionAlarm', 'State'),
    ].join('');
    assert.deepEqual(
      readRecordingChanges(body(`<tse:R><tse:ResultList>${list}</tse:ResultList></tse:R>`)).map(x => [
        x.of,
        x.recorded,
        x.atMs - Date.UTC(2026, 0, 1),
      ]),
      [
        ['recording', true, 1000],
        ['track', true, 1000],
      ],
    );
  });

  test('a search is over unless it says that it goes on', () => {
    const over = (state: string): boolean =>
      isSearchOver(body(`<tse:R><tse:ResultList><tt:SearchState>${state}</tt:SearchState></tse:ResultList></tse:R>`));
    assert.deepEqual(['Queued', 'Searching', 'Completed', 'Unknown', ''].map(over), [false, false, true, true, true]);
  });
  test('a device that finds more and more is read no further than 40 000 results', async () => {
    const results = '<tt:RecordingInformation><tt:RecordingToken>r</tt:RecordingToken></tt:RecordingInformation>';
    const answers: Record<string, string> = {
      GetServices:
        '<tds:R><tds:Service><tds:Namespace>http://www.onvif.org/ver10/search/wsdl</tds:Namespace><tds:XAddr>http://x/search</tds:XAddr></tds:Service></tds:R>',
      FindRecordings: '<tse:R><tse:SearchToken>t</tse:SearchToken></tse:R>',
      GetRecordingSearchResults: `<tse:R><tse:ResultList><tt:SearchState>Searching</tt:SearchState>${results.repeat(8000)}</tse:ResultList></tse:R>`,
    };
    const d = fakeDevice(name => ({ body: soap(answers[name] ?? '<tse:R/>') }));
    const found = await new RecordingSearch(new OnvifDevice(d.parts)).recordings(new AbortController().signal);
    assert.equal(found.length, 40_000);
    assert.equal(d.asked().at(-1), 'EndSearch');
  });

  test('tokens are text', () => assert.match(findEvents(['<a>'], [0, 1]), /<tt:IncludedRecordings>&#60;a&#62;</));
});
