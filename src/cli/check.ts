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
      const { issuer, warnings, resources, clients } = configuration();
      const counted = `Declared: ${several(resources.length, 'resource')}, ${several(clients.length, 'client')}.`;
      const lines = [
        `The configuration of ${issuer} is sound. ${counted}`,
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
