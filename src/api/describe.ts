/**
 * `GET /v1/describe` and `ocellus describe`: every interface and type of this build as plain
 * data, made from the declarations, and the objects there are (docs/spec/api.md 3).
 */
import type { Need } from '#core/capability';
import type { ObjectType } from '#core/define';
import type { FunctionDecl, InterfaceDecl, Right } from '#core/interface';
import type { Published } from '#core/published';
import { isNothing, type TSchema } from '#core/schema';
import { functionsOf } from './method-table.ts';

export type PlainSchema = Readonly<Record<string, unknown>>;

export interface DescribedFunction {
  readonly doc: string;
  readonly right: Right;
  /** In positional order. */
  readonly parameters: readonly { readonly name: string; readonly required: boolean; readonly schema: PlainSchema }[];
  readonly result: PlainSchema;
  readonly http?: { readonly verb: string; readonly path: string; readonly body?: unknown };
  readonly transport?: 'stream';
}

export interface DescribedInterface {
  readonly doc: string;
  /** Whose functions these are; those of the house are below `/v1/env`. */
  readonly of: 'object' | 'house';
  readonly snake: readonly string[];
  readonly listed: boolean;
  readonly properties: Readonly<
    Record<string, { doc: string; schema: PlainSchema; writable: boolean; constant: boolean }>
  >;
  readonly functions: Readonly<Record<string, DescribedFunction>>;
  readonly signals: Readonly<Record<string, { doc: string; data: PlainSchema }>>;
}

export interface DescribedType {
  readonly summary: string;
  readonly aliases: readonly string[];
  readonly interfaces: readonly string[];
  readonly provides: readonly string[];
  readonly consumes: readonly { readonly capability: string; readonly count: string }[];
  readonly config: PlainSchema;
}

export interface Described {
  readonly version: string;
  readonly interfaces: Readonly<Record<string, DescribedInterface>>;
  readonly types: Readonly<Record<string, DescribedType>>;
  readonly objects: readonly { readonly name: string; readonly type: string; readonly interfaces: readonly string[] }[];
}

export function describe(parts: {
  readonly version: string;
  readonly types: readonly ObjectType[];
  /** What every object has besides. */
  readonly everyInterface: readonly InterfaceDecl[];
  readonly houseInterfaces: readonly InterfaceDecl[];
  readonly objects: readonly Published[];
}): Described & Readonly<Record<string, unknown>> {
  const interfaces = new Map<string, InterfaceDecl>();
  for (const i of [
    ...parts.types.flatMap(t => [...(t.interfaces as readonly InterfaceDecl[])]),
    ...parts.everyInterface,
    ...parts.houseInterfaces,
  ])
    interfaces.set(i.name, i);
  return {
    version: parts.version,
    interfaces: mapped([...interfaces], describeInterface),
    types: mapped(
      parts.types.map(t => [t.type, t] as const),
      describeType,
    ),
    objects: parts.objects.map(o => ({ name: o.name, type: o.type, interfaces: o.interfaces.map(i => i.name) })),
  };
}

/** Schemas carry functions and symbols for the compiler; JSON is what the world sees. */
export const plainSchema = (schema: TSchema): PlainSchema => JSON.parse(JSON.stringify(schema)) as PlainSchema;

/** What faces send for the result. */
export const resultSchema = (decl: FunctionDecl): PlainSchema =>
  isNothing(decl.result)
    ? { type: 'object', properties: { ok: { const: true } }, required: ['ok'] }
    : plainSchema(decl.result);

function describeInterface(i: InterfaceDecl): DescribedInterface {
  return {
    doc: i.doc,
    of: i.of ?? 'object',
    snake: i.snake,
    listed: i.listed ?? true,
    properties: mapped(Object.entries(i.properties), p => ({
      doc: p.doc,
      schema: plainSchema(p.schema),
      writable: p.writable ?? false,
      constant: p.constant ?? false,
    })),
    functions: mapped(functionsOf(i), describeFunction),
    signals: mapped(Object.entries(i.signals), s => ({ doc: s.doc, data: plainSchema(s.data) })),
  };
}

function describeFunction(decl: FunctionDecl): DescribedFunction {
  const required = (decl.params as { required?: readonly string[] }).required ?? [];
  return {
    doc: decl.doc,
    right: decl.right,
    parameters: Object.entries(decl.params.properties).map(([name, schema]) => ({
      name,
      required: required.includes(name),
      schema: plainSchema(schema),
    })),
    result: resultSchema(decl),
    ...(decl.http ? { http: decl.http } : {}),
    ...(decl.transport ? { transport: decl.transport } : {}),
  };
}

function describeType(t: ObjectType): DescribedType {
  return {
    summary: t.summary,
    aliases: t.aliases ?? [],
    interfaces: (t.interfaces as readonly InterfaceDecl[]).map(i => i.name),
    provides: (Object.values(t.provides) as { id: string }[]).map(c => c.id),
    consumes: (Object.values(t.consumes) as Need<unknown, unknown>[]).map(n => ({
      capability: n.capability.id,
      count: n.count,
    })),
    config: plainSchema(t.config),
  };
}

const mapped = <A, B>(entries: readonly (readonly [string, A])[], of: (a: A) => B): Record<string, B> =>
  Object.fromEntries(entries.map(([name, a]) => [name, of(a)]));
