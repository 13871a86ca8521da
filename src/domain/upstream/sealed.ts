// An upstream's secret at rest: sealed, bound to its row, and inside the seal the name of whom it is for. Who can write
// to the database but has no key could otherwise have the secret sent to a token endpoint of their own.

import { secret } from '../../config/secret.ts';
import type { OAuthUpstream } from '../../config.ts';
import { type KeyRing, open, seal } from '../../crypto.ts';
import { misconfigured } from './trouble.ts';

type Credential = NonNullable<OAuthUpstream['credential']>;

const contextOf = (name: string): string => `upstreams\0${name}`;

/** Everything that decides where the secret goes. */
const destination = ({ kind, issuer, clientId, endpointHosts }: OAuthUpstream): string =>
  JSON.stringify([kind, issuer, clientId, endpointHosts.toSorted()]);

export function sealCredential(
  ring: KeyRing,
  declaration: OAuthUpstream,
  { kind, value }: Credential,
): Buffer {
  const plain = JSON.stringify({ kind, value: value.reveal(), for: destination(declaration) });
  return seal(ring.current, Buffer.from(plain), contextOf(declaration.name));
}

/** Throws a Refusal when it does not open, or is for somebody else. */
export function openCredential(ring: KeyRing, declaration: OAuthUpstream, sealed: Buffer): Credential {
  let opened: { kind: Credential['kind']; value: string; for: string };
  try {
    opened = JSON.parse(open(ring, sealed, contextOf(declaration.name)).toString());
  } catch {
    throw misconfigured(
      declaration,
      'its secret does not open: it was changed, moved, or sealed with another key',
    );
  }
  if (opened.for !== destination(declaration))
    throw misconfigured(
      declaration,
      'its secret was given for another issuer, client or host; give it again',
    );
  return { kind: opened.kind, value: secret(opened.value) };
}
