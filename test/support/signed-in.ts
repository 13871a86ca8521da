// A server as it comes, and alex who is signed in there, for all the tests of the file that imports them.
// A file that wants another configuration calls `startServer` itself.

import { afterAll, beforeAll } from 'vitest';
import type { Person } from './person.ts';
import { type Server, startServer } from './server.ts';

export let server: Server;
export let alex: Person;

beforeAll(async () => {
  server = await startServer();
  alex = await server.signedIn();
});
afterAll(() => server?.close());
