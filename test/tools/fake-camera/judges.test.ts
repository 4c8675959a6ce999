/** FFmpeg and GStreamer watch the fake camera: what they record must be whole, in order, and decode without complaint. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { needPeer, probe, runPeer, scratchFolder } from '#fake/peers';
import { type FakeCamera, type FakeCameraOptions, startFakeCamera } from '../../../tools/fake-camera/fake-camera.ts';
import { marksIn } from '../../../tools/fake-camera/mark.ts';

const folder = scratchFolder();

/** Runs a peer while the camera plays in this process; after `seconds` it is asked to stop as by Ctrl-C. */
function watch(program: string, args: readonly string[], seconds: number): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (b: Buffer) => (said += b));
    const timer = setTimeout(() => child.kill('SIGINT'), seconds * 1000);
    child.once('error', failed);
    child.once('close', () => {
      clearTimeout(timer);
      done(said);
    });
  });
}

async function withCamera(options: FakeCameraOptions, use: (camera: FakeCamera) => Promise<void>): Promise<void> {
  const camera = await startFakeCamera(options);
  try {
    await use(camera);
  } finally {
    await camera.stop();
  }
}

/** The file's bytes. A bare stream that was cut by the end of its writer loses its last picture, of which only the mark may be there. */
function endingWhole(path: string): Uint8Array {
  const bytes = readFileSync(path);
  if (!path.endsWith('.h264')) return new Uint8Array(bytes);
  const startCode = Buffer.from([0, 0, 1]);
  // Back over the mark and the delimiter before it, to where the slice before them ends.
  let end = bytes.lastIndexOf(startCode, bytes.lastIndexOf('rtspload-sei-v1!'));
  let before = bytes.lastIndexOf(startCode, end - 1);
  for (; before > 0 && ![1, 5].includes((bytes[before + 3] ?? 0) & 31); before = bytes.lastIndexOf(startCode, end - 1))
    end = before;
  const whole = bytes.subarray(0, bytes[end - 1] === 0 ? end - 1 : end);
  writeFileSync(path, whole);
  return new Uint8Array(whole);
}

function judge(path: string, pictures: number, size: string): void {
  const bytes = endingWhole(path);
  const numbers = marksIn(bytes).map(m => m.unit);
  assert.ok(numbers.length >= pictures, `${numbers.length} pictures`);
  const holes = numbers.filter((n, i) => i > 0 && n !== numbers[i - 1]! + 1);
  assert.deepEqual(holes, [], 'pictures behind which one is missing');
  const extension = path.slice(path.lastIndexOf('.') + 1);
  const video = probe(bytes, ['-show_streams'], extension).streams.find((s: any) => s.codec_type === 'video');
  assert.equal(
    `${video.codec_name} ${video.profile} ${video.width}x${video.height}`,
    `h264 Constrained Baseline ${size}`,
  );
  runPeer('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
}

/** FFmpeg joins groups at the interface of the default route: not on loopback. */
const outside = Object.values(networkInterfaces()).flatMap(i => i?.find(a => a.family === 'IPv4' && !a.internal) ?? []);
const multicast: [string, string, FakeCameraOptions][] = outside
  .slice(0, 1)
  .map(({ address }) => ['over multicast', 'udp_multicast', { host: address, transports: ['multicast'] }]);
const login = { user: 'user', password: 'pass', schemes: ['MD5'] } as const;

describe('FFmpeg records without loss', { skip: needPeer('ffmpeg', 'ffprobe'), concurrency: 4 }, () => {
  const rows: [name: string, transport: string, options: FakeCameraOptions][] = [
    ['over TCP with Digest', 'tcp', { login }],
    ['over UDP with Digest', 'udp', { login }],
    ...multicast,
    ['through HTTP with Digest', 'http', { login }],
    ['through HTTP that asks for the login too', 'http', { login, tunnelLogin: true }],
    ['over TCP with Basic', 'tcp', { login: { ...login, schemes: ['Basic'] } }],
    ['from small packets', 'tcp', { maxPayload: 300 }],
    ['in split writes', 'tcp', { faults: ['type=split'] }],
    ['the SDP with LF alone', 'tcp', { faults: ['type=sdp,variant=lf'] }],
    ['the SDP without parameter sets: they are in the stream', 'tcp', { faults: ['type=sdp,variant=nosprop'] }],
    ['the SDP with absolute controls, audio first', 'udp', { faults: ['type=sdp,variant=audiofirst'] }],
    ['the clip from MP4', 'tcp', { media: ['test/fixture/media/clip.mp4'] }],
  ];
  rows.forEach(([name, transport, options], i) => {
    test(name, () =>
      withCamera(options, async camera => {
        const path = join(folder, `ffmpeg${i}.mp4`);
        const args = [
          '-v',
          'error',
          '-y',
          '-rtsp_transport',
          transport,
          '-i',
          camera.url(),
          '-t',
          '2',
          '-c',
          'copy',
          path,
        ];
        await watch('ffmpeg', args, 10);
        judge(path, 45, '320x240');
        const streams = probe(new Uint8Array(readFileSync(path)), ['-show_streams']).streams;
        const audio = streams.find((s: any) => s.codec_type === 'audio');
        assert.equal(`${audio.codec_name} ${audio.sample_rate} ${audio.channels}`, 'aac 16000 1');
      }),
    );
  });

  const formats: [media: string, codecs: string][] = [
    ['h265=clip.h265,opus=clip.opus', 'hevc opus'],
    ['mjpeg=clip.mjpeg,pcmu=clip.ulaw', 'mjpeg pcm_mulaw'],
    ['ivf=clip.vp8.ivf,pcma=clip.alaw', 'vp8 pcm_alaw'],
  ];
  for (const [media, codecs] of formats)
    test(`what plays ${media}`, () =>
      withCamera({ media: [media.replaceAll('=', '=test/fixture/media/')] }, async camera => {
        const path = join(folder, `${codecs.replace(' ', '-')}.mkv`);
        const from = ['-rtsp_transport', 'tcp', '-i', camera.url()];
        const said = await watch('ffmpeg', ['-v', 'error', '-y', ...from, '-t', '2', '-c', 'copy', path], 10);
        assert.equal(said.trim(), '');
        const { streams } = probe(new Uint8Array(readFileSync(path)), ['-show_streams', '-count_packets'], 'mkv');
        assert.equal(streams.map((s: { codec_name: string }) => s.codec_name).join(' '), codecs);
        assert.ok(Number(streams[0].nb_read_packets) >= 45, `${streams[0].nb_read_packets} pictures`);
        runPeer('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
      }));
  test('over TLS', { skip: needPeer('openssl') }, async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=cam', '-days', '2'];
    runPeer('openssl', ['req', ...made, '-keyout', key, '-out', cert]);
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    await withCamera({ login, tls }, async camera => {
      const path = join(folder, 'tls.mp4');
      await watch('ffmpeg', ['-v', 'error', '-y', '-i', camera.url(), '-t', '2', '-c', 'copy', path], 10);
      judge(path, 45, '320x240');
    });
  });

  test('and sees the loss that there is', () =>
    withCamera({ faults: ['type=loss,p=0.05'] }, async camera => {
      const path = join(folder, 'lossy.h264');
      await watch(
        'ffmpeg',
        ['-v', 'error', '-y', '-rtsp_transport', 'tcp', '-i', camera.url(), '-t', '3', '-an', '-c', 'copy', path],
        10,
      );
      const numbers = marksIn(new Uint8Array(readFileSync(path))).map(m => m.unit);
      assert.ok(numbers.at(-1)! - numbers[0]! + 1 > numbers.length, `${numbers.length} pictures, none missing`);
    }));
});

describe('GStreamer records without loss', { skip: needPeer('gst-launch-1.0', 'ffmpeg'), concurrency: 4 }, () => {
  const rows: [name: string, protocols: string, options: FakeCameraOptions][] = [
    ['over TCP with Digest', 'tcp', { login }],
    ['over UDP with Digest', 'udp', { login }],
    ['an SDP without aggregate control, track by track', 'tcp', { faults: ['type=sdp,variant=noctl'] }],
  ];
  rows.forEach(([name, protocols, options], i) => {
    test(name, () =>
      withCamera(options, async camera => {
        const path = join(folder, `gst${i}.h264`);
        const url = new URL(camera.url());
        const source = ['rtspsrc', `location=rtsp://${url.host}/cam0`, `protocols=${protocols}`, 'latency=200'];
        const who = camera.url().includes('@') ? [`user-id=${login.user}`, `user-pw=${login.password}`] : [];
        const parsed = ['rtph264depay', '!', 'h264parse', '!', 'video/x-h264,stream-format=byte-stream'];
        await watch(
          'gst-launch-1.0',
          ['-q', '-e', ...source, ...who, '!', ...parsed, '!', 'filesink', `location=${path}`],
          3.5,
        );
        judge(path, 40, '320x240');
      }),
    );
  });
});
