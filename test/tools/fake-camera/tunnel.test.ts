import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { tunnelled, tunnelRequest } from '#rtsp/http-tunnel';
import { startFakeCamera } from '../../../tools/fake-camera/fake-camera.ts';

test('RTSP through HTTP outlives the session timeout while requests come, though one of its connections hears nothing of its own', async () => {
  const camera = await startFakeCamera({ timeoutSeconds: 1 });
  const head = { host: `127.0.0.1:${camera.port}`, cookie: 'abcdefgh', userAgent: 'test' };
  const [get, post] = [connect(camera.port, '127.0.0.1'), connect(camera.port, '127.0.0.1')];
  let [answers, closed] = [0, 0];
  get.on('data', (bytes: Buffer) => {
    answers += bytes.toString().split('RTSP/1.0 200').length - 1;
  });
  for (const socket of [get, post]) {
    socket.on('close', () => void closed++);
    socket.on('error', () => {});
  }
  try {
    get.write(tunnelRequest('GET', '/cam0', head));
    await new Promise(done => setTimeout(done, 100));
    post.write(tunnelRequest('POST', '/cam0', head));
    for (let cseq = 1; cseq <= 6; cseq++) {
      post.write(tunnelled(`OPTIONS ${camera.url()} RTSP/1.0\r\nCSeq: ${cseq}\r\n\r\n`));
      await new Promise(done => setTimeout(done, 400));
    }
    assert.deepEqual([answers, closed], [6, 0]);
  } finally {
    get.destroy();
    post.destroy();
    await camera.stop();
  }
});
