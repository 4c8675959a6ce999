/**
 * Properties of an authnz (docs/spec/config.md 14.2). All of the specification are known, so
 * that none is taken for a slip; what this build does not act upon yet says so. Whatever is
 * missing shuts people out, never in.
 */
import type { ProblemText } from '#core/problem';
import { Nullable, type Static, Type } from '#core/schema';

const notYet = (what: string): string => `${what} Has no effect yet.`;
const Text = (description: string) => Type.String({ minLength: 1, description });
const Secret = (description: string) => Type.String({ secret: true, description });

const Account = Type.Union([
  Type.Object({
    type: Type.Literal('password', { description: 'somebody with a password' }),
    login: Text('name at login'),
    password: Type.Optional(Secret('the password itself; this or ha1')),
    ha1: Type.Optional(
      Type.String({
        secret: true,
        pattern: '^[0-9a-f]{32}$',
        description: 'instead of the password: MD5(LOGIN:REALM:PASSWORD), lower-case hex',
      }),
    ),
    pubkey: Type.Optional(Type.String({ description: notYet('Ed25519 key in hex, for WAMP.') })),
  }),
  Type.Object({
    type: Type.Literal('apikey', { description: 'a program with a key' }),
    key: Text('name of the key'),
    secret: Type.String({ minLength: 1, secret: true, description: 'what proves it' }),
  }),
  Type.Object({
    type: Type.Literal('htdigest', { description: 'a file of accounts' }),
    file: Text(notYet('path of a file as htdigest writes it.')),
  }),
]);

const Interfaces = Nullable(Type.Union([Type.String(), Type.Array(Type.String())]), {
  description: 'interface or interfaces; null: every one',
});
const aclItems = [
  Text('role'),
  Nullable(Type.String(), { description: 'object; null: every one' }),
  Interfaces,
] as const;
const Right = Type.Union([Type.Literal('read'), Type.Literal('operate'), Type.Literal('administer')], {
  description: 'highest right granted',
});

const defaults = { session_hours: 24, failures: 5, window_seconds: 60, max_block_seconds: 900 };

export const AuthnzConfig = Type.Object({
  realm: Type.String({
    default: 'ocellus',
    minLength: 1,
    pattern: '^[^"\\\\\\r\\n]*$',
    description: 'Realm of Digest; what ha1 was made with.',
  }),
  secret: Type.Optional(Type.String({ secret: true, live: true, description: notYet('Key of tokens.') })),
  accounts: Type.Array(Account, { default: [], live: true, description: 'Who there is.' }),
  roles: Type.Array(
    Type.Tuple([
      Type.Union([Type.String(), Type.Array(Type.String())], { description: 'login or key, or several' }),
      Text('role they have'),
    ]),
    { default: [], live: true, description: 'Who has which role; [[], ROLE] declares one that only tokens carry.' },
  ),
  acl: Type.Optional(
    Type.Array(Type.Union([Type.Tuple([...aclItems]), Type.Tuple([...aclItems, Right])]), {
      live: true,
      description:
        'What roles may do: [role, object or null, interface, interfaces or null, right]. Without it every account may view every source.',
    }),
  ),
  acl_id: Type.Optional(Type.Integer({ live: true, description: notYet('Number of an ACL in a linked database.') })),
  jwks: Type.Optional(Type.String({ live: true, description: notYet('Key set for tokens made elsewhere.') })),
  issuer: Type.Optional(Type.String({ live: true, description: notYet('Demanded issuer of such tokens.') })),
  audience: Type.Optional(Type.String({ live: true, description: notYet('Demanded audience of such tokens.') })),
  oidc: Type.Optional(
    Type.Object({}, { additionalProperties: true, live: true, description: notYet('Login at an OpenID provider.') }),
  ),
  session_hours: Type.Number({
    default: defaults.session_hours,
    exclusiveMinimum: 0,
    live: true,
    description: notYet('How long a login lasts.'),
  }),
  require_exp: Type.Boolean({ default: false, live: true, description: notYet('Refuses tokens without an end.') }),
  anonymous_role: Type.Optional(
    Type.String({ live: true, description: notYet('Role of callers without credentials.') }),
  ),
  throttle: Type.Object(
    {
      failures: Type.Integer({ default: defaults.failures, minimum: 1, description: 'number of failed logins' }),
      window_seconds: Type.Number({ default: defaults.window_seconds, minimum: 1, description: 'within this time' }),
      max_block_seconds: Type.Number({ default: defaults.max_block_seconds, minimum: 0, description: 'longest wait' }),
    },
    { default: {}, live: true, description: notYet('When failed logins make an address wait.') },
  ),
});

export type AuthnzConfig = Static<typeof AuthnzConfig>;
export type Account = Static<typeof Account>;
export type PasswordAccount = Extract<Account, { type: 'password' }>;

export const nameOf = (account: Account): string | undefined =>
  account.type === 'password' ? account.login : account.type === 'apikey' ? account.key : undefined;

/** What the schema cannot say: accounts that nobody can use, and properties that have no effect yet. */
export function checkAuthnz(config: AuthnzConfig): readonly ProblemText[] {
  const found: ProblemText[] = [];
  const tell = (severity: 'error' | 'warning', code: string, pointer: string, reason: string): void =>
    void found.push({ severity, code, pointer, reason });
  const names = new Set<string>();
  for (const [index, account] of config.accounts.entries()) {
    const at = `/accounts/${index}`;
    if (account.type === 'htdigest')
      tell('warning', 'unsupported', at, 'accounts of a file are not available in this build: nobody in it gets in');
    if (account.type === 'password') {
      if (account.password === undefined && account.ha1 === undefined && account.pubkey === undefined)
        tell('error', 'missing-property', at, 'expected "password" or "ha1", got neither');
      // "login:realm:password" is hashed as one text: a colon would make two logins of one.
      if (account.login.includes(':')) tell('error', 'bad-value', `${at}/login`, 'a login has no colon');
      if (account.pubkey !== undefined) tell('warning', 'no-effect', `${at}/pubkey`, '"pubkey" has no effect yet');
    }
    const name = nameOf(account);
    if (name !== undefined && names.has(name))
      tell('error', 'bad-value', at, `expected each login and key once, got ${JSON.stringify(name)} twice`);
    if (name !== undefined) names.add(name);
  }
  for (const name of ['secret', 'acl_id', 'jwks', 'issuer', 'audience', 'oidc', 'anonymous_role'] as const)
    if (config[name] !== undefined) tell('warning', 'no-effect', `/${name}`, `"${name}" has no effect yet`);
  if (config.session_hours !== defaults.session_hours)
    tell('warning', 'no-effect', '/session_hours', '"session_hours" has no effect yet');
  if (config.require_exp) tell('warning', 'no-effect', '/require_exp', '"require_exp" has no effect yet');
  for (const name of ['failures', 'window_seconds', 'max_block_seconds'] as const)
    if (config.throttle[name] !== defaults[name])
      tell('warning', 'no-effect', `/throttle/${name}`, `"throttle.${name}" has no effect yet`);
  return found;
}
