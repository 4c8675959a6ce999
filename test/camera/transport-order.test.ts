import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TransportName } from '#camera/settings';
import { TransportOrder } from '#camera/transport-order';
import { Fault, type Kind } from '#core/errors';

type What = [kind: Kind, code: string, asked?: boolean, flowed?: boolean];
const silent: What = ['timeout', 'no-media', true];
const refused461: What = ['protocol', 'rtsp-461', true];
const unreachable: What = ['transport', 'connect-failed', false];
const brokeOff: What = ['transport', 'connection-lost', true, true];
const wrongLogin: What = ['refused', 'rtsp-401', false];
const works = 'works';

/** Each attempt: what happens to one transport after the other. Gives what was tried, with the seconds waited for. */
function play(all: readonly TransportName[], attempts: readonly (readonly (What | typeof works)[])[]): string[] {
  const order = new TransportOrder(all, 10_000);
  return attempts.map(happens => {
    order.begin();
    const tried: string[] = [];
    let transport: TransportName | undefined = order.first;
    for (const what of happens) {
      assert.ok(transport !== undefined, 'something is to be tried');
      tried.push(`${transport}/${order.firstMediaMs / 1000}`);
      if (what === works) {
        order.works(transport);
        transport = undefined;
      } else {
        const [kind, code, transportAsked = false, mediaFlowed = false] = what;
        if (mediaFlowed) order.works(transport);
        transport = order.failed({ fault: new Fault(kind, code, code), transportAsked, mediaFlowed });
      }
    }
    return `${tried.join(' ')}${transport === undefined ? '' : ` then ${transport}`}`;
  });
}

describe('TransportOrder', () => {
  const cases: [name: string, all: TransportName[], attempts: (What | typeof works)[][], out: string[]][] = [
    [
      'in the order of the configuration',
      ['udp', 'multicast', 'tcp'],
      [[refused461, silent, works]],
      ['udp/5 multicast/5 tcp/10'],
    ],
    [
      'the one that worked is first afterwards',
      ['udp', 'tcp'],
      [[silent, brokeOff], [works]],
      ['udp/5 tcp/10', 'tcp/5'],
    ],
    [
      '... until it brings nothing',
      ['udp', 'tcp'],
      [[silent, brokeOff], [silent, silent], [works]],
      ['udp/5 tcp/10', 'tcp/5 udp/10', 'udp/10'],
    ],
    [
      'a camera that is off changes nothing of that',
      ['udp', 'tcp'],
      [[silent, brokeOff], [unreachable], [works]],
      ['udp/5 tcp/10', 'tcp/5', 'tcp/5'],
    ],
    ['media that flowed and stopped is not about the transport', ['tcp', 'udp'], [[brokeOff]], ['tcp/5']],
    ['nor is a camera that cannot be reached', ['tcp', 'udp'], [[unreachable]], ['tcp/5']],
    ['only HTTP has a connection of its own', ['tcp', 'udp', 'http'], [[unreachable, works]], ['tcp/5 http/10']],
    ['... and so have the others beside it', ['http', 'tcp', 'udp'], [[unreachable, unreachable]], ['http/5 tcp/5']],
    ['a refused login is asked once', ['tcp', 'udp', 'http'], [[wrongLogin]], ['tcp/5']],
    [
      'a slow camera is waited for the next time',
      ['tcp', 'udp'],
      [[silent, silent], [works]],
      ['tcp/5 udp/10', 'tcp/10'],
    ],
    [
      '... and no longer once it has worked',
      ['tcp', 'udp'],
      [[silent, silent], [brokeOff], [silent]],
      ['tcp/5 udp/10', 'tcp/10', 'tcp/5 then udp'],
    ],
    ['one alone is waited for at once', ['udp'], [[silent]], ['udp/10']],
  ];
  for (const [name, all, attempts, out] of cases) test(name, () => assert.deepEqual(play(all, attempts), out));

  test('an attempt fails with what tells most, and says it of all', () => {
    const order = new TransportOrder(['udp', 'tcp'], 10_000);
    order.begin();
    order.failed({ fault: new Fault('protocol', 'rtsp-461', 'got 461'), transportAsked: true, mediaFlowed: false });
    order.failed({ fault: new Fault('timeout', 'no-media', 'got none'), transportAsked: true, mediaFlowed: false });
    const { kind, code, message } = order.fault();
    assert.deepEqual([kind, code, message], ['timeout', 'no-media', 'by udp: got 461; by tcp: got none']);
  });
});
