// What the people of a group may be allowed at most of a resource, whatever they tick.

import { z } from 'zod';
import { scopeProblem, toolProblem } from './names.ts';
import { resourceUriProblem } from './resource-uri.ts';
import { checked, line } from './scalars.ts';

export type CeilingRule = {
  resource: string;
  /** Whose word on groups is meant; absent: everybody. */
  upstream?: string | undefined;
  /** Being in one of them is enough; empty: everybody who signs in there. */
  groups: string[];
  /** Absent: every scope. */
  scopes?: string[] | undefined;
  /** Absent: every tool of these scopes. */
  tools?: string[] | undefined;
};

const rule = z
  .strictObject({
    resource: checked(resourceUriProblem),
    upstream: line.optional(),
    groups: z.array(line).default([]),
    scopes: z.array(checked(scopeProblem)).optional(),
    tools: z.array(checked(toolProblem)).optional(),
  })
  .check((ctx) => {
    // The same name means another group at every upstream, and at some anybody may make one.
    if (ctx.value.groups.length === 0 || ctx.value.upstream !== undefined) return;
    const message = 'is missing: a group means nothing without the upstream that says who is in it';
    ctx.issues.push({ code: 'custom', input: ctx.value, path: ['upstream'], message });
  });

export const ceilings = z.array(rule);
