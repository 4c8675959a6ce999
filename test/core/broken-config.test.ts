import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkConfiguration } from '#core/check';
import { problemLine } from '#core/problem';
import { toyTypes } from '#fake/types';

const check = (text: string, options: { strict?: boolean } = {}) =>
  checkConfiguration({
    documents: [{ name: 'c.json', text }],
    types: toyTypes,
    env: { PORT: 'hush', SECRET: 'sesame', EMPTY: '', NOT_JSON: '{"a":' },
    ...options,
  });

/** `at` is what stands at the place told; `line` what is told; a row that is no error ends in a configuration. */
const rows: [name: string, text: string, at: string, line: string, pointer: string, code: string][] = [
  [
    'a comma too many',
    '{"objects":[\n  {"type":"rtsp",}\n]}',
    '}',
    'c.json:2:18: error: a comma before "}"',
    '/objects/0',
    'syntax',
  ],
  [
    'a comma too few',
    '{"objects":[\n  {"type":"rtsp" "name":"cam1"}\n]}',
    '"name"',
    'c.json:2:18: error: expected "," or "}", got "\\""',
    '/objects/0',
    'syntax',
  ],
  [
    'a text that never ends',
    '{"objects":[\n  {"type":"rtsp}\n]}',
    '\n]',
    'c.json:2:17: error: a line break or control character inside a text',
    '/objects/0/type',
    'syntax',
  ],
  [
    'a document cut off',
    '{"objects":[',
    '',
    'c.json:1:13: error: expected a value, got the end of the text',
    '/objects/0',
    'syntax',
  ],
  [
    'a document that is an array',
    '[]',
    '[]',
    'c.json:1:1: error: expected an object with "objects" and "links", got an array of 0',
    '',
    'bad-value',
  ],
  [
    'objects that are no array',
    '{"objects":{}}',
    '{}}',
    'c.json:1:12: error: property objects: expected an array of objects, got an object',
    '/objects',
    'bad-value',
  ],
  [
    'an object that is a number',
    '{"objects":[7]}',
    '7',
    'c.json:1:13: error: expected an object with type and name, got 7',
    '/objects/0',
    'bad-value',
  ],
  [
    'a misspelt member of the document',
    '{"object":[]}',
    '"object"',
    'c.json:1:2: warning: property "object" of the document is unknown and ignored (objects)',
    '/object',
    'unknown-property',
  ],
  [
    'an unknown property has the nearest name as hint',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"transpor":["tcp"]}]}',
    '"transpor"',
    'c.json:2:1: warning: property "transpor" of "cam1" is unknown and ignored (transport)',
    '/objects/0/transpor',
    'unknown-property',
  ],
  [
    'an unknown property deep inside',
    '{"objects":[{"type":"storage","name":"stor0","folder":"f",\n"limits":{"max_size":1}}]}',
    '"max_size"',
    'c.json:2:11: warning: property "max_size" of "stor0" is unknown and ignored (max_size_gb)',
    '/objects/0/limits/max_size',
    'unknown-property',
  ],
  [
    'an unknown property inside a record of records',
    '{"objects":[{"type":"storage","name":"stor0","folder":"f",\n"tracks":{"cam1":{"limits":{},"limit":{}}}}]}',
    '"limit":',
    'c.json:2:31: warning: property "limit" of "stor0" is unknown and ignored (limits)',
    '/objects/0/tracks/cam1/limit',
    'unknown-property',
  ],
  [
    'an unknown property that may have been meant to protect',
    '{"objects":[{"type":"webserver","name":"web0","address":"127.0.0.1",\n"tsl":{"key":"k","certificate":"c"}}]}',
    '"tsl"',
    'c.json:2:1: error: webserver has no property "tsl", and ignoring it might open "web0" to others (tls)',
    '/objects/0/tsl',
    'access-property',
  ],
  [
    'an access list on a server, which has none',
    '{"objects":[{"type":"webserver","name":"web0","address":"127.0.0.1",\n"acl":[]}]}',
    '"acl"',
    'c.json:2:1: error: webserver has no property "acl", and ignoring it might open "web0" to others',
    '/objects/0/acl',
    'access-property',
  ],
  [
    'auth on a webserver points to authnz',
    '{"objects":[{"type":"webserver","name":"web0","address":"127.0.0.1",\n"auth":["admin","hunter2"]}]}',
    '"auth"',
    'c.json:2:1: error: property "auth" of "web0" does not protect it: that is the form before viinex 3.1 (declare an authnz object and link it with "web0")',
    '/objects/0/auth',
    'use-authnz',
  ],
  [
    'a removed property has its advice',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"multicast":true}]}',
    '"multicast"',
    'c.json:2:1: error: property "multicast" of "cam1" exists no more (put "multicast" into "transport")',
    '/objects/0/multicast',
    'removed-property',
  ],
  [
    'a value of the wrong type',
    '{"objects":[{"type":"storage","name":"stor0","folder":"f",\n"limits":{"max_size_gb":"big"}}]}',
    '"big"',
    'c.json:2:25: error: property limits.max_size_gb of "stor0": expected a number from 0, got "big"',
    '/objects/0/limits/max_size_gb',
    'bad-value',
  ],
  [
    'a value out of range',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"port":70000}]}',
    '70000',
    'c.json:2:8: error: property port of "cam1": expected an integer from 1 to 65535, got 70000',
    '/objects/0/port',
    'bad-value',
  ],
  [
    'a word that is not one of the words',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"transport":["tcp","utp"]}]}',
    '"utp"',
    'c.json:2:20: error: property transport[1] of "cam1": expected one of "tcp", "udp", got "utp"',
    '/objects/0/transport/1',
    'bad-value',
  ],
  [
    'a text from a variable where a number is wanted is named, not shown',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"port":"$(env.PORT)"}]}',
    '"$(env.PORT)"',
    'c.json:2:8: error: property port of "cam1": expected an integer from 1 to 65535, got a text from "$(env.PORT)" ($(env@json.PORT) gives a value that is not a text)',
    '/objects/0/port',
    'bad-value',
  ],
  [
    'a missing property is told at its object',
    '{"objects":[\n{"type":"storage","name":"stor0"}]}',
    '{"type"',
    'c.json:2:1: error: property folder of "stor0" is missing: expected a text that is not empty',
    '/objects/0',
    'missing-property',
  ],
  [
    'a rule that a schema cannot express',
    '{"objects":[\n{"type":"rtsp","name":"cam1"}]}',
    '{"type"',
    'c.json:2:1: error: one of "url" and "host" is required',
    '/objects/0',
    'missing-property',
  ],
  [
    'the alternative of a union that was meant is explained',
    '{"objects":[{"type":"authnz","name":"auth0",\n"accounts":[{"type":"apikey","key":"ci"}]}]}',
    '{"type":"apikey"',
    'c.json:2:13: error: property accounts[0].secret of "auth0" is missing: expected a text',
    '/objects/0/accounts/0',
    'missing-property',
  ],
  [
    'an alternative that does not exist',
    '{"objects":[{"type":"authnz","name":"auth0",\n"accounts":[{"type":"pasword","login":"a","password":"hunter2"}]}]}',
    '"pasword"',
    'c.json:2:21: error: property accounts[0].type of "auth0": expected one of "apikey", "password", got "pasword"',
    '/objects/0/accounts/0/type',
    'bad-value',
  ],
  [
    'a wrong item of a pair',
    '{"objects":[{"type":"authnz","name":"auth0",\n"roles":[[["admin"],"boss"],["guard",1]]}]}',
    '1]]',
    'c.json:2:38: error: property roles[1][1] of "auth0": expected a text, got 1',
    '/objects/0/roles/1/1',
    'bad-value',
  ],
  [
    'a secret of the wrong type is not shown',
    '{"objects":[{"type":"authnz","name":"auth0",\n"secret":["hunter2hunter2hunter2"]}]}',
    '["hunter2',
    'c.json:2:10: error: property secret of "auth0": expected a text, got an array of 1',
    '/objects/0/secret',
    'bad-value',
  ],
  [
    'login and password in one text are not shown',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"auth":"admin:hunter2"}]}',
    '"admin:hunter2"',
    'c.json:2:8: error: property auth of "cam1": expected an array [a text or null, a text or null] or null, got a text',
    '/objects/0/auth',
    'bad-value',
  ],
  [
    'meta that is no object',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"meta":"Yard"}]}',
    '"Yard"',
    'c.json:2:8: error: property meta of "cam1": expected an object, got "Yard"',
    '/objects/0/meta',
    'bad-value',
  ],
  [
    'an unknown type has the nearest type as hint',
    '{"objects":[\n{"type":"stroage","name":"stor0"}]}',
    '"stroage"',
    'c.json:2:9: error: type "stroage" is unknown (storage)',
    '/objects/0/type',
    'unknown-type',
  ],
  [
    'a type of the catalogue that this build lacks',
    '{"objects":[\n{"type":"h264sourceplugin","name":"cam1"}]}',
    '"h264sourceplugin"',
    'c.json:2:9: error: type "h264sourceplugin" is not available in this build',
    '/objects/0/type',
    'type-not-available',
  ],
  [
    'an object without a type',
    '{"objects":[\n{"rem type":"rtsp","name":"cam1"}]}',
    '{"rem',
    'c.json:2:1: error: object without "type", expected a text',
    '/objects/0',
    'missing-property',
  ],
  [
    'two objects with one name',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a"},\n{"type":"rtsp","name":"cam1","host":"b"}]}',
    '"cam1","host":"b"',
    'c.json:2:23: error: two objects are called "cam1"; the first is at c.json:1',
    '/objects/1/name',
    'duplicate-name',
  ],
  [
    'a malformed name',
    '{"objects":[\n{"type":"rtsp","name":"front yard","host":"a"}]}',
    '"front yard"',
    'c.json:2:23: error: name "front yard": expected 1 to 128 letters (A-Z, a-z), digits, "_" or "-"',
    '/objects/0/name',
    'bad-name',
  ],
  [
    'a reserved name',
    '{"objects":[\n{"type":"storage","name":"meta","folder":"f"}]}',
    '"meta"',
    'c.json:2:26: error: no object may be called "meta": it would hide /v1/svc/meta',
    '/objects/0/name',
    'reserved-name',
  ],
  [
    'a name reserved for what is no source',
    '{"objects":[\n{"type":"rtsp","name":"retention","host":"a"}]}',
    '"retention"',
    'c.json:2:23: error: no source may be called "retention": it would hide the retention of a storage',
    '/objects/0/name',
    'reserved-name',
  ],
  [
    'a name that procedures of the daemon hide',
    '{"objects":[\n{"type":"rtsp","name":"health","host":"a"}]}',
    '"health"',
    `c.json:2:23: warning: object "health" cannot be called over WAMP: the daemon's own procedures have that name`,
    '/objects/0/name',
    'hidden-name',
  ],
  [
    'two names that fold to one',
    '{"objects":[{"type":"rtsp","name":"Cam1-Raw","host":"a"},\n{"type":"rtsp","name":"cam1_raw","host":"a"}]}',
    '"cam1_raw"',
    'c.json:2:23: warning: names "Cam1-Raw" and "cam1_raw" cannot be told apart where names are folded to lower snake case',
    '/objects/1/name',
    'similar-names',
  ],
  [
    'a link item that is no name',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a"}],\n"links":[["cam1",{"a":1}]]}',
    '{"a"',
    'c.json:2:18: error: link item: expected a name or an array of names, got an object',
    '/links/0/1',
    'bad-link',
  ],
  [
    'a set inside a set',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a"}],\n"links":[["cam1",[["cam1"]]]]}',
    '["cam1"]]]',
    'c.json:2:19: error: link item: expected a name, got an array of 1',
    '/links/0/1/0',
    'bad-link',
  ],
  [
    'a link that is a name',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a"}],\n"links":["cam1"]}',
    '"cam1"]}',
    'c.json:2:10: error: link: expected an array of names and sets of names, got "cam1"',
    '/links/0',
    'bad-link',
  ],
  [
    'a link to nobody has the nearest name as hint',
    '{"objects":[{"type":"rtsp","name":"cam0","host":"a"}],\n"links":[["cam0",["cam0","cam9"]]]}',
    '"cam9"',
    'c.json:2:26: error: link names "cam9", but no object has this name (cam0)',
    '/links/0/1/1',
    'unknown-name',
  ],
  [
    'a second authnz at one server',
    '{"objects":[{"type":"authnz","name":"a1"},{"type":"authnz","name":"a2"},\n{"type":"webserver","name":"web0"}],"links":[["web0",["a2","a1"]]]}',
    '"web0"}',
    'c.json:2:28: error: "web0" is linked with 2 authnz objects (a1, a2), expected at most one',
    '/objects/2/name',
    'link-count',
  ],
  [
    'a property given twice',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"host":"b"}]}',
    '"host":"b"',
    'c.json:2:1: warning: property "host" stands twice in one object; the last one counts',
    '/objects/0/host',
    'duplicate-property',
  ],
  [
    'credentials inside a url are not shown',
    '{"objects":[{"type":"rtsp","name":"cam1",\n"url":"rtsp://admin:hunter2@10.0.0.1/sub"}]}',
    '"rtsp://admin',
    'c.json:2:7: warning: credentials inside the url of "cam1": they are moved to "auth"',
    '/objects/0/url',
    'url-credentials',
  ],
  [
    'a server without authnz on every address',
    '{"objects":[\n{"type":"webserver","name":"web0"}]}',
    '{"type"',
    'c.json:2:1: warning: "web0" is open to everyone who can reach it: it is linked with no authnz (link an authnz object, or set "address" to "127.0.0.1")',
    '/objects/0',
    'open-to-everyone',
  ],
  [
    'an empty secret',
    '{"objects":[{"type":"authnz","name":"auth0",\n"secret":"$(env.EMPTY)"}]}',
    '"$(env.EMPTY)"',
    'c.json:2:10: error: secret of "auth0" is empty',
    '/objects/0/secret',
    'empty-secret',
  ],
  [
    'a secret that can be guessed',
    '{"objects":[{"type":"authnz","name":"auth0",\n"secret":"$(env.SECRET)"}]}',
    '"$(env.SECRET)"',
    'c.json:2:10: warning: secret of "auth0" is shorter than 16 bytes and can be guessed',
    '/objects/0/secret',
    'weak-secret',
  ],
  [
    'ice servers that clients are not told',
    '{"objects":[{"type":"webrtc","name":"rtc0","meta":{"name":"x"},\n"stunsrv":3478}]}',
    '3478',
    'c.json:2:11: hint: "rtc0" has "stunsrv", but its meta does not tell clients which servers to use (meta is handed to clients verbatim and is not derived from the properties)',
    '/objects/0/stunsrv',
    'webrtc-meta',
  ],
  [
    'a need that no link meets',
    '{"objects":[\n{"type":"recctl","name":"rec1"}]}',
    '{"type"',
    'c.json:2:1: warning: "rec1" needs media-storage and is linked with no object that provides it',
    '/objects/0',
    'link-missing',
  ],
  [
    'a variable that is not set',
    '{"objects":[{"type":"rtsp","name":"cam1",\n"host":"$(env.CAM)"}]}',
    '"$(env.CAM)"',
    'c.json:2:8: error: environment variable "CAM" is not set',
    '/objects/0/host',
    'no-variable',
  ],
  [
    'a file that cannot be read',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"auth":["admin","$(file.etc/cam1.pass)"]}]}',
    '"$(file',
    'c.json:2:17: error: file "etc/cam1.pass" cannot be read',
    '/objects/0/auth/1',
    'no-file',
  ],
  [
    'a variable that is no JSON',
    '{"objects":[{"type":"rtsp","name":"cam1","host":"a",\n"port":"$(env@json.NOT_JSON)"}]}',
    '"$(env@json',
    'c.json:2:8: error: environment variable "NOT_JSON" is not JSON: it is used as env@json',
    '/objects/0/port',
    'bad-json',
  ],
];

describe('one problem each', () => {
  for (const [name, text, at, line, pointer, code] of rows)
    test(name, () => {
      const { problems, configuration } = check(text);
      assert.deepEqual(problems.map(problemLine), [line]);
      const [problem] = problems;
      assert.ok(problem);
      assert.deepEqual([problem.pointer, problem.code], [pointer, code]);
      assert.ok(
        text
          .split('\n')
          .slice(problem.line - 1)
          .join('\n')
          .slice(problem.column - 1)
          .startsWith(at),
      );
      assert.equal(configuration === undefined, problem.severity === 'error');
      assert.doesNotMatch(JSON.stringify(problems), /hunter2|sesame|hush/);
    });
});

test('a registry without authnz is refused on loopback too', () => {
  const { problems, configuration } = check(
    '{"objects":[{"type":"webserver","name":"web0","address":"::1",\n"objects":{"scope":"registry"}}]}',
  );
  assert.deepEqual(problems.map(problemLine), [
    'c.json:2:1: warning: property "objects" of "web0" is unknown and ignored',
    'c.json:2:20: error: "web0" publishes every object (scope "registry") and is linked with no authnz',
  ]);
  assert.equal(configuration, undefined);
});

test('all problems of all documents are told, in order of documents and places', () => {
  const documents = [
    {
      name: 'b.json',
      text: '{"objects":[\n{"type":"rtsp","name":"cam1","port":0},\n{"type":"nothing","name":"x y"}]}',
    },
    { name: 'a.json', text: '{"links":[["cam1","cam2"]]}' },
  ];
  const { problems } = checkConfiguration({ documents, types: toyTypes });
  assert.deepEqual(
    problems.map(p => [p.file, p.line, p.code]),
    [
      ['b.json', 2, 'bad-value'],
      ['b.json', 3, 'unknown-type'],
      ['b.json', 3, 'bad-name'],
      ['a.json', 1, 'unknown-name'],
    ],
  );
});

test('links are not blamed for objects of a document that cannot be read', () => {
  const documents = [
    { name: 'a.json', text: '{"objects":[' },
    { name: 'b.json', text: '{"links":[["cam1","web0"]]}' },
  ];
  assert.deepEqual(
    checkConfiguration({ documents, types: toyTypes }).problems.map(p => p.code),
    ['syntax'],
  );
});

test('strict turns warnings into errors and leaves hints', () => {
  const { problems, configuration } = check('{"objects":[{"type":"webrtc","name":"r","stunsrv":1,"frob":2}]}', {
    strict: true,
  });
  assert.deepEqual(
    problems.map(p => p.severity),
    ['hint', 'error'],
  );
  assert.equal(configuration, undefined);
});

test('a configuration of nothing but problems has a bounded list of them', () => {
  const { problems } = check(`{"links":[${Array.from({ length: 5000 }, () => '1').join()}]}`);
  assert.equal(problems.length, 1001);
  assert.equal(problems.at(-1)?.reason, '4000 further problems are not listed');
});
