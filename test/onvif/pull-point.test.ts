import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FakeReply, fakeDevice, soap, soapFault } from '#fake/onvif';
import { OnvifDevice } from '#onvif/device';
import { PullPoint } from '#onvif/pull-point';

const services = soap(
  '<tds:R><tds:Service><tds:Namespace>http://www.onvif.org/ver10/events/wsdl</tds:Namespace><tds:XAddr>http://10.0.0.7/events</tds:XAddr></tds:Service></tds:R>',
);
const times = (now: string, end: string): string =>
  `<wsnt:CurrentTime>${now}</wsnt:CurrentTime><wsnt:TerminationTime>${end}</wsnt:TerminationTime>`;
const created = (life: string): string =>
  soap(
    `<tev:R><tev:SubscriptionReference><a:Address>http://192.168.1.64/sub/1</a:Address></tev:SubscriptionReference>${life}</tev:R>`,
  );
const pulled = soap('<tev:PullMessagesResponse/>');
const unsupported: FakeReply = { status: 400, body: soapFault(['s:Sender', 'ter:ActionNotSupported'], '') };
const never = new AbortController().signal;

/** Pulls for so long, each of them held as long as it may; what was asked in that time. */
async function pulling(
  seconds: number,
  reply: (name: string) => FakeReply | undefined,
): Promise<{ asked: string[]; urls: string[] }> {
  const d = fakeDevice(async (name, request): Promise<FakeReply> => {
    if (name === 'PullMessages') await d.clock.pass(Number(/Timeout>PT(\d+)S/.exec(request.body ?? '')?.[1]) * 1000);
    return reply(name) ?? { body: name === 'GetServices' ? services : pulled };
  });
  const point = await PullPoint.open(new OnvifDevice(d.parts), d.clock, never);
  while (d.clock.monotonicMs() < seconds * 1000) await point.pull(never);
  await point.close();
  return { asked: d.asked(), urls: d.requests.map(r => r.url) };
}

describe('a subscription', () => {
  const count = (asked: readonly string[], name: string): number => asked.filter(a => a === name).length;
  const minute = times('2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z');
  const rows: [
    name: string,
    life: string,
    renewed: FakeReply | undefined,
    renewals: [least: number, most: number],
    pulls: [number, number],
  ][] = [
    ['of a minute is renewed twice a minute', minute, { body: soap(`<wsnt:R>${minute}</wsnt:R>`) }, [5, 6], [18, 24]],
    [
      'of 20 s is pulled and renewed more often',
      times('2026-01-01T00:00:00Z', '2026-01-01T00:00:20Z'),
      { body: soap(`<wsnt:R>${times('2026-01-01T00:00:00Z', '2026-01-01T00:00:20Z')}</wsnt:R>`) },
      [12, 18],
      [30, 40],
    ],
    [
      'that ends before it begins is taken for a minute',
      times('2026-01-01T00:00:00Z', '1970-01-01T00:00:00Z'),
      { body: soap('<wsnt:R/>') },
      [5, 6],
      [18, 24],
    ],
    ['that cannot be renewed is tried once', minute, unsupported, [1, 1], [18, 24]],
  ];
  for (const [name, life, renewed, renewals, pulls] of rows)
    test(name, async () => {
      const { asked } = await pulling(180, f =>
        f === 'CreatePullPointSubscription' ? { body: created(life) } : f === 'Renew' ? renewed : undefined,
      );
      const [renewCount, pullCount] = [count(asked, 'Renew'), count(asked, 'PullMessages')];
      assert.ok(renewCount >= renewals[0] && renewCount <= renewals[1], `${renewCount} renewals`);
      assert.ok(pullCount >= pulls[0] && pullCount <= pulls[1], `${pullCount} pulls`);
    });

  test('is asked for at our host, synchronized, and given back, also where the device knows neither', async () => {
    const { asked, urls } = await pulling(10, f =>
      f === 'CreatePullPointSubscription'
        ? { body: created(minute) }
        : f === 'SetSynchronizationPoint' || f === 'Unsubscribe'
          ? unsupported
          : undefined,
    );
    assert.deepEqual(asked, [
      'GetServices',
      'CreatePullPointSubscription',
      'SetSynchronizationPoint',
      'PullMessages',
      'Unsubscribe',
    ]);
    assert.deepEqual([...new Set(urls.map(u => new URL(u).host))], ['10.0.0.7']);
    assert.equal(urls.at(-1), 'http://10.0.0.7/sub/1');
  });

  test('that the device forgot is told by the pull', async () => {
    const forgot: FakeReply = {
      status: 400,
      body: soapFault(['s:Sender', 'wsrf:ResourceUnknownFault'], 'no such subscription'),
    };
    await assert.rejects(
      pulling(10, f =>
        f === 'CreatePullPointSubscription' ? { body: created(minute) } : f === 'PullMessages' ? forgot : undefined,
      ),
      { code: 'onvif-fault', kind: 'protocol' },
    );
  });

  test('of a device without the service of events is none', () =>
    assert.rejects(
      pulling(10, f => (f === 'GetServices' ? { body: soap('<tds:R/>') } : { body: soap('<tds:R/>') })),
      { code: 'onvif-unsupported' },
    ));
});
