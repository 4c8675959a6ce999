import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needPeer, runPeer } from '#fake/peers';
import { ofKind, pull, serve } from './rig.ts';

/** 6 s of 25 pictures a second with B-frames and sound, cut into segments of a second. */
const folders = { ts: '', fmp4: '', range: '', apart: '' };
const inputs =
  '-v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -f lavfi -i sine=sample_rate=48000:duration=6';
const coding =
  '-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac -f hls -hls_time 1 -hls_list_size 0';
const kinds: Readonly<Record<keyof typeof folders, string>> = {
  ts: 'a.m3u8',
  fmp4: '-hls_segment_type fmp4 a.m3u8',
  range: '-hls_flags single_file a.m3u8',
  apart:
    '-hls_segment_type fmp4 -master_pl_name a.m3u8 -map 0:v -map 1:a -var_stream_map v:0,agroup:s|a:0,agroup:s,default:yes s%v.m3u8',
};

function makeAll(): void {
  for (const name of Object.keys(kinds) as (keyof typeof folders)[]) {
    const folder = mkdtempSync(join(tmpdir(), 'ocellus-hls-'));
    folders[name] = folder;
    const words = `${inputs} ${coding} ${kinds[name]}`.split(' ').map(w => w.replaceAll('|', ' '));
    const here = process.cwd();
    process.chdir(folder);
    try {
      runPeer('ffmpeg', words);
    } finally {
      process.chdir(here);
    }
  }
}

const file = (folder: string, name: string): Uint8Array | undefined =>
  readdirSync(folder).includes(name) ? new Uint8Array(readFileSync(join(folder, name))) : undefined;

const steps = (times: readonly number[]): number[] => times.slice(1).map((t, i) => Math.round(t - (times[i] ?? 0)));

describe('HLS', { skip: needPeer('ffmpeg'), concurrency: 4 }, () => {
  before(makeAll);
  after(() => {
    for (const folder of Object.values(folders)) if (folder !== '') rmSync(folder, { recursive: true });
  });

  for (const name of Object.keys(kinds) as (keyof typeof folders)[])
    test(`of ffmpeg, complete, ${name}: every picture and the sound, in the time they take, once`, async () => {
      let master = 0;
      const server = await serve((request, response) => {
        const asked = (request.url ?? '').slice(1);
        if (asked === 'a.m3u8') master++;
        const bytes = file(folders[name], asked);
        const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
        response.statusCode = bytes === undefined ? 404 : from === undefined ? 200 : 206;
        response.end(from === undefined ? bytes : bytes?.subarray(Number(from), Number(to) + 1));
      });
      const rig = pull({ url: `${server.url}/a.m3u8` });
      try {
        await rig.until(() => rig.gaps.length > 0);
        const [video, audio] = [ofKind(rig.units, 'video'), ofKind(rig.units, 'audio')];
        assert.equal(video.length, 150);
        assert.ok(audio.length > 270, `${audio.length}`);
        assert.equal(new Set(rig.units.map(u => u.run)).size, 1);
        assert.deepEqual(new Set(steps(video.map(u => u.dts))), new Set([3600]));
        const tookMs = (rig.arrivedMs.at(-1) ?? 0) - (rig.arrivedMs[0] ?? 0);
        assert.ok(tookMs > 5000 && tookMs < 8000, `${tookMs}`);
        // Wall times go with media times; a machine that is busy gives the first unit late, which is made good slowly.
        const off = video.map(u => u.wallMs - u.pts / 90);
        assert.ok(Math.max(...off) - Math.min(...off) < 250, `${Math.max(...off) - Math.min(...off)}`);
        assert.equal(rig.gaps[0]?.reason, 'no-media');
        assert.equal(master, 1);
        assert.deepEqual(rig.context.said, { states: ['running'], events: [], faults: [] });
      } finally {
        await rig.close();
        await server.close();
      }
      assert.deepEqual(rig.context.scope.open, []);
    });

  /** A live server: one more segment every second, the last `window` of them listed. */
  async function live(
    options: { fail?: (second: number, name: string) => boolean; dated?: boolean; key?: Uint8Array; drop?: number },
    use: (url: string, asked: string[]) => Promise<void>,
  ): Promise<void> {
    const began = performance.now();
    const asked: string[] = [];
    const server = await serve((request, response) => {
      const name = (request.url ?? '').slice(1);
      const second = (performance.now() - began) / 1000;
      asked.push(name);
      if (options.fail?.(second, name)) {
        response.writeHead(404).end();
        return;
      }
      const last = 4 + Math.floor(second);
      if (name === 'live.m3u8') {
        let text = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:${last - 3}\n`;
        if (options.key) text += '#EXT-X-KEY:METHOD=AES-128,URI="key"\n';
        for (let n = last - 3; n <= last; n++) {
          // The six segments over and over: where they begin anew, times do, too.
          if (n % 6 === 0) text += '#EXT-X-DISCONTINUITY\n';
          if (options.dated)
            text += `#EXT-X-PROGRAM-DATE-TIME:${new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString()}\n`;
          text += `#EXTINF:1,\n${n}.ts\n`;
        }
        response.end(text);
      } else if (name === 'key') response.end(options.key);
      else {
        const n = Number.parseInt(name, 10);
        const bytes = file(folders.ts, `a${n % 6}.ts`) ?? new Uint8Array(0);
        if (options.key) {
          const iv = Buffer.alloc(16);
          iv.writeUInt32BE(n, 12);
          const cipher = createCipheriv('aes-128-cbc', options.key, iv);
          response.end(Buffer.concat([cipher.update(bytes), cipher.final()]));
        } else response.end(bytes);
      }
    });
    try {
      await use(`${server.url}/live.m3u8`, asked);
    } finally {
      await server.close();
    }
  }

  test('live: joined near its end, encrypted, followed in even steps over a discontinuity, asked for politely', async () => {
    await live({ key: Buffer.from('0123456789abcdef') }, async (url, asked) => {
      const rig = pull({ url });
      try {
        await rig.until(
          () => new Set(rig.units.map(u => u.run)).size === 2 && ofKind(rig.units, 'video').length >= 130,
        );
        assert.equal(asked.filter(a => a.endsWith('.ts'))[0], '2.ts');
        const playlists = asked.filter(a => a.endsWith('.m3u8')).length;
        assert.ok(playlists <= 12, `${playlists} playlists in 6 s`);
        assert.equal(asked.filter(a => a === 'key').length, 1);
        const arrived = rig.arrivedMs.filter((_, i) => rig.units[i]?.track === 0);
        assert.ok(Math.max(...steps(arrived)) < 700, `${Math.max(...steps(arrived))}`);
        assert.deepEqual(rig.gaps, []);
        assert.deepEqual(rig.context.said.faults, []);
      } finally {
        await rig.close();
      }
    });
  });

  test('a server that fails for a while costs what it could not give; the run ends, the attempt does not', async () => {
    await live({ fail: (second, name) => name === '5.ts' || (second > 1 && second < 3) }, async url => {
      const rig = pull({ url });
      try {
        await rig.until(() => ofKind(rig.units, 'video').length >= 150);
        assert.deepEqual(rig.context.said.faults, []);
        assert.equal(rig.context.said.states.join(), 'running');
        assert.ok(rig.gaps.every(g => g.reason === 'network-loss') && rig.gaps.length >= 1);
        assert.ok(new Set(rig.units.map(u => u.run)).size >= 2);
        assert.ok(rig.log.lines.some(l => l.event === 'bad-media'));
      } finally {
        await rig.close();
      }
    });
  });

  test('one that fails for good: the attempt fails when media have stopped', async () => {
    await live({ fail: second => second > 1 }, async url => {
      const rig = pull({ url, stall_seconds: 1 });
      try {
        await rig.until(() => rig.context.said.faults.length > 0);
        assert.match(String(rig.context.said.faults[0]), /expected media for 3 s, got none \(a playlist.*404/);
        assert.equal(rig.gaps.at(-1)?.reason, 'no-media');
      } finally {
        await rig.close();
      }
    });
  });

  test('with "device" the dates of the playlist are wall times, if they are of the last hour', async () => {
    const text = (minutes: number) =>
      `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PROGRAM-DATE-TIME:${new Date(Date.now() - minutes * 60_000).toISOString()}\n` +
      '#EXTINF:1,\na0.ts\n#EXTINF:1,\na1.ts\n#EXT-X-ENDLIST\n';
    for (const [minutes, expected] of [
      [10, 10],
      [100, 0],
    ] as const) {
      const server = await serve((request, response) => {
        const name = (request.url ?? '').slice(1);
        response.end(name === 'd.m3u8' ? text(minutes) : file(folders.ts, name));
      });
      const rig = pull({ url: `${server.url}/d.m3u8`, time: 'device' });
      try {
        await rig.until(() => ofKind(rig.units, 'video').length >= 40);
        const ago = (Date.now() - (rig.units.at(-1)?.wallMs ?? 0)) / 60_000;
        assert.ok(Math.abs(ago - expected) < 0.1, `${ago}`);
      } finally {
        await rig.close();
        await server.close();
      }
    }
  });

  // playlist, and what becomes of it
  const refused: [name: string, text: string, code: string][] = [
    ['a page', '<html></html>', 'hls-garbled'],
    ['DRM', '#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x"\n#EXTINF:1,\na.ts\n', 'hls-encrypted'],
    ['codecs of others', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="vp09.00"\na.m3u8\n', 'no-supported-media'],
    ['an address that is no HTTP', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile:///etc/passwd\n', 'hls-garbled'],
  ];
  for (const [name, text, code] of refused)
    test(`${name}: refused by name`, async () => {
      const server = await serve((_, response) => void response.end(text));
      const rig = pull({ url: `${server.url}/x.m3u8`, kind: 'hls' });
      try {
        await rig.until(() => rig.context.said.faults.length > 0);
        assert.equal((rig.context.said.faults[0] as { code: string }).code, code);
        assert.equal(rig.gaps[0]?.reason, 'camera-unreachable');
      } finally {
        await rig.close();
        await server.close();
      }
    });
});
