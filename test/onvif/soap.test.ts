import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { soap, soapFault } from '#fake/onvif';
import { isLoginFault, isUnknownAction, readEnvelope, writeEnvelope } from '#onvif/soap';
import { booleanOf, escapeXml, numberOf, parseXml, textAt, writeXml } from '#onvif/xml';

const attributes = (count: number): string => Array.from({ length: count }, (_, i) => `a${i}=""`).join(' ');

describe('parseXml', () => {
  const cases: [name: string, text: string, a: string | undefined][] = [
    ['prefixes do not matter', '<x:r xmlns:x="u"><y:a xmlns:y="v">1</y:a></x:r>', '1'],
    ['a prefix that nobody declared is put up with', '<r><tt:a>1</tt:a></r>', '1'],
    [
      'blanks around text and before the declaration are cut off',
      '\r\n <?xml version="1.0"?><r><a>\n 1 \n</a></r>',
      '1',
    ],
    ['the five entities and numbers are known', '<r><a>&lt;&amp;&gt;&#65;</a></r>', '<&>A'],
    ['an entity of a DTD does not expand', '<!DOCTYPE r [<!ENTITY x "boom">]><r><a>&x;</a></r>', '&x;'],
    [
      'an external entity is not fetched',
      '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><a>&x;</a></r>',
      '&x;',
    ],
    ['a bare & is put up with', '<r><b>A & B</b><a>1</a></r>', '1'],
    ['CDATA is text', '<r><a><![CDATA[<1>]]></a></r>', '<1>'],
    ['what follows the document is ignored', '<r><a>1</a></r><r><a>2</a></r>', '1'],
    ['a document that does not end is none', '<r><a>1</a>', undefined],
    ['a page of HTML that never closes is none', '<html><body><p>404<br></body></html>', undefined],
    ['no text is none', '', undefined],
    ['65 elements deep are too deep', `${'<r>'.repeat(65)}${'</r>'.repeat(65)}`, undefined],
    ['99 mistakes are put up with', `<r>${'&;'.repeat(49)}${'\u0001'.repeat(50)}<a>1</a></r>`, '1'],
    ['101 mistakes are too many', `<r>${'\u0001'.repeat(101)}<a>1</a></r>`, undefined],
    ['200 attributes are put up with', `<r><a ${attributes(200)}>1</a></r>`, '1'],
    ['201 attributes are too many', `<r><a ${attributes(201)}>1</a></r>`, undefined],
    ['attributes are counted element by element', `<r ${attributes(200)}><b ${attributes(200)}/><a>1</a></r>`, '1'],
    ['20001 elements are too many', `<r>${'<a/>'.repeat(20_000)}</r>`, undefined],
  ];
  for (const [name, text, a] of cases) test(name, () => assert.equal(textAt(parseXml(text), 'a'), a));

  test('an element is written back with its namespace, whatever prefix it came with', () => {
    const id = parseXml('<p:Id xmlns:p="urn:x" p:n="&quot;"><p:in>1&amp;2</p:in></p:Id>');
    assert.equal(id && writeXml(id), '<Id xmlns="urn:x" n="&#34;"><in xmlns="urn:x">1&#38;2</in></Id>');
  });

  const texts: [text: string, boolean: boolean | undefined, number: number | undefined][] = [
    ['true', true, undefined],
    ['0', false, 0],
    [' TRUE ', true, undefined],
    ['yes', undefined, undefined],
    ['-1.5e1', undefined, -15],
    ['0x10', undefined, undefined],
    ['Infinity', undefined, undefined],
  ];
  for (const [text, boolean, number] of texts)
    test(`"${text}" is ${boolean} as a boolean and ${number} as a number`, () =>
      assert.deepEqual([booleanOf(text), numberOf(text)], [boolean, number]));
});

describe('envelopes', () => {
  test('the digest of a UsernameToken is that of the profile (ONVIF Programmer’s Guide, 6.1)', () => {
    const nonce = Uint8Array.from(atob('LKqI6G/AikKCQrN0zqZFlg=='), c => c.charCodeAt(0));
    const createdMs = Date.UTC(2010, 8, 16, 7, 50, 45);
    const text = writeEnvelope('<tds:X/>', {
      token: { login: { user: 'user', password: 'userpassword' }, nonce, createdMs },
    });
    assert.match(text, /<Created [^>]*>2010-09-16T07:50:45.000Z</);
    assert.match(text, />LKqI6G\/AikKCQrN0zqZFlg==</);
    assert.doesNotMatch(text, /userpassword/);
  });

  test('a name with markup stays a name', () => {
    const nonce = new Uint8Array(16);
    const text = writeEnvelope('', { token: { login: { user: '<a&"\u0001', password: 'x' }, nonce, createdMs: 0 } });
    assert.equal(textAt(parseXml(text), 'Header', 'Security', 'UsernameToken', 'Username'), '<a&"');
    assert.equal(escapeXml("a'b"), 'a&#39;b');
  });

  const faults: [name: string, text: string, codes: string[], reason: string][] = [
    [
      'SOAP 1.2 with subcodes',
      soapFault(['env:Sender', 'ter:NotAuthorized'], 'Sender not authorized'),
      ['Sender', 'NotAuthorized'],
      'Sender not authorized',
    ],
    [
      'SOAP 1.1',
      '<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Body><E:Fault><faultcode>E:Client</faultcode><faultstring>no</faultstring></E:Fault></E:Body></E:Envelope>'.replaceAll(
        'E:Envelope',
        'E:Envelope',
      ),
      ['Client'],
      'no',
    ],
    ['nothing but a fault', soap('<s:Fault/>'), [], ''],
  ];
  for (const [name, text, codes, reason] of faults)
    test(`a fault: ${name}`, () => assert.deepEqual(readEnvelope(text), { fault: { codes, reason } }));

  const none: [name: string, text: string, why: string][] = [
    ['HTML', '<html><body>404</body></html>', 'an element <html>'],
    ['text', 'Not found', 'no XML document that ends'],
    ['an empty body', soap(''), 'an envelope with nothing in its body'],
  ];
  for (const [name, text, why] of none)
    test(`no answer: ${name}`, () => assert.deepEqual(readEnvelope(text), { garbled: why }));

  const kinds: [codes: string[], reason: string, login: boolean, unknown: boolean][] = [
    [['Sender', 'NotAuthorized'], '', true, false],
    [['Sender', 'FailedAuthentication'], '', true, false],
    [['Client'], 'Authority failure', true, false],
    [['Receiver', 'ActionNotSupported'], '', false, true],
    [['Receiver'], 'Optional Action Not Implemented', false, true],
    [['Sender', 'InvalidArgVal', 'NoProfile'], 'no such profile', false, false],
  ];
  for (const [codes, reason, login, unknown] of kinds)
    test(`${codes.join('/')} "${reason}" is ${login ? 'about the login' : unknown ? 'an unknown function' : 'neither'}`, () =>
      assert.deepEqual([isLoginFault({ codes, reason }), isUnknownAction({ codes, reason })], [login, unknown]));
});
