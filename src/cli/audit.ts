// The audit record, read: what happened under a reference that somebody quotes, or lately.

import { parseArgs } from 'node:util';
import { type Command, inRooms, json, positionals, say, table, UsageProblem, when } from './command.ts';

const options = {
  ...json,
  trace: { type: 'string' },
  limit: { type: 'string', default: '50' },
} as const;

export const audit: Command = {
  about: 'What happened: list',
  verbs: {
    list: {
      usage: 'audit list [--trace REFERENCE] [--limit N] [--json]',
      about: 'The newest events first; with --trace, those of the request that an error page names.',
      async run(args) {
        const { values, positionals: rest } = parseArgs({ args, options, allowPositionals: true });
        positionals(rest);
        const limit = Number(values.limit);
        if (!Number.isInteger(limit) || limit < 1)
          throw new UsageProblem('--limit takes a whole number from 1');
        const events = await inRooms(({ audit: record }) =>
          values.trace === undefined ? record.latest(limit) : record.byTrace(values.trace),
        );
        const rows = events.map((event) => [
          when(event.at),
          event.action,
          event.reason ?? event.outcome,
          event.accountId ?? '-',
          event.clientId ?? '-',
          event.resource ?? '-',
          event.traceId ?? '-',
        ]);
        const head = ['TIME', 'ACTION', 'REASON', 'ACCOUNT', 'CLIENT', 'RESOURCE', 'REFERENCE'];
        say(values.json, events, events.length > 0 ? table([head, ...rows]) : ['There is nothing to show.']);
      },
    },
  },
};
