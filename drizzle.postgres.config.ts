import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/storage/dialects/postgres.ts',
  out: './migrations/postgres',
});
