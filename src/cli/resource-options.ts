// A resource said in options, as the configuration file would say it.

import { UsageProblem } from './command.ts';
import { keySetIn } from './declared.ts';

export const resourceOptions = {
  name: { type: 'string' },
  scope: { type: 'string', multiple: true, default: [] as string[] },
  tool: { type: 'string', multiple: true, default: [] as string[] },
  default: { type: 'string', multiple: true, default: [] as string[] },
  'server-id': { type: 'string' },
  jwks: { type: 'string' },
  'jwks-uri': { type: 'string' },
  format: { type: 'string' },
  algorithm: { type: 'string' },
  lifetime: { type: 'string' },
} as const;

export type ResourceOptions = {
  name?: string | undefined;
  scope: string[];
  tool: string[];
  default: string[];
  'server-id'?: string | undefined;
  jwks?: string | undefined;
  'jwks-uri'?: string | undefined;
  format?: string | undefined;
  algorithm?: string | undefined;
  lifetime?: string | undefined;
};

type Scope = { name: string; description: string; default: boolean; tools: Tool[] };
type Tool = { name: string; description: string; effect: string };

function halves(text: string, option: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageProblem(`--${option} ${JSON.stringify(text)} has no "=" and description`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `scope/tool=description[:effect]`; a scope may hold slashes too, so the longest scope that fits is meant. */
function placeTool(text: string, scopes: readonly Scope[]): void {
  const [path, described] = halves(text, 'tool');
  const owner = scopes
    .filter(({ name }) => path.startsWith(`${name}/`))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
  if (!owner) throw new UsageProblem(`--tool ${path} names no scope that --scope has given`);
  const [, description = described, effect = 'write'] = /^(.*):(read|write|destroy)$/s.exec(described) ?? [];
  owner.tools.push({ name: path.slice(owner.name.length + 1), description, effect });
}

export type ServerEntry = {
  id: string;
  secret?: string;
  secret_file?: string;
  jwks?: unknown;
  jwks_uri?: string;
};

/** The mapping of its server; undefined where no option says anything of one. */
export function serverFrom(options: Partial<ResourceOptions>): ServerEntry | undefined {
  const { 'server-id': id, jwks, 'jwks-uri': jwksUri } = options;
  if (id === undefined && (jwks ?? jwksUri) !== undefined)
    throw new UsageProblem('--jwks and --jwks-uri are the keys of a --server-id');
  if (id === undefined) return undefined;
  return {
    id,
    ...(jwks !== undefined && { jwks: keySetIn(jwks) }),
    ...(jwksUri !== undefined && { jwks_uri: jwksUri }),
  };
}

/** The mapping of one entry under `resources:`, without its server. */
export function resourceFrom(uri: string, options: ResourceOptions): Record<string, unknown> {
  const scopes = options.scope.map((text): Scope => {
    const [name, description] = halves(text, 'scope');
    return { name, description, default: options.default.includes(name), tools: [] };
  });
  for (const name of options.default) {
    if (!scopes.some((scope) => scope.name === name))
      throw new UsageProblem(`--default ${name} names no --scope`);
  }
  for (const tool of options.tool) placeTool(tool, scopes);
  const { format, algorithm, lifetime } = options;
  const token = Object.fromEntries(
    Object.entries({ format, algorithm, lifetime }).filter(([, value]) => value),
  );
  return { uri, ...(options.name !== undefined && { name: options.name }), token, scopes };
}
