// When a person is asked: to sign in, and to decide.
// Silence needs three things at once: a client whose identity is proven, a decision that covers all that is
// asked for, and nobody having asked for the question (`prompt=consent`).

import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';

const { Prompt, Check, base } = interactionPolicy;

type Covered = (ctx: KoaContextWithOIDC) => Promise<boolean>;

/** `remembered` says whether the person has decided about all of this before, for a client that can be believed. */
export function prompts(remembered: Covered) {
  const policy = base();
  policy.get('login')?.checks.add(
    // Disabled since the sign-in, or gone: the session names somebody, but nobody whom it could be asked of.
    new Check('no_account', 'End-User authentication is required', 'login_required', (ctx) => {
      const { oidc } = ctx as KoaContextWithOIDC;
      const gone = oidc.session?.accountId !== undefined && oidc.account === undefined;
      return gone ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
    }),
  );
  policy.remove('consent');
  policy.add(
    new Prompt(
      { name: 'consent', requestable: true },
      new Check('decision', 'a decision of the person is needed', 'consent_required', async (ctx) => {
        const { oidc } = ctx as KoaContextWithOIDC;
        if (oidc.result?.consent) return Check.NO_NEED_TO_PROMPT;
        return (await remembered(ctx as KoaContextWithOIDC)) ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
      }),
    ),
  );
  return policy;
}
