/** The short form of tools/matrix: 16 cells in which every two of peer, transport, video, audio and login meet, all in one daemon. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '#fake/daemon';
import { needPeer } from '#fake/peers';
import { accessOf, fewCells, mediaOf } from '../../tools/matrix/cells.ts';
import { prepareMedia } from '../../tools/matrix/media.ts';
import { fakeCamera, gstreamer } from '../../tools/matrix/peers.ts';
import { publisher } from '../../tools/matrix/publisher.ts';
import { makeCertificate, runCells } from '../../tools/matrix/run.ts';

test('every video, sound, transport and login, of GStreamer, the fake camera and what ffmpeg publishes to us, is recorded without complaint', {
  skip: needPeer('gst-rtsp-server', 'ffmpeg', 'ffprobe', 'openssl'),
  timeout: 120_000,
}, async t => {
  const folder = temporaryFolder(t);
  const setting = { media: prepareMedia(folder, 40), tls: makeCertificate(folder) };
  const work = [gstreamer, fakeCamera, publisher].map(peer => ({ peer, cells: fewCells }));
  const results = await runCells(setting, work, 3);
  const told = results.filter(r => r.result === 'failed').map(r => `${r.peer}: ${mediaOf(r)} ${accessOf(r)}: ${r.why}`);
  assert.deepEqual(told, []);
  const number = (result: string): number => results.filter(r => r.result === result).length;
  // GStreamer's server knows Digest with MD5 alone; ours has neither Basic in clear nor a tunnel through HTTP.
  assert.deepEqual([number('ok'), number('cannot')], [28 + 9, 4 + 7]);
});
