// What one kind of upstream needs and another may not have.

export const MICROSOFT = 'https://login.microsoftonline.com';

type Said = {
  kind: string;
  issuer?: string | undefined;
  tenant?: string | undefined;
  client_id?: string | undefined;
  client_secret?: string | undefined;
  client_secret_file?: string | undefined;
  private_key?: string | undefined;
  private_key_file?: string | undefined;
  vault?: { resource?: string | undefined } | undefined;
  scopes?: string[] | undefined;
  hint?: string | undefined;
};

/** Each problem with the member it is of, as the rest of a sentence. */
export function upstreamProblems(said: Said): { member: string; problem: string }[] {
  const found: { member: string; problem: string }[] = [];
  const say = (member: keyof Said, problem: string) => void found.push({ member, problem });
  const { kind } = said;
  const secret = said.client_secret ?? said.client_secret_file;
  const key = said.private_key ?? said.private_key_file;
  if (kind === 'key') {
    for (const member of ['issuer', 'tenant', 'client_id', 'client_secret', 'private_key', 'vault'] as const)
      if (said[member] !== undefined) say(member, 'is not for an upstream of kind key');
    return found;
  }
  if (said.hint !== undefined) say('hint', 'is for upstreams of kind key');
  if (said.client_id === undefined) say('client_id', 'is missing');
  if ((kind === 'oidc' || kind === 'okta') && said.issuer === undefined) say('issuer', 'is missing');
  if (kind === 'entra' && (said.issuer === undefined) === (said.tenant === undefined))
    say('tenant', said.tenant === undefined ? 'is missing' : 'is set, and so is issuer; keep one');
  if (kind !== 'entra' && said.tenant !== undefined) say('tenant', 'is for upstreams of kind entra');
  if (kind === 'google' && said.issuer !== undefined) say('issuer', 'is known for this kind; leave it out');
  // OIDC Discovery §3: the issuer has no query or fragment.
  if (said.issuer?.includes('?')) say('issuer', 'has a query');
  if (secret !== undefined && key !== undefined)
    say('private_key', 'is set, and so is client_secret; keep one');
  if (kind === 'github' && key !== undefined)
    say('private_key', 'signs for the GitHub App itself, not for people; give its client secret');
  if (secret === undefined && key === undefined && kind !== 'oidc' && kind !== 'okta')
    say('client_secret', 'is missing');
  // AADSTS901002: the v2.0 endpoint refuses the parameter; the scope names the resource there.
  if (kind === 'entra' && said.vault?.resource !== undefined)
    say('vault', 'has a resource, which Entra refuses; name it in the scope, as in api://…/.default');
  if (kind !== 'github' && said.scopes && !said.scopes.includes('openid'))
    say('scopes', 'lack openid, without which nobody is told who signed in');
  return found;
}
