// The configuration, checked without starting anything.

import { parseArgs } from 'node:util';
import { ConfigProblems } from '../config.ts';
import { configuration, json, say, type Verb } from './command.ts';

const several = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export const check: Verb = {
  usage: 'check [--json]',
  about: 'Check the configuration and print everything that is wrong with it.',
  async run(args) {
    const { values } = parseArgs({ args, options: json });
    try {
      const { issuer, warnings, resources, clients, upstreams } = configuration();
      const declared = Object.entries({ resource: resources, client: clients, upstream: upstreams });
      const counted = declared.map(([what, { length }]) => several(length, what)).join(', ');
      const lines = [
        `The configuration of ${issuer} is sound. Declared: ${counted}.`,
        ...warnings.map((each) => `Note: ${each}`),
      ];
      say(values.json, { ok: true, problems: [], warnings }, lines);
    } catch (error) {
      if (values.json && error instanceof ConfigProblems)
        say(true, { ok: false, problems: error.problems }, []);
      throw error;
    }
  },
};
