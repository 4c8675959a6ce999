/**
 * Publishing as other people's programs do it: ffmpeg over RTSP (TCP, UDP, Digest) and as MPEG-TS over HTTP, GStreamer
 * over RTSP. What is published is recorded and shown; ffprobe judges the recordings.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, startDaemon, until } from '#fake/daemon';
import { hasPeer, needPeer } from '#fake/peers';

const [login, password] = ['joe', 'pass:w/rd'];

const picture = ['-f', 'lavfi', '-re', '-i', 'testsrc2=size=320x180:rate=25'];
const sound = ['-f', 'lavfi', '-re', '-i', 'sine=frequency=440:sample_rate=48000'];
const encoded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-c:a', 'aac'];

/** Publishes so many seconds of picture and sound; `where` are the output's options and URL. */
const ffmpeg = (seconds: number, where: readonly string[]): ChildProcess & { said: string } => {
  const args = ['-v', 'error', '-nostdin', ...picture, ...sound, '-t', String(seconds), ...encoded, ...where];
  const child = Object.assign(spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'pipe'] }), { said: '' });
  child.stderr?.on('data', (piece: Buffer) => (child.said += piece.toString()));
  return child;
};
const ended = async (child: ChildProcess): Promise<number | null> =>
  child.exitCode ?? ((await once(child, 'exit'))[0] as number | null);

interface Recording {
  readonly pictures: number;
  readonly sounds: number;
}

function recordings(folder: string): Recording[] {
  const files = (readdirSync(folder, { recursive: true }) as string[]).filter(f => f.endsWith('.mp4')).sort();
  return files.map(file => {
    const show = ['-v', 'error', '-count_packets', '-show_entries', 'stream=codec_type,nb_read_packets', '-of', 'json'];
    const probed = spawnSync('ffprobe', [...show, join(folder, file)]);
    assert.equal(String(probed.stderr), '', file);
    const { streams } = JSON.parse(String(probed.stdout)) as {
      streams: { codec_type: string; nb_read_packets: string }[];
    };
    const of = (kind: string): number => Number(streams.find(s => s.codec_type === kind)?.nb_read_packets ?? 0);
    return { pictures: of('video'), sounds: of('audio') };
  });
}

test('ffmpeg and GStreamer publish over RTSP and HTTP: recorded whole, shown live; one at a time; killed and back again', {
  skip: needPeer('ffmpeg', 'ffprobe'),
  timeout: 120_000,
}, async t => {
  const [open, guarded] = [await freePort(), await freePort()];
  const daemon = await startDaemon(t, folder => ({
    objects: [
      { type: 'push', name: 'live0', timeout: 3 },
      {
        type: 'storage',
        name: 'stor0',
        folder: join(folder, 'stor'),
        limits: { max_size_gb: 1, keep_free_percents: 1 },
      },
      { type: 'rtspsrv', name: 'open', address: '127.0.0.1', port: open },
      { type: 'rtspsrv', name: 'guarded', address: '127.0.0.1', port: guarded },
      {
        type: 'authnz',
        name: 'auth0',
        realm: 'site',
        accounts: [{ type: 'password', login, password }],
        roles: [[login, 'crew']],
        acl: [['crew', 'live0', 'PushSource', 'operate']],
      },
    ],
    links: [
      ['live0', ['stor0', 'open', 'guarded']],
      ['guarded', 'auth0'],
    ],
  }));
  const folder = join(daemon.folder, 'stor');
  const rtsp = (transport: string, port = open, who = ''): string[] => [
    ...['-f', 'rtsp', '-rtsp_transport', transport, `rtsp://${who}127.0.0.1:${port}/live0`],
  ];
  const http = ['-f', 'mpegts', '-method', 'POST', `${daemon.url}/v1/svc/live0/publish`];
  const state = async (): Promise<string> => (await daemon.get<{ state: string }>('/v1/svc/live0')).state;
  const is = (wanted: string): Promise<unknown> => until(`live0 is ${wanted}`, async () => (await state()) === wanted);
  const who = `${login}:${encodeURIComponent(password)}@`;

  const ways: readonly (readonly [name: string, where: readonly string[]])[] = [
    ['RTSP over TCP', rtsp('tcp')],
    ['RTSP over UDP, with Digest', rtsp('udp', guarded, who)],
    ['MPEG-TS over HTTP', http],
  ];
  for (const [at, [name, where]] of ways.entries()) {
    const child = ffmpeg(3, where);
    await is('running');
    const second = ffmpeg(1, rtsp('tcp'));
    assert.notEqual(await ended(second), 0);
    assert.match(second.said, /409 Conflict/, name);
    await until('a segment', async () => /\.m4s/.test(await daemon.text('/v1/svc/live0/stream.m3u8')));
    assert.equal(await ended(child), 0, `${name}: ${child.said}`);
    await is('idle');
    const made = await until('the recording', async () => {
      const all = recordings(folder);
      return all.length === at + 1 && all;
    });
    const { pictures, sounds } = made.at(-1) as Recording;
    assert.ok(pictures === 75 && sounds > 135, `${name}: ${pictures} pictures, ${sounds} sounds`);
  }

  const thief = ffmpeg(1, rtsp('tcp', guarded, `${login}:guess@`));
  assert.notEqual(await ended(thief), 0);
  assert.match(thief.said, /401/);

  // Killed, and at once there again; then one that stops to send and holds its connection.
  const killed = ffmpeg(20, rtsp('tcp'));
  await is('running');
  killed.kill('SIGKILL');
  await is('idle');
  const stalled = ffmpeg(20, rtsp('tcp'));
  await is('running');
  stalled.kill('SIGSTOP');
  await is('failed');
  stalled.kill('SIGKILL');
  const stalledBody = ffmpeg(20, http);
  await is('running');
  stalledBody.kill('SIGSTOP');
  await is('failed');
  stalledBody.kill('SIGKILL');
  assert.equal((await daemon.get<{ publishing: boolean }>('/v1/svc/live0/publish')).publishing, false);

  if (hasPeer('gst-launch-1.0') && spawnSync('gst-inspect-1.0', ['rtspclientsink']).status === 0)
    for (const transport of ['tcp', 'udp']) {
      const before = recordings(folder).length;
      const source = [
        'videotestsrc',
        'is-live=true',
        'num-buffers=50',
        '!',
        'video/x-raw,format=I420,width=320,height=180,framerate=25/1',
      ];
      const encoder = [
        '!',
        'x264enc',
        'tune=zerolatency',
        'key-int-max=25',
        '!',
        'rtspclientsink',
        `protocols=${transport}`,
      ];
      const args = ['-e', ...source, ...encoder, `location=rtsp://127.0.0.1:${open}/live0`];
      const said = spawnSync('gst-launch-1.0', args, { timeout: 20_000 });
      assert.equal(said.status, 0, String(said.stderr));
      await until(`the recording of GStreamer over ${transport}`, async () => {
        const all = recordings(folder);
        if (all.length > before && all.at(-1)?.pictures === 50) return true;
        throw new Error(JSON.stringify(all.slice(before - 1)));
      });
    }

  assert.equal(await daemon.stop(), 0);
  assert.ok(!daemon.log.includes(password), 'the password is nowhere in the log');
});
