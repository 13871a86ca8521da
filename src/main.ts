// The entry. What follows is compiled once and kept beside the packages: the next start is sooner and smaller.
// Not in the system's temporary directory, where somebody else could have put other code for us to run.

import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { becomeFrugal } from './runtime.ts';

const [command] = process.argv.slice(2);
if (command === 'serve') becomeFrugal();

enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/cardea', import.meta.url)));
const { run } = await import('./cli/run.ts');
process.exitCode = await run(process.argv.slice(2));
