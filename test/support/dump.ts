// Prints what is in a database, as JSON: `node test/support/dump.ts URL`. For tests that look in passing and do not
// want to wait; called by stored.ts.

import { beside } from './beside.ts';

const eyes = await beside(process.argv[2] ?? '');
process.stdout.write(JSON.stringify(await eyes.dump()));
await eyes.close();
