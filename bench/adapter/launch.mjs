// Starts Cardea for a benchmark driver that speaks the launch form: PORT, DATA_DIR, FORMAT (opaque | jwt) and DATABASE
// (sqlite | postgres) come in by the environment, `READY {"baseUrl":…}` goes out. The server runs in this very process, so that its CPU and
// memory are the server's own; the accounts are made before, in a process that ends.
// CARDEA_REPO is where the sources are, for a copy of this file elsewhere.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startPostgres } from './postgres.mjs';

const ACCOUNTS = 64;
const { PORT = '0', DATA_DIR = '.', FORMAT = 'opaque', DATABASE = 'sqlite' } = process.env;
const repo = process.env.CARDEA_REPO ?? fileURLToPath(new URL('../..', import.meta.url));
const source = (path) => pathToFileURL(join(repo, path)).href;

const config = {
  resources: [
    {
      uri: 'https://mcp.example.com/mcp',
      name: 'Bench',
      token: { format: FORMAT, algorithm: 'ES256', lifetime: '1h' },
      server: { id: 'bench-server', secret: 'a-secret-of-the-bench-server-0001' },
      scopes: [
        {
          name: 'mcp:tools',
          description: 'Use the tools',
          default: true,
          tools: [
            { name: 'search', description: 'Search', effect: 'read' },
            { name: 'write', description: 'Write', effect: 'write' },
          ],
        },
      ],
    },
  ],
  // a pool of prepared codes waits longer than a client does
  lifetimes: { authorization_code: '10m' },
  limits: { sign_ins: 0, registrations: 0, authorizations: 0 },
};

Object.assign(process.env, {
  CARDEA_PORT: PORT,
  CARDEA_DATA: DATA_DIR,
  CARDEA_CONFIG: join(DATA_DIR, 'cardea.yaml'),
});

if (process.argv[2] === 'accounts') await makeAccounts();
else {
  (await import(source('src/runtime.ts'))).becomeFrugal(); // as `cardea serve` does
  await serve();
}

async function serve() {
  mkdirSync(DATA_DIR, { recursive: true });
  writeFileSync(process.env.CARDEA_CONFIG, JSON.stringify(config)); // JSON is YAML
  const first = !existsSync(join(DATA_DIR, 'cardea.db')) && !existsSync(join(DATA_DIR, 'pg'));
  if (DATABASE === 'postgres')
    process.env.DATABASE_URL = await startPostgres(join(DATA_DIR, 'pg'), Number(PORT));
  if (first) {
    const made = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'accounts'], {
      stdio: 'inherit',
    });
    if (made.status !== 0) process.exit(1);
  }
  if (process.env.PROF_DIR) await profileOnSignal(process.env.PROF_DIR);
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text, ...rest) => {
    const ready = /^cardea ready (\S+)/.exec(String(text));
    return write(ready ? `READY ${JSON.stringify({ baseUrl: ready[1] })}\n` : text, ...rest);
  };
  process.argv = [process.argv[0], join(repo, 'src/main.ts'), 'serve'];
  await import(source('src/main.ts'));
}

async function makeAccounts() {
  const [{ openRooms }, { readConfig }, { createLog }] = await Promise.all(
    ['src/app.ts', 'src/config.ts', 'src/log.ts'].map((path) => import(source(path))),
  );
  const rooms = await openRooms(
    readConfig({ env: process.env, files: (path) => readFileSync(path, 'utf8') }),
    createLog({ level: 'warn' }),
  );
  const work = rooms.work();
  for (let n = 0; n < ACCOUNTS; n++) {
    await rooms.accounts.add(work, { username: `bench-${n}`, password: 'correct horse battery' });
  }
  await work.commit();
  await rooms.close();
}

// SIGUSR2 starts a CPU profile, and again ends it and writes PID.cpuprofile.
async function profileOnSignal(folder) {
  const { Session } = await import('node:inspector/promises');
  const { renameSync } = await import('node:fs');
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 250 });
  let on = false;
  process.on('SIGUSR2', async () => {
    on = !on;
    if (on) return void (await session.post('Profiler.start'));
    const { profile } = await session.post('Profiler.stop');
    const file = join(folder, String(process.pid));
    writeFileSync(`${file}.tmp`, JSON.stringify(profile));
    renameSync(`${file}.tmp`, `${file}.cpuprofile`);
  });
}
