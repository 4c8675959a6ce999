/**
 * The OpenAPI 3.1 document of the whole API, made from what `describe` says; the objects of
 * this server are the examples (docs/spec/api.md 3). Interfaces share paths below
 * `/v1/svc/{object}` (`GET` of a source and of a storage): OpenAPI knows one operation per path
 * and verb, so such operations are joined, each answer one of several.
 */
import type { Described, DescribedFunction, PlainSchema } from './describe.ts';

type Json = Record<string, unknown>;

interface Operation {
  summary: string;
  description: string;
  tags: string[];
  parameters: Json[];
  requestBody?: Json;
  responses: Json;
  'x-right': string[];
}

const reply = (description: string, schema: PlainSchema): Json => ({
  description,
  content: { 'application/json': { schema } },
});

const failed: Json = {
  description: 'What was expected, what came, where.',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};

/** The document, as plain data. */
export function openApi(described: Described): Json {
  const paths = new Map<string, { template: string; verbs: Map<string, Operation> }>();
  const add = (template: string, verb: string, operation: Operation): void => {
    // Templates that differ only in the names of their parameters are one path.
    const key = template.replace(/\{\w+\}/g, '{}');
    const path = paths.get(key) ?? { template, verbs: new Map() };
    paths.set(key, path);
    const renamed = renameParameters(operation, template, path.template);
    const before = path.verbs.get(verb);
    path.verbs.set(verb, before ? joined(before, renamed) : renamed);
  };

  for (const [template, verb, summary, schema] of services) add(template, verb, serviceOperation(summary, schema));
  for (const [interfaceName, i] of Object.entries(described.interfaces)) {
    const objects = described.objects.filter(o => o.interfaces.includes(interfaceName)).map(o => o.name);
    for (const [name, f] of Object.entries(i.functions)) {
      const root = i.of === 'house' ? '/v1/env' : '/v1/svc/{object}';
      const asked = i.of === 'house' ? undefined : objects;
      if (f.http) {
        const verbs = f.http.verb === 'ANY' ? ['get', 'post', 'put', 'patch', 'delete'] : [f.http.verb.toLowerCase()];
        const path = f.http.path.replace(/^\//, '').replace(/\*\}/g, '}');
        for (const verb of verbs)
          add(`${root}${path === '' ? '' : `/${path}`}`, verb, boundOperation(interfaceName, name, f, verb, asked));
      }
      if (f.transport !== 'stream')
        add(`${root}/${interfaceName}/${name}`, 'post', genericOperation(interfaceName, name, f, asked));
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Ocellus', version: described.version },
    paths: Object.fromEntries([...paths.values()].map(p => [p.template, Object.fromEntries(p.verbs)])),
    components: {
      schemas: {
        Error: {
          type: 'object',
          properties: { code: { type: 'string' }, reason: { type: 'string' } },
          required: ['code', 'reason'],
        },
      },
    },
  };
}

const anything: PlainSchema = {};
const services: readonly [template: string, verb: string, summary: string, schema: PlainSchema][] = [
  [
    '/v1/svc',
    'get',
    'Interfaces and objects, as pairs.',
    { type: 'array', items: { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 } },
  ],
  ['/v1/svc/meta', 'get', 'The meta of each object that has one.', { type: 'object', additionalProperties: anything }],
  ['/v1/describe', 'get', 'Interfaces, types and objects.', { type: 'object' }],
  ['/v1/schema', 'get', 'JSON Schema of a configuration document.', { type: 'object' }],
  ['/v1/openapi.json', 'get', 'This document.', { type: 'object' }],
  [
    '/v1/health',
    'get',
    'Whether the objects work.',
    {
      type: 'object',
      properties: { status: { enum: ['ok', 'degraded', 'failed'] } },
      required: ['status'],
    },
  ],
  [
    '/v1/config/plan',
    'post',
    'What a reload would do.',
    {
      type: 'object',
      properties: { hash: { type: 'string' }, steps: { type: 'array' } },
      required: ['hash', 'steps'],
    },
  ],
];

const serviceOperation = (summary: string, schema: PlainSchema): Operation => ({
  summary,
  description: summary,
  tags: ['service'],
  parameters: [],
  responses: { 200: reply(summary, schema), default: failed },
  'x-right': ['read'],
});

/** Nothing for what is the house's. */
const objectParameters = (objects: readonly string[] | undefined): Json[] =>
  objects === undefined ? [] : [objectParameter(objects)];

const objectParameter = (objects: readonly string[]): Json => ({
  name: 'object',
  in: 'path',
  required: true,
  description: 'Name of the object.',
  schema: { type: 'string' },
  ...(objects.length > 0 ? { examples: Object.fromEntries(objects.map(o => [o, { value: o }])) } : {}),
});

function boundOperation(
  interfaceName: string,
  name: string,
  f: DescribedFunction,
  verb: string,
  objects: readonly string[] | undefined,
): Operation {
  const inPath = new Set([...(f.http?.path ?? '').matchAll(/\{(\w+)\*?\}/g)].map(m => m[1]));
  const fromQuery = verb === 'get' || verb === 'delete';
  const body = f.http?.body ?? 'args';
  const bodyName = typeof body === 'object' && body !== null ? Object.values(body as Json)[0] : undefined;
  const parameters: Json[] = objectParameters(objects);
  for (const p of f.parameters) {
    if (inPath.has(p.name)) parameters.push({ name: p.name, in: 'path', required: true, schema: p.schema });
    else if (p.schema['interval'] || intervalBranch(p.schema)) {
      if (fromQuery)
        for (const bound of ['begin', 'end'])
          parameters.push({ name: bound, in: 'query', required: false, schema: { type: 'string' } });
    } else if (fromQuery || (bodyName !== undefined && p.name !== bodyName))
      parameters.push({ name: p.name, in: 'query', required: p.required, schema: p.schema });
  }
  const operation = operationOf(interfaceName, name, f, parameters);
  if (fromQuery) return operation;
  if (typeof body === 'object' && body !== null && 'stream' in body)
    return { ...operation, requestBody: { content: { [String(body.stream)]: {} } } };
  const whole = f.parameters.find(p => p.name === bodyName);
  const isText = typeof body === 'object' && body !== null && 'text' in body;
  const schema = whole?.schema ?? namedSchema(f, p => !inPath.has(p.name));
  return { ...operation, requestBody: { content: { [isText ? 'text/plain' : 'application/json']: { schema } } } };
}

function genericOperation(
  interfaceName: string,
  name: string,
  f: DescribedFunction,
  objects: readonly string[] | undefined,
): Operation {
  const schema = {
    anyOf: [namedSchema(f, () => true), { type: 'array', prefixItems: f.parameters.map(p => p.schema) }],
  };
  return {
    ...operationOf(interfaceName, name, f, objectParameters(objects)),
    requestBody: { content: { 'application/json': { schema } } },
  };
}

const intervalBranch = (schema: PlainSchema): boolean =>
  Array.isArray(schema['anyOf']) && schema['anyOf'].some(s => (s as PlainSchema)['interval'] === true);

function namedSchema(f: DescribedFunction, which: (p: DescribedFunction['parameters'][number]) => boolean): Json {
  const some = f.parameters.filter(which);
  return {
    type: 'object',
    properties: Object.fromEntries(some.map(p => [p.name, p.schema])),
    required: some.filter(p => p.required).map(p => p.name),
  };
}

function operationOf(interfaceName: string, name: string, f: DescribedFunction, parameters: Json[]): Operation {
  const binary = f.result['binary'];
  const media = f.transport === 'stream' ? '*/*' : typeof binary === 'string' ? binary : undefined;
  return {
    summary: `${interfaceName}.${name}`,
    description: f.doc,
    tags: [interfaceName],
    parameters,
    responses: {
      200: media === undefined ? reply(f.doc, f.result) : { description: f.doc, content: { [media]: {} } },
      default: failed,
    },
    'x-right': [f.right],
  };
}

/** The same path was written with other parameter names first: those stay. */
function renameParameters(operation: Operation, from: string, to: string): Operation {
  const names = (t: string): string[] => [...t.matchAll(/\{(\w+)\}/g)].map(m => m[1] ?? '');
  const [before, after] = [names(from), names(to)];
  return {
    ...operation,
    parameters: operation.parameters.map(p =>
      p['in'] === 'path' ? { ...p, name: after[before.indexOf(String(p['name']))] ?? p['name'] } : p,
    ),
  };
}

function joined(a: Operation, b: Operation): Operation {
  const parameters = new Map<string, Json>();
  for (const p of [...a.parameters, ...b.parameters]) {
    const key = `${p['in']} ${p['name']}`;
    const before = parameters.get(key);
    const everywhere = [a, b].every(o => o.parameters.some(q => `${q['in']} ${q['name']}` === key));
    parameters.set(key, {
      ...p,
      ...(before?.['examples'] || p['examples']
        ? { examples: { ...(before?.['examples'] as Json), ...(p['examples'] as Json) } }
        : {}),
      required: p['in'] === 'path' || (everywhere && (before ?? p)['required'] === true && p['required'] === true),
    });
  }
  return {
    summary: `${a.summary}, ${b.summary}`,
    description: `${a.description}\n\n${b.description}`,
    tags: [...new Set([...a.tags, ...b.tags])],
    parameters: [...parameters.values()],
    ...(a.requestBody || b.requestBody ? { requestBody: joinedContent(a.requestBody, b.requestBody) } : {}),
    responses: {
      200: { description: 'One of several.', ...joinedContent(a.responses[200] as Json, b.responses[200] as Json) },
      default: failed,
    },
    'x-right': [...new Set([...a['x-right'], ...b['x-right']])],
  };
}

function joinedContent(a: Json | undefined, b: Json | undefined): Json {
  const content: Record<string, Json> = {};
  for (const part of [a, b])
    for (const [type, media] of Object.entries((part?.['content'] ?? {}) as Record<string, Json>)) {
      const schemas = [content[type]?.['schema'], media['schema']].filter(s => s !== undefined) as Json[];
      const flat = schemas.flatMap(s => (Array.isArray(s['anyOf']) ? (s['anyOf'] as Json[]) : [s]));
      content[type] = flat.length > 1 ? { schema: { anyOf: flat } } : flat.length === 1 ? { schema: flat[0] } : {};
    }
  return { content };
}
