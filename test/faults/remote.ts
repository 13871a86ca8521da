// A server in a process of its own, for tests that do things to it that would end the test as well. It speaks as
// support/server.ts does, so that support/flow.ts can be used with it. Called by the tests of faults.

import { type Cardea, type Options, startCardea } from '../support/cardea.ts';
import { person } from '../support/person.ts';
import { basicConfig, type Server } from '../support/server.ts';

const password = 'correct horse battery';

export type Remote = Server & { cardea: Cardea };

/** The account `alex` exists, unless the directory was used before. */
export async function remote(options: Options = {}, known = false): Promise<Remote> {
  const cardea = await startCardea({ config: basicConfig, ...options });
  const { issuer } = cardea;
  if (!known) await cardea.addAccount('alex', password);

  async function answered(path: string, init: RequestInit) {
    const response = await fetch(issuer + path, { method: 'POST', redirect: 'manual', ...init });
    const text = await response.text();
    const { status, headers } = response;
    return { status, headers, body: text ? JSON.parse(text) : undefined };
  }
  const spoken: Pick<Server, 'issuer' | 'alex' | 'post' | 'json' | 'log' | 'password'> = {
    issuer,
    password,
    alex: () => person({ username: 'alex', password }),
    post: (path, fields, basic) =>
      answered(path, {
        body: new URLSearchParams(fields),
        headers: basic
          ? { authorization: `Basic ${Buffer.from(`${basic.id}:${basic.secret}`).toString('base64')}` }
          : {},
      }),
    json: (path, body) =>
      answered(path, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    log: cardea.log,
  };
  return Object.assign(spoken as Server, { cardea });
}
