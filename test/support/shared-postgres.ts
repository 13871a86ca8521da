// One PostgreSQL for a whole run of tests, with a migrated database to copy from. Started by vitest for the project
// that runs the protocol's tests on PostgreSQL; each server of theirs has a database of its own (own-database.ts).

import type { TestProject } from 'vitest/node';
import { openStorage } from '../../src/storage/open.ts';
import { postgresServer } from './databases.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgres: string;
  }
}

export default async function shared(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await postgresServer({ logged: true });
  const storage = await openStorage(postgres.location);
  await storage.close();
  project.provide('postgres', postgres.url);
  return postgres.remove;
}
