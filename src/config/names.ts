// What may be the name of a scope, of a tool, of a client.

/** What is wrong with `name` as a scope, as the rest of a sentence. */
export function scopeProblem(name: string): string | undefined {
  // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(name))
    return 'is not a scope: visible ASCII without space, quote and backslash';
  if (name.length > 128) return 'is longer than 128 characters';
  if (name === 'openid' || name === 'offline_access')
    return 'has a meaning of its own and belongs to no resource';
  return undefined;
}

/** What is wrong with `name` as a tool, as the rest of a sentence. */
export function toolProblem(name: string): string | undefined {
  return /^[A-Za-z0-9_./-]{1,128}$/.test(name)
    ? undefined
    : 'may hold only letters, digits, _ . / and -, at most 128';
}

/** What is wrong with `text` as a scope of an upstream (RFC 6749 §3.3), as the rest of a sentence. */
export const upstreamScopeProblem = (text: string): string | undefined =>
  /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(text) ? undefined : 'is not a scope: visible ASCII without space';

const ENCODES_TO_ITSELF = /^[A-Za-z0-9._-]+$/;

/** What is wrong with `id` as a client identifier, as the rest of a sentence. */
export function clientIdProblem(id: string): string | undefined {
  if (id === '') return 'is empty';
  if (id.length > 200) return 'is longer than 200 characters';
  // client-id-metadata-document §3: such an id is the address of a document.
  if (/^https?:/i.test(id)) return 'starts like a web address; those ids belong to client metadata documents';
  return ENCODES_TO_ITSELF.test(id) ? undefined : 'may hold only letters, digits, . _ and -';
}
