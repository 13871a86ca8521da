// The company as a process of its own: COMPANY_PORT, COMPANY_CLIENTS (JSON), COMPANY_ACCESS_TOKEN (seconds) and, behind a
// proxy, COMPANY_ISSUER in the environment; one line `company ready ISSUER` when it serves.

import { startCompany } from './provider.ts';

const {
  COMPANY_PORT = '4200',
  COMPANY_CLIENTS = '[]',
  COMPANY_ACCESS_TOKEN = '300',
  COMPANY_ISSUER,
} = process.env;

const company = await startCompany({
  port: Number(COMPANY_PORT),
  clients: JSON.parse(COMPANY_CLIENTS),
  accessToken: Number(COMPANY_ACCESS_TOKEN),
  ...(COMPANY_ISSUER && { issuer: COMPANY_ISSUER }),
});
process.stdout.write(`company ready ${company.issuer}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void company.close());
