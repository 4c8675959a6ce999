import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controlOf, targetOf } from '#rtsp/server-target';

const rows: [uri: string, presentation: string, query: string, track: number | undefined, url: string][] = [
  ['rtsp://h/cam', 'cam', '', undefined, 'rtsp://h/cam'],
  ['rtsp://u:p@h:554/cam/trackID=1', 'cam', '', 1, 'rtsp://h:554/cam'],
  ['rtsp://h/stor/cam?begin=1&end=2', 'stor/cam', 'begin=1&end=2', undefined, 'rtsp://h/stor/cam?begin=1&end=2'],
  ['rtsp://h/stor/cam?begin=1/trackID=0', 'stor/cam', 'begin=1', 0, 'rtsp://h/stor/cam?begin=1'],
  ['rtsp://h/stor/cam/trackID=0?begin=1', 'stor/cam', 'begin=1', 0, 'rtsp://h/stor/cam?begin=1'],
  ['rtsp://h/stor/cam/?begin=1', 'stor/cam', 'begin=1', undefined, 'rtsp://h/stor/cam/?begin=1'],
];
for (const [uri, presentation, query, track, url] of rows)
  test(uri, () => {
    const t = targetOf(uri);
    assert.deepEqual([t?.presentation, t?.query, t?.track, t?.url], [presentation, query, track, url]);
    assert.equal(t?.control, uri.replace('u:p@', ''));
  });

test('a control URL leads back to its track, and is absolute where there is a query', () => {
  for (const uri of ['rtsp://h/stor/cam?begin=1&end=2', 'rtsp://h:1/stor/cam?x']) {
    const target = targetOf(uri)!;
    const back = targetOf(controlOf(target, 3));
    assert.deepEqual(
      [back?.presentation, back?.query, back?.track, back?.url],
      [target.presentation, target.query, 3, uri],
    );
  }
  assert.equal(controlOf(targetOf('rtsp://h/cam')!, 1), 'trackID=1');
});
