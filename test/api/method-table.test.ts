import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jsonResult, MethodTable } from '#api/method-table';
import { Fault } from '#core/errors';
import { defineInterface } from '#core/interface';
import { Type } from '#core/schema';
import { fakePublished } from '#fake/published';
import { pictureBytes, toy } from '#fake/toy';
import { FakeClock } from '#fake/world';

const call = { caller: { login: null, address: '' } };

function tableOf(...objects: ReturnType<typeof toy>[]): MethodTable {
  const table = new MethodTable(new FakeClock());
  table.set(objects);
  return table;
}

describe('paths below an object', () => {
  const cases: [path: string, verb: string, found: string][] = [
    ['', 'GET', 'summary {}'],
    ['', 'HEAD', 'summary {}'],
    ['', 'POST', 'update {}'],
    ['', 'PUT', '405 GET, HEAD, POST, OPTIONS'],
    ['car', 'GET', 'read {"toy":"car"}'],
    ['car', 'DELETE', 'remove {"toy":"car"}'],
    ['picture', 'GET', 'picture {}'],
    ['picture', 'DELETE', 'remove {"toy":"picture"}'],
    ['fixed/at', 'GET', 'at {}'],
    ['car/state', 'POST', 'set {"toy":"car"}'],
    ['car/state', 'GET', '405 POST, OPTIONS'],
    ['keys/a/b', 'GET', 'key {"key":"a/b"}'],
    ['keys//a', 'GET', 'key {"key":"/a"}'],
    ['keys/', 'GET', 'key {"key":""}'],
    ['', 'get', '405 GET, HEAD, POST, OPTIONS'],
    ['car/wheel/nut', 'GET', '404'],
    ['ToyBox/read', 'POST', 'read generic'],
    ['toy_box/read', 'POST', 'read generic'],
    ['toys/read', 'POST', 'read generic'],
    ['ToyBox/read', 'GET', '405 POST, OPTIONS'],
    ['ToyBox/picture_base64', 'POST', 'picture_base64 generic'],
    ['ToyBox/get_color', 'POST', 'get_color generic'],
    ['ToyBox/set_color', 'POST', 'set_color generic'],
    ['ToyBox/set_age', 'POST', '404'],
    ['ToyBox/film', 'POST', '404'],
    ['ToyBox/nothing', 'POST', '404'],
    ['ToyBox/constructor', 'POST', '404'],
    ['__proto__/read', 'POST', '404'],
    ['ToyBox/state', 'POST', 'set {"toy":"ToyBox"}'],
  ];
  const object = toy();
  const table = tableOf(object);
  for (const [path, verb, found] of cases)
    test(`${verb} '${path}' is ${found}`, () => {
      let got: string;
      try {
        const r = table.resolve(object, verb, path === '' ? [] : path.split('/'));
        got = `${r.method.name} ${r.generic ? 'generic' : JSON.stringify(r.parameters)}`;
      } catch (e) {
        assert.ok(e instanceof Fault);
        got = e.kind === 'absent' ? '404' : `405 ${e.where['allow']}`;
      }
      assert.equal(got, found);
    });

  test('an empty segment is no parameter', () => {
    assert.throws(() => table.resolve(object, 'GET', ['']), { code: 'not-found' });
  });
});

describe('calling', () => {
  const method = (object: ReturnType<typeof toy>, name: string, table: MethodTable) => {
    const found = table.method(object, 'ToyBox', name);
    assert.ok(found, name);
    return found;
  };

  test('a binary result has a base64 form', async () => {
    const object = toy();
    const table = tableOf(object);
    assert.deepEqual(await table.call(method(object, 'picture', table), {}, call), pictureBytes);
    assert.equal(await table.call(method(object, 'picture_base64', table), {}, call), '/9gBAgM=');
    assert.equal(await table.call(method(object, 'picture_base64', table), { toy: 'none' }, call), null);
    assert.deepEqual(
      object.calls.map(c => c.function),
      ['ToyBox.picture', 'ToyBox.picture', 'ToyBox.picture'],
    );
  });

  test('a function without a result answers ok, another one its value or null', () => {
    const object = toy();
    const table = tableOf(object);
    assert.deepEqual(jsonResult(method(object, 'set', table).decl, undefined), { ok: true });
    assert.equal(jsonResult(method(object, 'read', table).decl, undefined), null);
    assert.equal(jsonResult(method(object, 'read', table).decl, 0), 0);
  });

  test('wrong arguments do not reach the object', async () => {
    const object = toy();
    const table = tableOf(object);
    await assert.rejects(table.call(method(object, 'set', table), { toy: 'car' }, call), { code: 'bad-argument' });
    assert.deepEqual(object.calls, []);
  });

  test('a call that does not answer is given up, and its late answer is closed', async () => {
    const clock = new FakeClock();
    const table = new MethodTable(clock);
    let answer: (value: unknown) => void = () => undefined;
    let closed = 0;
    const Slow = defineInterface('Slow', {
      doc: '',
      functions: {
        wait: { doc: '', right: 'read', params: Type.Object({}), result: Type.Unknown(), timeoutMs: 15_000 },
      },
    });
    const object = fakePublished('slow', [Slow], { Slow: { wait: () => new Promise(done => (answer = done)) } });
    table.set([object]);
    const wait = table.method(object, 'slow', 'wait');
    assert.ok(wait);
    const outcome = assert.rejects(table.call(wait, {}, call), { code: 'timeout' });
    await clock.pass(15_000);
    await outcome;
    answer({ contentType: 'a/b', body: { length: 1, open: () => assert.fail('nobody reads'), close: () => closed++ } });
    await clock.pass(0);
    assert.equal(closed, 1);
    assert.equal(clock.waiting, 0);
  });

  describe('whenFailed', () => {
    const broken = fakePublished('stor', toy().interfaces, {
      ToyBox: {
        summary: () => {
          throw new Fault('storage', 'unavailable', 'the disk is gone');
        },
      },
    });
    const table = tableOf(broken);
    const summary = table.method(broken, 'ToyBox', 'summary');
    assert.ok(summary);
    test('an object that has failed answers zero values and its error', async () => {
      broken.state = 'failed';
      broken.error = 'no disk';
      assert.deepEqual(await table.call(summary, {}, call), { count: 0, error: 'no disk' });
    });
    test('an object that is only starting does too', async () => {
      broken.state = 'starting';
      broken.error = undefined;
      assert.deepEqual(await table.call(summary, {}, call), { count: 0, error: 'the disk is gone' });
    });
    test('of an object that works, a failure is a failure', async () => {
      broken.state = 'running';
      await assert.rejects(table.call(summary, {}, call), { code: 'unavailable' });
    });
    test('an object that has failed and answers all the same is believed', async () => {
      const object = toy();
      object.state = 'failed';
      const own = tableOf(object);
      const m = own.method(object, 'ToyBox', 'summary');
      assert.ok(m);
      assert.deepEqual(await own.call(m, {}, call), { count: 3 });
    });
  });
});

test('the version changes with the objects and only then', () => {
  const [a, b] = [toy('a'), toy('b')];
  const table = tableOf(a, b);
  const before = table.version;
  table.set([b, a]);
  assert.equal(table.version, before);
  table.set([toy('a'), b]);
  assert.equal(table.version, before + 1);
  assert.throws(() => table.object('c'), { code: 'not-found' });
});
