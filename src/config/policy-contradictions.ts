// What the policy says that nothing else of the configuration knows.

import type { ResourceDeclaration } from './declarations.ts';
import type { Declared } from './declared.ts';
import { type Problem, pathName } from './problems.ts';
import { canonicalResource } from './resource-uri.ts';
import type { Values } from './settings.ts';
import type { Sources } from './sources.ts';
import type { UpstreamDeclaration } from './upstreams.ts';

type Given = {
  got: Partial<Values>;
  resources: Declared<ResourceDeclaration>[];
  upstreams: Declared<UpstreamDeclaration>[];
  sources: Sources;
  problems: Problem[];
  warnings: string[];
};

/** Resources and upstreams can be added on the command line too, so that what is not known here only warns. */
export function policyContradictions({
  got,
  resources,
  upstreams,
  sources,
  problems,
  warnings,
}: Given): void {
  const known = new Map(resources.map(({ value }) => [canonicalResource(value.uri), value]));
  const names = upstreams.map(({ value }) => value.name);

  if (got['policy.local_passwords'] === false) {
    const signIn = upstreams.some(({ value }) => value.kind !== 'key' && value.signIn);
    const path = ['policy', 'local_passwords'];
    if (!signIn && !sources.at(['upstreams']))
      problems.push({
        setting: pathName(path),
        source: sources.where(path),
        problem: 'is false, and there is no upstream to sign in with',
      });
  }

  for (const [index, rule] of (got['policy.ceilings'] ?? []).entries()) {
    const path = ['policy', 'ceilings', index];
    const warn = (what: string) => warnings.push(`${sources.where(path)}: ${pathName(path)} ${what}.`);
    if (rule.upstream !== undefined && !names.includes(rule.upstream))
      warn(`speaks of the upstream ${rule.upstream}, which is not declared`);
    const resource = known.get(canonicalResource(rule.resource));
    if (!resource) {
      warn(`is for ${rule.resource}, which is not declared`);
      continue;
    }
    const scopes = resource.scopes.map((scope) => scope.name);
    const tools = resource.scopes.flatMap((scope) => scope.tools.map((tool) => tool.name));
    for (const scope of rule.scopes ?? [])
      if (!scopes.includes(scope)) warn(`allows the scope ${scope}, which ${resource.name} does not have`);
    for (const tool of rule.tools ?? [])
      if (!tools.includes(tool)) warn(`allows the tool ${tool}, which ${resource.name} does not have`);
  }
}
