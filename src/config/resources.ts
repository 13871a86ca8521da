// The MCP servers that the file declares: their scopes, their tools, and what their tokens look like.

import { z } from 'zod';
import type { ResourceDeclaration } from './declarations.ts';
import { type Declared, declaredSecret, entries, type Reading, secretMembers } from './declared.ts';
import { keySet, keysAddress } from './key-sets.ts';
import { clientIdProblem, scopeProblem, toolProblem, upstreamScopeProblem } from './names.ts';
import { type Path, pathName } from './problems.ts';
import { resourceUriProblem } from './resource-uri.ts';
import { checked, duration, line } from './scalars.ts';
import type { Secret } from './secret.ts';

const tool = z.strictObject({
  name: checked(toolProblem).describe('As the MCP server lists it.'),
  description: line.describe('What it does, in words for the person who allows it.'),
  effect: z
    .enum(['read', 'write', 'destroy'])
    .describe('`read`, `write`, or `destroy` for what cannot be undone.'),
});

const scope = z.strictObject({
  name: checked(scopeProblem).describe('As in the scope parameter.'),
  description: line.describe('What it allows, in words for the person.'),
  default: z.boolean().default(false).describe('Granted when a client names no scope.'),
  tools: z.array(tool).default([]).describe('The tools that need it. A tool belongs to exactly one scope.'),
});

const token = z.strictObject({
  format: z
    .enum(['jwt', 'opaque'])
    .default('jwt')
    .describe('`jwt`, or `opaque` for a server that introspects every call.'),
  algorithm: z
    .enum(['ES256', 'RS256', 'EdDSA'])
    .default('ES256')
    .describe('What signs it: `ES256`, `RS256` or `EdDSA`.'),
  lifetime: duration('30s', '24h')
    .optional()
    .describe('How long it lives; `lifetimes.access_token` unless told.'),
});

const upstreamUse = z.strictObject({
  name: line.describe('Its name under `upstreams`.'),
  purpose: line.describe('What it is used for, after “to”, in words for the person: `read your calendar`.'),
  scopes: z
    .array(checked(upstreamScopeProblem))
    .default([])
    .describe('What it may get at most; all that `vault.scopes` of the upstream asks for unless told.'),
  whole_token: z
    .boolean()
    .default(false)
    .describe('Whether a token that can do more may be given where the upstream has no smaller one.'),
});

export const resourceShape = z.strictObject({
  uri: checked(resourceUriProblem).describe(
    'The address of the MCP server, which is the audience of its tokens.',
  ),
  name: line.describe('Its name, for the person.'),
  token: token.prefault({}).describe('What its access tokens are.'),
  server: z
    .strictObject({
      id: checked(clientIdProblem).describe('Its own id.'),
      ...secretMembers,
      jwks: keySet
        .optional()
        .describe('Instead of a secret, its public keys (private_key_jwt): a JWK set; or `jwks_uri`.'),
      jwks_uri: keysAddress.optional().describe('The https address of its public keys.'),
    })
    .optional()
    .describe('What the MCP server authenticates with when it introspects or asks for an upstream.'),
  scopes: z.array(scope).min(1).describe('What can be allowed, tool by tool.'),
  upstreams: z
    .array(upstreamUse)
    .default([])
    .describe('Upstreams whose credentials it may get for a person who allows it.'),
});

/** The declared resources that are whole; a token lives `lifetime` seconds where a resource does not say. */
export function resourcesFrom({
  lifetime,
  ...reading
}: Reading & { lifetime: number }): Declared<ResourceDeclaration>[] {
  const { sources, problems } = reading;
  return entries('resources', resourceShape, reading).flatMap(({ value, path }) => {
    reportRepeats(path, reading);
    const server = [...path, 'server'];
    const found = problems.length;
    const secret = declaredSecret(server, reading);
    const keys = ['jwks', 'jwks_uri'].filter((member) => sources.at([...server, member]) !== undefined);
    const ways = keys.length + (secret ? 1 : 0);
    if (sources.at(server) !== undefined && ways !== 1 && problems.length === found) {
      const problem = ways === 0 ? 'is missing' : `is there beside ${keys.at(-1)}; keep one`;
      problems.push({ setting: pathName([...server, 'secret']), source: sources.where(server), problem });
    }
    if (!value) return [];
    const { uri, name, token, scopes, upstreams } = value;
    const { format, algorithm } = token;
    const resource = { uri, name, format, algorithm, lifetime: token.lifetime ?? lifetime, scopes };
    const uses = upstreams.map(({ whole_token: wholeToken, ...use }) => ({ ...use, wholeToken }));
    return [
      {
        path,
        value: {
          ...resource,
          ...(value.server && ways === 1 && { server: serverOf(value.server, secret) }),
          ...(uses.length > 0 && { upstreams: uses }),
        },
      },
    ];
  });
}

function serverOf(
  { id, jwks, jwks_uri: jwksUri }: NonNullable<z.output<typeof resourceShape>['server']>,
  secret: Secret | undefined,
): NonNullable<ResourceDeclaration['server']> {
  return { id, ...(secret && { secret }), ...(jwks && { jwks }), ...(jwksUri !== undefined && { jwksUri }) };
}

// Reads the raw file: a resource with another fault still has its repeats reported.
function reportRepeats(path: Path, { sources, problems }: Reading): void {
  const seen = {
    scopes: new Map<string, Path>(),
    tools: new Map<string, Path>(),
    upstreams: new Map<string, Path>(),
  };
  const each = (list: 'scopes' | 'tools' | 'upstreams', above: Path, visit?: (at: Path) => void) => {
    const items = sources.at([...above, list]);
    if (!Array.isArray(items)) return;
    for (const index of items.keys()) {
      const at = [...above, list, index];
      const where = [...at, 'name'];
      const name = sources.at(where);
      const before = typeof name === 'string' ? seen[list].get(name) : undefined;
      if (before) {
        const problem = `repeats ${name} of ${pathName(before)}`;
        problems.push({ setting: pathName(where), source: sources.where(where), problem });
      } else if (typeof name === 'string') seen[list].set(name, at);
      visit?.(at);
    }
  };
  each('scopes', path, (scope) => each('tools', scope));
  each('upstreams', path);
}
