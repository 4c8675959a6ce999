/**
 * Own keywords on TypeBox schemas. One schema value is at once the static type, the
 * validator, the default, the documentation and the cost of change of a field.
 *
 *   live      may change without recreating the object (config.md 6.3); without it a change recreates
 *   secret    never printed, logged or returned (config.md 3.2 rule 6)
 *   unit      of a number whose name does not say it, because viinex fixed the name
 *   interval  `[begin, end]`, each a time or null; over HTTP it is spelled `?begin=&end=` (api.md 2.3)
 *   binary    the value is media: its content type; JSON-only faces get the `_base64` form (api.md 1.1)
 */

import Type, { type Static, type TObject, type TSchema, type TSchemaOptions } from 'typebox';
import type { MediaAnswer } from '#core/bytes';

export type { Static, TObject, TSchema };
export { Type };

export interface Keywords {
  readonly live?: boolean;
  readonly secret?: boolean;
  readonly unit?: string;
  readonly interval?: boolean;
  readonly binary?: string;
}

/** The own keywords of a schema; absent ones read as undefined. */
export const keywordsOf = (schema: TSchema): Keywords & { readonly description?: string; readonly default?: unknown } =>
  schema as Keywords & { description?: string; default?: unknown };

/** A point in time as callers write it: ISO 8601, with `Z` or an offset, or milliseconds since the epoch. */
export const Time = Type.String({ format: 'time-input', description: 'ISO 8601 or milliseconds since the epoch' });

/** `[begin, end)`; null or a missing member is open (api.md 2.3). */
export const Interval = Type.Unsafe<readonly [begin: string | null, end: string | null]>({
  type: 'array',
  items: { type: ['string', 'null'] },
  minItems: 0,
  maxItems: 2,
  interval: true,
  description: '[begin, end): begin included, end excluded, null = open',
});

/** A point in time as we write it: ISO 8601 UTC with exactly three fraction digits. */
export const IsoTime = Type.String({ format: 'date-time', description: 'ISO 8601 UTC, milliseconds' });

/** Such a value or null; `options` are keywords of the whole (`description`, `live` ...). */
export const Nullable = <T extends TSchema>(schema: T, options: TSchemaOptions & Keywords = {}) =>
  Type.Union([schema, Type.Null()], options);

/** A binary result of the content type given: the bytes, or an answer that has headers beside them. */
export const Binary = (contentType: string) =>
  Type.Unsafe<Uint8Array | MediaAnswer>({ binary: contentType, description: contentType });

/** The result of a function that has none; faces that must send something send `{"ok":true}` (api.md 2.1). */
export const Nothing = Type.Void();

/** Whether a function with this result has none. */
export const isNothing = (schema: TSchema): boolean => {
  const { type } = schema as { type?: unknown };
  return type === 'void' || type === 'undefined';
};
