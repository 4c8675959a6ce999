/**
 * Documents to a checked configuration, or to every problem they have (docs/spec/config.md
 * 2 to 5). First form: JSON, schemas, names and links; places are those of the document.
 */
import { Ajv, type ValidateFunction } from 'ajv';
import type { Checked, CheckedObject, Document } from '#core/configuration';
import type { ObjectType } from '#core/define';
import { bind, pairsOf } from '#core/graph';
import { deepFreeze, isObject, type JsonObject } from '#core/json-value';
import type { Problem } from '#core/problem';

export interface CheckOptions {
  readonly documents: readonly Document[];
  /** The types of this build. */
  readonly types: readonly ObjectType[];
  /** Warnings become errors. */
  readonly strict?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Merged variables files. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Text of the files that `neededFiles` named, by that name; what is missing could not be read. */
  readonly files?: ReadonlyMap<string, string>;
}

/** Paths of `$(file.PATH)` in the documents, as written there: what `files` must hold. */
export function neededFiles(documents: readonly Document[]): readonly string[] {
  return [...new Set(documents.flatMap(d => [...d.text.matchAll(/\$\(file\.([^()"]+)\)/g)].map(m => m[1] ?? '')))];
}

export function checkConfiguration(options: CheckOptions): Checked {
  const problems: Problem[] = [];
  const objects: CheckedObject[] = [];
  const links: string[][][] = [];
  const ajv = new Ajv({
    allErrors: true,
    useDefaults: true,
    strict: false,
    formats: { 'time-input': true, 'date-time': true },
  });
  const byType = new Map(options.types.flatMap(t => [t.type, ...(t.aliases ?? [])].map(name => [name, t] as const)));
  const validators = new Map<string, ValidateFunction>();
  for (const { name: file, text } of options.documents) {
    const problem = (pointer: string, code: string, reason: string): void =>
      void problems.push({ severity: 'error', code, file, line: 1, column: 1, pointer, reason });
    let root: unknown;
    try {
      root = JSON.parse(text);
    } catch (e) {
      problem('', 'syntax', String(e));
      continue;
    }
    const document = isObject(root) ? root : {};
    for (const [index, object] of (Array.isArray(document['objects']) ? document['objects'] : []).entries()) {
      const pointer = `/objects/${index}`;
      const { type: typeName, name, meta, ...config } = object as JsonObject;
      const type = byType.get(String(typeName));
      if (!type) {
        problem(pointer, 'unknown-type', `type ${JSON.stringify(typeName)} is unknown`);
        continue;
      }
      const validate = validators.get(type.type) ?? ajv.compile(type.config);
      validators.set(type.type, validate);
      if (!validate(config)) problem(pointer, 'bad-value', ajv.errorsText(validate.errors));
      objects.push({
        name: String(name),
        type: type.type,
        config: deepFreeze(config),
        meta: isObject(meta) ? deepFreeze(meta) : undefined,
        place: { file, line: 1, column: 1, pointer },
      });
    }
    for (const link of (Array.isArray(document['links']) ? document['links'] : []) as (string | string[])[][])
      links.push(link.map(item => (typeof item === 'string' ? [item] : item)));
  }
  const pairs = pairsOf(links) ?? [];
  const nodes = objects.flatMap(o => {
    const type = byType.get(o.type);
    return type ? [{ name: o.name, type }] : [];
  });
  const { bindings } = bind(nodes, pairs);
  if (problems.length > 0) return { problems };
  return { problems, configuration: deepFreeze({ objects, pairs, bindings }) };
}
