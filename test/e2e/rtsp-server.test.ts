/**
 * The RTSP server as other people's players see it: ffmpeg and GStreamer, over TCP and UDP,
 * with Digest, from the real daemon. Pictures carry numbers, so that none can go missing unseen.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, startDaemon } from '#fake/daemon';
import { needPeer } from '#fake/peers';
import { marksIn } from '../../tools/fake-camera/mark.ts';

const [login, password] = ['joe', 'pass:w/rd'];

/** Runs a player to its end, or for so long; what it said. */
async function play(program: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGINT' });
  let said = '';
  for (const s of [child.stdout, child.stderr]) s.on('data', (piece: Buffer) => (said += piece.toString()));
  await once(child, 'close');
  return said;
}

test('ffmpeg and GStreamer view a source with sound over TCP and UDP, with Digest; what they keep has no picture missing', {
  skip: needPeer('ffmpeg', 'ffprobe', 'gst-launch-1.0'),
  timeout: 120_000,
}, async t => {
  const port = await freePort();
  const daemon = await startDaemon(t, () => ({
    objects: [
      { type: 'testsource', name: 'cam7', audio: true },
      { type: 'authnz', name: 'auth0', realm: 'site', accounts: [{ type: 'password', login, password }] },
      { type: 'rtspsrv', name: 'server', address: '127.0.0.1', port },
      // What our own client gets of our own server is offered anew.
      {
        type: 'rtsp',
        name: 'again8',
        url: `rtsp://127.0.0.1:${port}/cam7`,
        auth: [login, password],
        transport: ['tcp'],
      },
    ],
    links: [
      [['cam7', 'again8'], 'server'],
      ['server', 'auth0'],
    ],
  }));
  const url = (name: string): string => `rtsp://${login}:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`;
  const record = async (name: string, transport: 'tcp' | 'udp'): Promise<void> => {
    const file = join(daemon.folder, `${name}-${transport}.mp4`);
    const said = await play(
      'ffmpeg',
      ['-v', 'error', '-nostdin', '-rtsp_transport', transport, '-i', url(name), '-t', '4', '-c', 'copy', file],
      20_000,
    );
    const numbers = marksIn(new Uint8Array(readFileSync(file))).map(m => m.unit);
    const missing = numbers.filter((n, i) => i > 0 && n !== numbers[i - 1]! + 1);
    assert.ok(numbers.length > 80, `${name} over ${transport}: ${numbers.length} pictures; ${said}`);
    assert.deepEqual(missing, [], `${name} over ${transport}; ${said}`);
    const probed = await play(
      'ffprobe',
      ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', file],
      20_000,
    );
    assert.deepEqual(probed.trim().split(/\s+/).sort(), ['aac', 'h264']);
  };
  for (const transport of ['tcp', 'udp'] as const) {
    await record('cam7', transport);
    const said = await play(
      'gst-launch-1.0',
      [
        ...['-e', 'rtspsrc', `location=rtsp://127.0.0.1:${port}/cam7`, `user-id=${login}`, `user-pw=${password}`],
        ...[`protocols=${transport}`, '!', 'application/x-rtp,media=video', '!', 'rtph264depay', '!', 'h264parse'],
        ...['!', 'avdec_h264', '!', 'identity', 'eos-after=50', '!', 'fakesink', 'sync=false'],
      ],
      20_000,
    );
    assert.match(said, /EOS received|Got EOS/, said);
    assert.doesNotMatch(said, /ERROR|WARN/, said);
  }
  await record('again8', 'tcp');

  const refused = await play('ffprobe', ['-v', 'error', `rtsp://${login}:wrong@127.0.0.1:${port}/cam7`], 20_000);
  assert.match(refused, /401/);
  assert.equal(await daemon.stop(), 0);
  assert.ok(!daemon.log.includes(password), 'the password is nowhere in the log');
});
