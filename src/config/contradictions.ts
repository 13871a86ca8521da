// What is wrong between settings that are each right by themselves.

import type { ClientDeclaration, ResourceDeclaration } from './declarations.ts';
import type { Declared } from './declared.ts';
import { type Path, type Problem, pathName } from './problems.ts';
import { canonicalResource } from './resource-uri.ts';
import type { SettingName, Values } from './settings.ts';
import type { Environment, Sources } from './sources.ts';

type Given = {
  env: Environment;
  got: Partial<Values>;
  resources: Declared<ResourceDeclaration>[];
  clients: Declared<ClientDeclaration>[];
  sources: Sources;
  problems: Problem[];
  warnings: string[];
};

const proofOf = ({ secret, jwks, jwksUri }: NonNullable<ResourceDeclaration['server']>): string =>
  JSON.stringify([secret?.reveal(), jwks, jwksUri]);

/** Adds to `problems` and `warnings` whatever two settings say against each other; a setting that failed is skipped. */
export function contradictions({ env, got, resources, clients, sources, problems, warnings }: Given): void {
  const report = (path: Path, problem: string, hint?: string) =>
    problems.push({ setting: pathName(path), source: sources.where(path), problem, ...(hint && { hint }) });

  // Node would then accept any certificate, for metadata documents and upstreams alike.
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    const setting = 'NODE_TLS_REJECT_UNAUTHORIZED';
    const hint = 'Name a private CA with NODE_EXTRA_CA_CERTS instead.';
    problems.push({
      setting,
      source: setting,
      problem: 'is 0, which turns the checking of certificates off',
      hint,
    });
  }

  const ordered: [SettingName, SettingName][] = [
    ['lifetimes.session_idle', 'lifetimes.session_absolute'],
    ['lifetimes.refresh_idle', 'lifetimes.grant'],
    ['lifetimes.access_token', 'lifetimes.refresh_idle'],
    ['lifetimes.refresh_grace', 'lifetimes.refresh_idle'],
    ['keys.publish_before', 'keys.rotate_every'],
  ];
  for (const [shorter, longer] of ordered) {
    const [less, more] = [got[shorter], got[longer]] as [number | undefined, number | undefined];
    if (less !== undefined && more !== undefined && less > more)
      report(shorter.split('.'), `is longer than ${longer}`);
  }

  if (got.key && got.key_command) report(['key_command'], 'is set, and so is key; keep one');

  const uris = repeats('resources', 'uri', canonicalResource);
  const ids = repeats('clients', 'id', (id) => id);
  repeats('upstreams', 'name', (name) => name);
  const servers = new Map<string, { path: Path; proof: string }>();
  for (const { value, path } of resources) {
    // VS Code refreshes five minutes early, so it would refresh such a token at once, again and again.
    if (value.lifetime <= 300) {
      const living = `tokens of ${pathName(path)} live ${value.lifetime} s`;
      warnings.push(`${sources.where(path)}: ${living}; some clients refresh five minutes early.`);
    }
    if (!value.server) {
      if (value.format === 'opaque')
        report([...path, 'server'], 'is missing, and opaque tokens are read by introspection');
      continue;
    }
    const { id } = value.server;
    const proof = proofOf(value.server);
    const where = [...path, 'server', 'id'];
    const client = ids.get(id);
    const same = servers.get(id);
    if (client) report(where, `is already the id of ${pathName(client)}`);
    // One MCP server may serve several resources, if it is the same server.
    else if (same && same.proof !== proof)
      report(where, `is the id of ${pathName(same.path)} with another secret`);
    servers.set(id, { path: [...path, 'server'], proof });
  }

  for (const { value, path } of clients) {
    for (const [index, { resource, scopes }] of (value.ceiling ?? []).entries()) {
      const at = [...path, 'resources', index];
      const meant = resources.find(
        (each) => canonicalResource(each.value.uri) === canonicalResource(resource),
      );
      if (!meant) {
        // It may have been added by a command, which the file does not know of.
        warnings.push(`${sources.where(at)}: ${pathName(at)} is no resource of this file: ${resource}.`);
        continue;
      }
      for (const [each, scope] of scopes.entries()) {
        if (!meant.value.scopes.some(({ name }) => name === scope))
          report([...at, 'scopes', each], `is no scope of ${pathName(meant.path)}`);
      }
    }
  }

  // Reads the raw file: an entry with another fault still has its repeats reported.
  function repeats(list: string, member: string, same: (text: string) => string): Map<string, Path> {
    const seen = new Map<string, Path>();
    const entries = sources.at([list]);
    for (const index of Array.isArray(entries) ? entries.keys() : []) {
      const text = sources.at([list, index, member]);
      if (typeof text !== 'string') continue;
      const before = seen.get(same(text));
      if (before) report([list, index, member], `is the same as that of ${pathName(before)}`);
      else seen.set(same(text), [list, index]);
    }
    return seen;
  }

  const wanted = got['policy.default_resource'];
  if (wanted !== undefined && !uris.has(canonicalResource(wanted))) {
    report(['policy', 'default_resource'], 'is not the uri of a declared resource');
  }
  if (got.metrics && got.metrics.port !== 0 && got.metrics.port === got.port) {
    report(['metrics'], 'is on the port of the server itself');
  }
}
