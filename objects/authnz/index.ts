/**
 * Who may: accounts with passwords and API keys, roles, rights (docs/spec/config.md 14.2,
 * docs/spec/api.md 11). Not here yet: tokens, login over HTTP, databases of accounts, OpenID
 * Connect, throttling.
 */
import { Authenticator } from '#capability/authenticator';
import { type Context, defineObjectType } from '#core/define';
import { Accounts } from './accounts.ts';
import { AuthnzConfig, checkAuthnz } from './config.ts';

function createAuthnz(context: Context<typeof AuthnzConfig>) {
  let accounts = new Accounts(context.config);
  return {
    provides: {
      authenticator: {
        digestTerms: async () => accounts.terms,
        identify: async proof => accounts.identify(proof),
        allows: async (identity, wish) => accounts.allows(identity, wish),
      } satisfies Authenticator,
    },
    published: {},
    start: () => {},
    apply: (next: AuthnzConfig) => {
      accounts = new Accounts(next);
    },
  };
}

export default defineObjectType({
  type: 'authnz',
  summary: 'Accounts, and what each of them may do at the servers linked with it.',
  stage: 'media',
  config: AuthnzConfig,
  provides: { authenticator: Authenticator },
  consumes: {},
  interfaces: [],
  check: checkAuthnz,
  create: createAuthnz,
});
