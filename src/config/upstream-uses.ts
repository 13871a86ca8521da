// What resources say of upstreams, held against what is said of the upstreams themselves.

import type { ResourceDeclaration } from './declarations.ts';
import type { Declared, Reading } from './declared.ts';
import { pathName } from './problems.ts';
import type { UpstreamDeclaration } from './upstreams.ts';

/** Adds to `problems` and `warnings` where a resource wants what its upstream will not give. */
export function reportUpstreamUses(
  resources: readonly Declared<ResourceDeclaration>[],
  upstreams: readonly Declared<UpstreamDeclaration>[],
  { sources, problems, warnings }: Reading,
): void {
  for (const { value, path } of resources) {
    const report = (problem: string, ...at: (string | number)[]) => {
      const where = [...path, ...at];
      problems.push({ setting: pathName(where), source: sources.where(where), problem });
    };
    if (value.upstreams && !value.server)
      report('is missing, and only a server of an id gets tokens', 'server');
    for (const [index, use] of (value.upstreams ?? []).entries()) {
      const at = ['upstreams', index];
      const meant = upstreams.find((each) => each.value.name === use.name)?.value;
      if (!meant) {
        // It may have been added by a command, which the file does not know of.
        const where = [...path, ...at];
        warnings.push(
          `${sources.where(where)}: ${pathName(where)} is no upstream of this file: ${use.name}.`,
        );
      } else if (meant.kind === 'key') {
        if (use.scopes.length > 0)
          report('is for upstreams that have scopes; a key has none', ...at, 'scopes');
      } else if (!meant.vault) {
        report(`is an upstream for signing in only: it has no vault`, ...at, 'name');
      } else {
        for (const [each, scope] of use.scopes.entries()) {
          if (!meant.vault.scopes.includes(scope))
            report(`is not among vault.scopes of ${use.name}`, ...at, 'scopes', each);
        }
      }
    }
  }
}
