/** Capabilities whose consumer and provider live on different stages: they are called over the wire, either way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Capability, capability, one, optional } from '#core/capability';
import { checkConfiguration } from '#core/check';
import { defineObjectType, type ObjectType } from '#core/define';
import { Fault } from '#core/errors';
import { plan } from '#core/plan';
import { Runtime } from '#core/runtime';
import { Type } from '#core/schema';
import { Stage } from '#core/stage';
import { remoteStage, serveStage } from '#core/stage-wire';
import { fakeWorld } from '#fake/world';
import { channel } from '#host/port';

interface Oracle {
  answer(question: string): Promise<{ readonly text: string; readonly bytes: Uint8Array }>;
}
const Oracle: Capability<Oracle> = capability<Oracle>('oracle', 'Knows.', { calls: ['answer'] });
interface Mute {
  look(): number;
}
const Mute: Capability<Mute> = capability<Mute>('mute', 'Cannot be called from afar.');

/** An oracle on one stage and a pilgrim on the other. */
function temple(t: { after(f: () => void): void }, oracleStage: 'main' | 'media') {
  const heard: Oracle[] = [];
  let births = 0;
  const oracle = defineObjectType({
    type: 'oracle',
    summary: 'Knows.',
    stage: oracleStage,
    config: Type.Object({ word: Type.String({ default: 'yes', live: true }) }),
    provides: { oracle: Oracle, mute: Mute },
    consumes: {},
    interfaces: [],
    create: c => {
      births++;
      let { word } = c.config;
      return {
        provides: {
          oracle: {
            answer: async question => {
              if (question === '') throw new Fault('argument', 'bad-argument', 'expected a question, got none');
              return { text: `${question}: ${word}`, bytes: new Uint8Array([births]) };
            },
          },
          mute: { look: () => 1 },
        },
        published: {},
        start: () => {},
        apply: next => {
          word = next.word;
        },
      };
    },
  });
  const pilgrim = defineObjectType({
    type: 'pilgrim',
    summary: 'Asks.',
    stage: oracleStage === 'main' ? 'media' : 'main',
    config: Type.Object({}),
    provides: {},
    consumes: { oracle: one(Oracle), mute: optional(Mute) },
    interfaces: [],
    create: () => ({
      provides: {},
      published: {},
      link: links => void heard.push(links.oracle),
      start: () => {},
    }),
  });
  const lonely = defineObjectType({
    ...pilgrim,
    type: 'lonely',
    consumes: { oracle: one(Oracle) },
    create: () => ({
      provides: {},
      published: {},
      link: links => void heard.push(links.oracle),
      start: () => {},
    }),
  });
  const types: readonly ObjectType[] = [oracle, pilgrim, lonely];
  const byName = new Map(types.map(x => [x.type, x]));
  const world = fakeWorld();
  const [near, far] = channel();
  t.after(() => [near, far].map(p => p.close()));
  const runtime = new Runtime({
    world,
    version: '1',
    types: byName,
    everyInterface: [],
    houseInterfaces: [],
    openStages: (news, automatic, ask) => {
      serveStage(far, (mediaNews, mediaAsk) => new Stage('media', world, byName, mediaNews, undefined, mediaAsk));
      return { main: new Stage('main', world, byName, news, automatic, ask), media: remoteStage(near, news, ask) };
    },
    plan: (running, wanted) => plan(running, wanted, types, text => text),
    load: async () => ({ problems: [] }) as never,
    describe: () => ({}),
    schema: () => ({}),
  });
  const load = async (...objects: { type: string; name: string }[]): Promise<void> => {
    const text = JSON.stringify({ objects, links: [objects.map(o => o.name)] });
    const { configuration, problems } = checkConfiguration({ documents: [{ name: 'x', text }], types });
    assert.ok(configuration, JSON.stringify(problems));
    await runtime.apply(configuration);
  };
  return {
    runtime,
    load,
    heard,
    state: (name: string) =>
      runtime.house
        .objects()
        .find(o => o.name === name)
        ?.health().state,
  };
}

for (const stage of ['main', 'media'] as const)
  describe(`an oracle on the ${stage} stage, asked from the other`, () => {
    test('answers with plain data and with Faults that stay Faults', async t => {
      const { load, heard, runtime } = temple(t, stage);
      await load({ type: 'oracle', name: 'o' }, { type: 'lonely', name: 'p' });
      const [asked] = heard;
      assert.ok(asked);
      assert.deepEqual(await asked.answer('rain?'), { text: 'rain?: yes', bytes: new Uint8Array([1]) });
      await assert.rejects(asked.answer(''), (e: Fault) => e instanceof Fault && e.code === 'bad-argument');
      await runtime.stop();
    });

    test('is the same to its consumer when it was made anew, and unavailable once it is gone', async t => {
      const { load, heard, runtime } = temple(t, stage);
      await load({ type: 'oracle', name: 'o' }, { type: 'lonely', name: 'p' });
      await load({ type: 'oracle', name: 'o', word: 'no' } as never, { type: 'lonely', name: 'p' });
      assert.equal(heard.length, 1);
      assert.equal((await heard[0]?.answer('rain?'))?.text, 'rain?: no');
      await load({ type: 'lonely', name: 'p' });
      await assert.rejects(heard[0]?.answer('rain?') ?? Promise.resolve(), (e: Fault) => e.code === 'not-found');
      await runtime.stop();
    });

    test('is not linked by what cannot be called from afar', async t => {
      const { load, state, runtime } = temple(t, stage);
      await load({ type: 'oracle', name: 'o' }, { type: 'pilgrim', name: 'p' });
      assert.equal(state('p'), 'failed');
      await runtime.stop();
    });
  });
