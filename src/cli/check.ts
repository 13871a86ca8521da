// The configuration, checked without starting anything.

import { parseArgs } from 'node:util';
import { ConfigProblems } from '../config.ts';
import { configuration, json, say, type Verb } from './command.ts';

export const check: Verb = {
  usage: 'check [--json]',
  about: 'Check the configuration and print everything that is wrong with it.',
  async run(args) {
    const { values } = parseArgs({ args, options: json });
    try {
      const { issuer, warnings, resources, clients } = configuration();
      const counted = `${resources.length} resources and ${clients.length} clients are declared.`;
      const lines = [
        `The configuration of ${issuer} is sound; ${counted}`,
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
