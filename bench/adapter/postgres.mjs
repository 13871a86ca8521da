// A PostgreSQL cluster of its own under `directory`, as a child of this process, so that a driver that counts the
// process tree counts it too. PG_BIN is where its programs are. Trusts everybody on loopback: for benchmarks only.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BIN = process.env.PG_BIN ?? '/usr/lib/postgresql/15/bin';
const SETTINGS = ['listen_addresses=127.0.0.1', 'shared_buffers=256MB', 'synchronous_commit=on'];

// PostgreSQL refuses to run as root.
const asOwner = process.getuid() === 0 ? ['runuser', '-u', 'postgres', '--'] : [];

const command = (program, args) => [...asOwner, join(BIN, program), ...args];

/** Resolves with its URL as soon as it answers. `near` is a port; the server's own is derived from it. */
export async function startPostgres(directory, near) {
  const port = near > 22_000 ? near - 8_000 : near + 10_000;
  mkdirSync(directory, { recursive: true });
  if (asOwner.length > 0) {
    for (let at = directory; at !== tmpdir() && at !== '/'; at = dirname(at))
      chmodSync(at, statSync(at).mode | 0o011);
    execFileSync('chown', ['-R', 'postgres', directory]);
  }
  if (!existsSync(join(directory, 'PG_VERSION'))) {
    const [program, ...args] = command('initdb', [
      '-D',
      directory,
      '-A',
      'trust',
      '-U',
      'postgres',
      '-E',
      'UTF8',
    ]);
    execFileSync(program, args, { cwd: tmpdir(), stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const settings = [...SETTINGS, `unix_socket_directories=${directory}`].flatMap((each) => ['-c', each]);
  const [program, ...args] = command('postgres', ['-D', directory, '-p', String(port), ...settings]);
  spawn(program, args, { cwd: tmpdir(), stdio: 'ignore' });
  process.on('exit', () => {
    try {
      const [pid] = readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n');
      process.kill(Number(pid), 'SIGINT');
    } catch {
      // gone already
    }
  });
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries > 100) throw new Error('PostgreSQL does not answer');
    await sleep(100);
  }
  await sleep(300); // it listens a moment before it lets anybody in
  return `postgres://postgres@127.0.0.1:${port}/postgres`;
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
