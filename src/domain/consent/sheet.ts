// The consent sheet: what is asked, tool by tool, and what is new since last time.
// Made from what the server itself knows; nothing that a form sends can add to it.

import type { ScopeDeclaration, ToolEffect } from '../../config.ts';
import type { Ceiling } from '../policy.ts';
import { type Resource, scopeOf } from '../resources.ts';

/** What was allowed before. */
export type Allowed = { scopes: string[]; tools: Record<string, string[]> };

export type SheetItem = {
  field: 'tool' | 'scope';
  /** What a tick sends: `scope tool`, or the scope alone where it has no tools; after the resource, where several are asked for. */
  value: string;
  scope: string;
  name: string;
  label: string;
  effect: ToolEffect;
  checked: boolean;
  /** Its scope was not allowed before. */
  isNew: boolean;
  /** Its scope was allowed and it was not: left out, or not there at the time. */
  leftOut: boolean;
};

/** An upstream whose credentials the server would like to be given, as this account stands with it. */
export type UpstreamItem = {
  value: string;
  name: string;
  /** The upstream's own. */
  label: string;
  purpose: string;
  /** Whose account there; absent while none is connected. */
  account?: string;
  /** The server gets a key, or a token that can do more than it asks for. */
  gives: 'token' | 'whole_token' | 'key';
  checked: boolean;
};

/** What `sheet` is told of an upstream. */
export type UpstreamOffered = Omit<UpstreamItem, 'value' | 'checked'>;

export type Sheet = {
  items: SheetItem[];
  upstreams: UpstreamItem[];
  returning: boolean;
  somethingNew: boolean;
  /** Something that was asked for is not this account's to allow, and is left out. */
  withheld: boolean;
};

const lies = (ceiling: Ceiling | undefined, { scope, field, name }: SheetItem): boolean =>
  !ceiling ||
  (field === 'scope' ? ceiling.scopes.includes(scope) : (ceiling.tools[scope]?.includes(name) ?? false));

function itemsOf(scope: ScopeDeclaration, before: Allowed | undefined, prefix: string): SheetItem[] {
  const had = before?.scopes.includes(scope.name) ?? false;
  if (scope.tools.length === 0) {
    return [
      {
        field: 'scope',
        value: prefix + scope.name,
        scope: scope.name,
        name: scope.name,
        label: scope.description,
        effect: 'read',
        checked: true,
        // of one that had tools when it was decided about, a part was allowed, not whatever it means now
        isNew: before !== undefined && (!had || before.tools[scope.name] !== undefined),
        leftOut: false,
      },
    ];
  }
  return scope.tools.map((tool) => {
    const allowed = had && (before?.tools[scope.name]?.includes(tool.name) ?? false);
    return {
      field: 'tool' as const,
      value: `${prefix}${scope.name} ${tool.name}`,
      scope: scope.name,
      name: tool.name,
      label: tool.description,
      effect: tool.effect,
      // what was unticked inside an allowed scope stays so until the person says otherwise
      checked: had ? allowed : true,
      isNew: before !== undefined && !had,
      leftOut: had && !allowed,
    };
  });
}

/**
 * `asked` are the scopes of the request; those that the resource does not have are dropped (RFC 6749 §3.3).
 * `apart`: other resources are asked for on the same page, and two of them may have a scope of the same name.
 * `ceiling`: what this account may allow at most.
 */
export function sheet(
  resource: Resource,
  asked: readonly string[],
  before: (Allowed & { upstreams?: string[] }) | undefined,
  {
    apart = false,
    ceiling,
    upstreams = [],
  }: { apart?: boolean; ceiling?: Ceiling | undefined; upstreams?: readonly UpstreamOffered[] } = {},
): Sheet {
  const prefix = apart ? `${resource.uri} ` : ''; // a URI holds no space
  const all = [...new Set(asked)].flatMap((name) => {
    const scope = scopeOf(resource, name);
    return scope ? itemsOf(scope, before, prefix) : [];
  });
  const items = all.filter((item) => lies(ceiling, item));
  const somethingNew = items.some((item) => item.isNew);
  return {
    items,
    // no scope and no tool has a quote in its name
    upstreams: upstreams.map((each) => ({
      ...each,
      value: `${prefix}"${each.name}"`,
      checked: before ? (before.upstreams?.includes(each.name) ?? false) : true,
    })),
    returning: before !== undefined,
    somethingNew,
    withheld: items.length < all.length,
  };
}
