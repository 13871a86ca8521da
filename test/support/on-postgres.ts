// Loaded before the tests of the project that runs on PostgreSQL: tells support/server.ts which one.

import { inject } from 'vitest';

process.env['CARDEA_TEST_POSTGRES'] = inject('postgres');
