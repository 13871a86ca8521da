// What programs leave behind that do more than the plain flow: keys and proofs, assertions, devices, registrations that
// are managed, exchanges, and what an operator makes at the command line. Part of lives.ts.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asserted, assertion, clientKey } from '../../support/assertion.ts';
import { dpopKey } from '../../support/dpop.ts';
import { authorize, CALLBACK, introspect, register, search } from '../../support/flow.ts';
import { RESOURCE, type Server } from '../../support/server.ts';
import type { World } from './lives.ts';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
export const ROBOT = { id: 'robot', secret: 'a-secret-of-the-robot-client-000001' };
export const TV = 'tv';

/** What the configuration declares for these lives. */
export const CLIENTS = [
  { id: TV, name: 'Television', grant_types: [DEVICE_GRANT, 'refresh_token'] },
  {
    ...{ ...ROBOT, name: 'Robot', grant_types: ['client_credentials'] },
    resources: [{ uri: RESOURCE, scopes: ['library:read'] }],
  },
];

const json = async (response: Response) => (await response.json()) as Record<string, string>;
const fine = ({ status, body }: { status: number; body?: unknown }): void => {
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
};

/** What the command says, as JSON. `secret` goes to its standard input. */
async function command(server: Server, dir: string, args: string[], secret = ''): Promise<string> {
  const { config } = server.rooms;
  const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
  const file = join(dir, 'cardea.yaml');
  writeFileSync(file, '{}');
  const { database } = config;
  const DATABASE_URL = database.kind === 'sqlite' ? `sqlite:${database.file}` : database.url.reveal();
  const env = { PATH: process.env['PATH'], CARDEA_DATA: config.data, CARDEA_CONFIG: file, DATABASE_URL };
  const child = spawn(process.execPath, [main, ...args, '--json'], { env, cwd: dir });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  child.stdin.end(secret);
  const code = await new Promise((ended) => child.once('close', ended));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${said}`);
  return said;
}

export const programs: Record<string, (world: World) => Promise<unknown>> = {
  async 'tokens that are bound to a key'({ server, alex, keep }) {
    const key = await dpopKey();
    keep('DPoP private key', String(key.privateJwk['d']));
    const { client, code, verifier } = await authorize(server, { by: alex, params: { dpop_jkt: key.jkt } });
    const token = async (fields: Record<string, string>, claims = {}) => {
      const headers = { dpop: await key.proof(`${server.issuer}/token`, claims) };
      const body = search({ client_id: client.client_id, ...fields });
      const answer = await fetch(`${server.issuer}/token`, { method: 'POST', headers, body });
      return { nonce: answer.headers.get('dpop-nonce') ?? '', body: await json(answer) };
    };
    const fields = {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: CALLBACK,
    };
    // a clock that is wrong is told a nonce
    const { nonce } = await token(fields, { iat: 1 });
    const first = await token(fields, { nonce });
    const { body } = await token({
      grant_type: 'refresh_token',
      refresh_token: String(first.body['refresh_token']),
    });
    if (!(await introspect(server, String(body['access_token']))).active) throw new Error('not active');
  },

  async 'a client that signs'({ server, alex, keep }) {
    const key = await clientKey();
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } };
    const { client, code, verifier } = await authorize(server, { by: alex, metadata });
    const signed = async () => asserted(await assertion(key, client.client_id, server.issuer));
    const redeemed = await server.post('/token', {
      ...{ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: CALLBACK },
      ...(await signed()),
    });
    fine(redeemed);
    const { refresh_token } = redeemed.body;
    fine(await server.post('/token', { grant_type: 'refresh_token', refresh_token, ...(await signed()) }));
    const used = await signed();
    keep('client assertion that was refused', used['client_assertion']);
    await server.post('/token', { grant_type: 'authorization_code', code: 'none', ...used });
  },

  async 'a program that acts for itself'({ server, keep }) {
    keep('secret of a declared client', ROBOT.secret);
    const answer = await server.post('/token', { grant_type: 'client_credentials' }, ROBOT);
    fine(answer);
    await introspect(server, answer.body.access_token);
  },

  async 'a device, and one that nobody answers'({ server, alex }) {
    const begin = async () =>
      (await server.post('/device_authorization', { client_id: TV, resource: RESOURCE })).body;
    const poll = (device_code: string) =>
      server.post('/token', { grant_type: DEVICE_GRANT, device_code, client_id: TV });
    const { device_code, user_code } = await begin();
    const types = ({ controls }: { controls: { name: string }[] }) =>
      controls.some(({ name }) => name === 'user_code');
    const page = await alex.visit(`${server.issuer}/device`);
    const consent = await alex.send(page, types, { user_code });
    await alex.press(consent, 'decision', 'allow');
    const answer = await poll(device_code);
    fine(answer);
    const { refresh_token } = answer.body;
    fine(await server.post('/token', { grant_type: 'refresh_token', refresh_token, client_id: TV }));
    await poll((await begin()).device_code);
  },

  async 'a registration that is managed'({ server }) {
    type Managed = { registration_client_uri: string; registration_access_token: string };
    const made = (await register(server, {
      token_endpoint_auth_method: 'client_secret_post',
    })) as unknown as Managed;
    const authorization = `Bearer ${made.registration_access_token}`;
    const manage = async (init: RequestInit = {}) => {
      const headers = { authorization, 'content-type': 'application/json' };
      fine(await fetch(made.registration_client_uri, { ...init, headers }));
    };
    await manage();
    const { registration_client_uri: _uri, registration_access_token: _token, ...metadata } = made;
    const changed = Object.entries({ ...metadata, client_name: 'Renamed' }).filter(
      ([name]) => !/^client_(id_issued_at|secret_expires_at)$/.test(name),
    );
    await manage({ method: 'PUT', body: JSON.stringify(Object.fromEntries(changed)) });
    await register(server, { token_endpoint_auth_method: 'client_secret_post' });
  },

  async 'what an operator makes at the command line'({ server, keep }) {
    const dir = mkdtempSync(join(tmpdir(), 'cardea-at-rest-'));
    try {
      const client = await command(server, dir, [
        ...['client', 'add', 'by-hand', '--name', 'By hand', '--redirect-uri', CALLBACK, '--confidential'],
      ]);
      keep('client_secret from the command line', JSON.parse(client).client_secret);
      const resource = await command(server, dir, [
        ...['resource', 'add', 'https://by-hand.example/mcp', '--name', 'By hand', '--server-id', 'by-hand'],
        ...['--scope', 'hand:use=Use it'],
      ]);
      keep('secret of an MCP server from the command line', JSON.parse(resource).server.secret);
      const secret = 'a-secret-of-an-upstream-by-hand-01';
      keep('secret of an upstream from the command line', secret);
      const upstream = ['upstream', 'add', 'by-hand', '--kind', 'oidc', '--label', 'By hand'];
      await command(
        server,
        dir,
        [...upstream, '--issuer', 'http://127.0.0.1:9', '--client-id', 'x', '--client-secret-file', '-'],
        secret,
      );
      const password = 'a password that was typed in';
      keep('password from the command line', password);
      await command(server, dir, ['account', 'add', 'by-hand', '--password-stdin'], password);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
