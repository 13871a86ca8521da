// The server in the foreground, until it is told to stop.

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createLog } from '../log.ts';
import { configuration, type Verb } from './command.ts';

export const serve: Verb = {
  usage: 'serve',
  about:
    'Serve until SIGTERM or SIGINT. Prints `cardea ready ISSUER` when it does; everything else goes to standard error.',
  async run(args) {
    parseArgs({ args });
    const config = configuration();
    const log = createLog(config.log);
    for (const warning of config.warnings) log.warn(warning);
    const { startApp } = await import('../app.ts');
    const ended = new AbortController();
    const { signal } = ended;
    const told = Promise.race(['SIGTERM', 'SIGINT'].map((name) => once(process, name, { signal })));
    const app = await Promise.race([startApp(config, log), told.then(() => undefined)]);
    // Told to stop before it serves, it has nothing to finish; as a container's first process it must say so itself.
    if (!app) process.exit(0);
    process.stdout.write(`cardea ready ${app.issuer}\n`);
    if (app.firstAdministratorLink) {
      process.stderr.write(
        `There is no administrator yet. Make the first one here: ${app.firstAdministratorLink}\nThe link works once, for 24 hours; starting again makes another.\n`,
      );
    }
    await told;
    log.info('stopping: requests that have begun are finished');
    // Whoever asks twice means now.
    for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => process.exit(1));
    await app.close();
    log.info('stopped');
    process.exit(0);
  },
};
