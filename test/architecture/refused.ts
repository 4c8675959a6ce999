/**
 * What the compiler must refuse in a declaration and in an object that does not keep it. Each
 * row is an error in the line below its comment, and the comment has words of that error:
 * types.test.ts asks the compiler for them, so that no row is refused for another reason.
 */
import { type Capability, capability, many, one, optional } from '#core/capability';
import { defineObjectType } from '#core/define';
import { Fault } from '#core/errors';
import { defineInterface } from '#core/interface';
import { Nothing, Type } from '#core/schema';

interface Tap {
  draw(litres: number): number;
}
const Tap: Capability<Tap> = capability('tap', 'Something to draw from.');
const tap: Tap = { draw: litres => litres };

const Kettle = defineInterface('Kettle', {
  doc: 'A kettle.',
  functions: {
    boil: { doc: 'Boils.', right: 'operate', params: Type.Object({ litres: Type.Number() }), result: Type.Integer() },
    clean: { doc: 'Cleans.', right: 'operate', params: Type.Object({}), result: Nothing },
    film: { doc: 'Shows it.', right: 'read', transport: 'stream', params: Type.Object({}), result: Type.Unknown() },
  },
  properties: { warm: { doc: 'Whether it is warm.', schema: Type.Boolean() } },
});

const config = Type.Object({ litres: Type.Number({ default: 1 }), colour: Type.Optional(Type.String()) });
const base = { type: 'kettle', summary: 'A kettle.', stage: 'main', config, interfaces: [] } as const;
const nothing = { provides: {}, consumes: {} };
const silent = { provides: {}, published: {}, start: () => {} };
const film = () => ({ contentType: 'video/mp4', body: '' });
const kettle = { boil: () => 1, clean: () => {}, film, warm: () => true };

/** A sound one, so that it is the error of a row that is refused, and not what all rows have in common. */
export const sound = defineObjectType({
  ...base,
  provides: { tap: Tap },
  consumes: { source: one(Tap), spare: optional(Tap), others: many(Tap) },
  interfaces: [Kettle],
  create: context => ({
    provides: { tap },
    published: { Kettle: { ...kettle, boil: ({ litres }) => Math.round(litres * context.config.litres) } },
    start: () => {},
    link: ({ source, spare, others }) => void [source.draw(1), spare?.draw(1), others.get('x')?.draw(1)],
    apply: next => void next.litres.toFixed(1),
  }),
});

export const refused = [
  // provides

  defineObjectType({
    ...base,
    consumes: {},
    provides: { tap: Tap },
    // @ts-expect-error Property 'tap' is missing in type '{}'
    create: () => ({ ...silent, provides: {} }),
  }),
  defineObjectType({
    ...base,
    consumes: {},
    provides: { tap: Tap },
    // @ts-expect-error Type 'string' is not assignable to type 'number'
    create: () => ({ ...silent, provides: { tap: { draw: () => 'a litre' } } }),
  }),

  // consumes

  defineObjectType({
    ...base,
    provides: {},
    consumes: { source: one(Tap) },
    // @ts-expect-error Property 'link' is missing
    create: () => silent,
  }),
  defineObjectType({
    ...base,
    provides: {},
    consumes: { spare: optional(Tap) },
    // @ts-expect-error 'spare' is possibly 'undefined'
    create: () => ({ ...silent, link: ({ spare }) => void spare.draw(1) }),
  }),
  defineObjectType({
    ...base,
    provides: {},
    consumes: { others: many(Tap) },
    // @ts-expect-error Property 'draw' does not exist on type 'ReadonlyMap
    create: () => ({ ...silent, link: ({ others }) => void others.draw(1) }),
  }),
  defineObjectType({
    ...base,
    provides: {},
    consumes: { source: one(Tap) },
    // @ts-expect-error Property 'well' does not exist
    create: () => ({ ...silent, link: ({ well }) => void well }),
  }),

  // interfaces

  defineObjectType({
    ...base,
    ...nothing,
    interfaces: [Kettle],
    // @ts-expect-error Property 'Kettle' is missing in type '{}'
    create: () => silent,
  }),
  defineObjectType({
    ...base,
    ...nothing,
    interfaces: [Kettle],
    // @ts-expect-error Property 'clean' is missing
    create: () => ({ ...silent, published: { Kettle: { boil: () => 1, film, warm: () => true } } }),
  }),
  defineObjectType({
    ...base,
    ...nothing,
    interfaces: [Kettle],
    // @ts-expect-error Property 'warm' is missing
    create: () => ({ ...silent, published: { Kettle: { boil: () => 1, clean: () => {}, film } } }),
  }),
  defineObjectType({
    ...base,
    ...nothing,
    interfaces: [Kettle],
    // @ts-expect-error Type 'string' is not assignable to type 'number | Promise<number>'
    create: () => ({ ...silent, published: { Kettle: { ...kettle, boil: () => 'hot' } } }),
  }),
  defineObjectType({
    ...base,
    ...nothing,
    interfaces: [Kettle],
    // @ts-expect-error Property 'pints' does not exist on type '{ litres: number; }'
    create: () => ({ ...silent, published: { Kettle: { ...kettle, boil: ({ pints }) => pints } } }),
  }),
  defineObjectType({
    ...base,
    ...nothing,
    interfaces: [Kettle],
    // @ts-expect-error Type 'string' is not assignable to type 'MediaAnswer | Promise<MediaAnswer>'
    create: () => ({ ...silent, published: { Kettle: { ...kettle, film: () => 'a film' } } }),
  }),

  // configuration

  defineObjectType({
    ...base,
    ...nothing,
    // @ts-expect-error Property 'pints' does not exist on type
    create: context => ({ ...silent, start: () => void context.config.pints }),
  }),
  defineObjectType({
    ...base,
    ...nothing,
    // @ts-expect-error 'context.config.colour' is possibly 'undefined'
    create: context => ({ ...silent, start: () => void context.config.colour.length }),
  }),
  defineObjectType({
    ...base,
    ...nothing,
    create: () => silent,
    // @ts-expect-error Property 'code' is missing
    check: () => [{ severity: 'error', pointer: '', reason: 'no' }],
  }),

  // the declarations themselves

  defineObjectType({
    ...base,
    ...nothing,
    // @ts-expect-error Type '"cellar"' is not assignable to type 'Stage'
    stage: 'cellar',
    create: () => silent,
  }),
  // @ts-expect-error Property 'create' is missing
  defineObjectType({ ...base, ...nothing }),
  defineInterface('Tray', {
    doc: 'A tray.',
    functions: {
      // @ts-expect-error Type '"own"' is not assignable to type 'Right'
      carry: { doc: 'Carries.', right: 'own', params: Type.Object({}), result: Nothing },
    },
  }),
  defineInterface('Tray', {
    doc: 'A tray.',
    functions: {
      // @ts-expect-error Type 'TInteger' is missing the following properties from type 'TObject
      carry: { doc: 'Carries.', right: 'read', params: Type.Integer(), result: Nothing },
    },
  }),
  // @ts-expect-error Argument of type '"weather"' is not assignable
  new Fault('weather', 'rain', 'it rains'),
];
