/** WS-Discovery of the fake ONVIF device, on loopback. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, test } from 'node:test';
import { freePort } from '#fake/daemon';
import { startFakeOnvif } from '../../../tools/fake-onvif/fake-onvif.ts';

const probe = (types: string, scopes = ''): string =>
  `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:net="http://www.onvif.org/ver10/network/wsdl"><e:Header><a:MessageID>urn:uuid:1</a:MessageID><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></e:Header><e:Body><d:Probe><d:Types>${types}</d:Types><d:Scopes>${scopes}</d:Scopes></d:Probe></e:Body></e:Envelope>`;

/** What comes back within 200 ms. */
async function asked(port: number, text: string): Promise<string[]> {
  const socket = createSocket('udp4');
  const got: string[] = [];
  socket.on('message', m => got.push(m.toString()));
  await new Promise<void>(bound => socket.bind(0, '127.0.0.1', bound));
  socket.setMulticastInterface('127.0.0.1');
  socket.send(text, port, '239.255.255.250');
  await new Promise(r => setTimeout(r, 200));
  socket.close();
  return got;
}

describe('WS-Discovery of the fake ONVIF device', () => {
  test('answers who asks for what it is, twice, and nobody else', async t => {
    const port = await freePort();
    const d = await startFakeOnvif({ media: false, discovery: { address: '127.0.0.1', port } });
    t.after(() => d.stop());
    const found = await asked(port, probe('net:NetworkVideoTransmitter'));
    assert.equal(found.length, 2);
    assert.match(found[0]!, new RegExp(`<d:XAddrs>${d.url}</d:XAddrs>`));
    assert.match(found[0]!, new RegExp(`<a:Address>${d.endpoint}</a:Address>`));
    assert.match(found[0]!, /<a:RelatesTo>urn:uuid:1</);
    assert.equal((await asked(port, probe('', 'onvif://www.onvif.org/name'))).length, 2);
    assert.deepEqual(await asked(port, probe('net:Printer')), []);
    assert.deepEqual(await asked(port, probe('', 'onvif://www.onvif.org/name/other')), []);
    assert.deepEqual(await asked(port, '<not xml'), []);
    assert.deepEqual(d.probed, ['127.0.0.1', '127.0.0.1']);
  });
});
