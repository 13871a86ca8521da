// The example company as a process of its own, which shares nothing with us, behind a line with knobs: what is asked of
// it goes through as it is, unless a knob for the path says otherwise. For tests of what an upstream may do to us.

import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { freePort } from './cardea.ts';
import { CLIENT, visit } from './upstream-company.ts';
import { mischievous } from './upstream-mischief.ts';

const MAIN = fileURLToPath(new URL('../../examples/company/main.ts', import.meta.url));

export async function companyProcess(redirectUri: string, client: { id: string; secret: string } = CLIENT) {
  const port = await freePort();
  const line = await mischievous(
    ({ method, headers, body }, url, response) =>
      new Promise((done, failed) => {
        const path = url.pathname + url.search;
        // With its Host header, so that it knows itself by the address that everybody else has.
        const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response).once('finish', done);
        });
        onward.once('error', failed).end(body);
      }),
  );
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      COMPANY_PORT: String(port),
      COMPANY_ISSUER: line.origin,
      COMPANY_CLIENTS: JSON.stringify([{ ...client, redirectUris: [redirectUri] }]),
    },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((ready, failed) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => text.includes('company ready') && ready());
    child.once('close', (code) => failed(new Error(`the company ended with ${code}`)));
  });

  return {
    ...line,
    visit: (url: URL, login: string): Promise<URLSearchParams> => visit(url, redirectUri, login),
    /** As if the person had ended the application's access there, by what they know of it. */
    async end(refreshToken: string): Promise<void> {
      const answer = await fetch(`${line.origin}/token/revocation`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa(`${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`)}`,
        },
        body: new URLSearchParams({ token: refreshToken }),
      });
      if (answer.status !== 200) throw new Error(`revoking there answered ${answer.status}`);
    },
    async close(): Promise<void> {
      child.kill('SIGTERM');
      await ended;
      await line.close();
    },
  };
}
