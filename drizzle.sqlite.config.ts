import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: './src/storage/dialects/sqlite.ts',
  out: './migrations/sqlite',
});
