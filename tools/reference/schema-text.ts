/** What a schema takes, in a few words for a table: `integer 1 to 65535`, `"fmp4" or "ts"`, `array of text`. */
import { isNothing, keywordsOf, type TSchema } from '#core/schema';
import { alternativesOf, constantsOf } from '#core/schema-walk';

type JsonSchema = Readonly<Record<string, unknown>>;

export function typeText(schema: TSchema): string {
  if (isNothing(schema)) return 'nothing';
  const { binary, interval } = keywordsOf(schema);
  if (binary !== undefined) return `media, \`${binary}\``;
  if (interval) return 'interval `[begin, end]`, each a time or null';
  const constants = constantsOf(schema);
  if (constants) return constants.map(c => `\`${JSON.stringify(c)}\``).join(' or ');
  const alternatives = alternativesOf(schema);
  if (alternatives.length > 0) return [...new Set(alternatives.map(typeText))].join(' or ');
  const s = schema as JsonSchema;
  switch (s['type']) {
    case 'integer':
    case 'number':
      return `${s['type']}${rangeText(s)}`;
    case 'string':
      return stringText(s);
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array':
      return arrayText(s);
    case 'object':
      return tableText(s) ?? 'object';
    default:
      return 'any JSON';
  }
}

function rangeText(s: JsonSchema): string {
  const low = s['minimum'] !== undefined ? `${s['minimum']}` : undefined;
  const above = s['exclusiveMinimum'] !== undefined ? `above ${s['exclusiveMinimum']}` : undefined;
  const high = s['maximum'] !== undefined ? `${s['maximum']}` : undefined;
  const step = s['multipleOf'] === undefined ? '' : `, a multiple of ${s['multipleOf']}`;
  if (low !== undefined && high !== undefined) return ` ${low} to ${high}${step}`;
  const parts = [above, low && `at least ${low}`, high && `at most ${high}`].filter(p => p !== undefined);
  return parts.length === 0 ? step : ` ${parts.join(', ')}${step}`;
}

function stringText(s: JsonSchema): string {
  if (s['format'] === 'time-input' || s['format'] === 'date-time') return 'time';
  if (s['pattern'] !== undefined) return `text like \`${s['pattern']}\``;
  if (s['contentEncoding'] === 'base64') return 'text, base64';
  if (s['maxLength'] !== undefined) return `text, at most ${s['maxLength']} characters`;
  return s['minLength'] === 1 ? 'text, not empty' : 'text';
}

function arrayText(s: JsonSchema): string {
  const { items, minItems, maxItems } = s as { items?: TSchema | TSchema[]; minItems?: number; maxItems?: number };
  if (Array.isArray(items)) return `[${items.map(typeText).join(', ')}]`;
  const of = items === undefined ? 'any JSON' : typeText(items);
  const of2 = of.includes(' or ') ? `(${of})` : of;
  if (minItems !== undefined && minItems === maxItems) return `array of ${minItems}, each ${of2}`;
  return `array of ${of2}${minItems === undefined || minItems === 0 ? '' : `, at least ${minItems}`}`;
}

/** A record: any name, one schema. */
function tableText(s: JsonSchema): string | undefined {
  const schemas = Object.values((s['patternProperties'] ?? {}) as Record<string, TSchema>);
  const additional = s['additionalProperties'];
  if (typeof additional === 'object') schemas.push(additional as TSchema);
  const [first] = schemas;
  return first && s['properties'] === undefined ? `table: NAME to ${typeText(first)}` : undefined;
}
