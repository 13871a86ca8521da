// Contests for what people and applications do on pages and at registration: consent, the first link, a registration.
// Called by races.test.ts.

import { expect } from 'vitest';
import { digest, random } from '../../src/crypto.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { TestDatabase } from '../support/databases.ts';
import { pkce } from '../support/flow.ts';
import { type Form, formsOf, textOf } from '../support/person-form.ts';
import { authorizeUrl, CALLBACK, type Contest, connection, registered } from './contest-tokens.ts';
import { type Pair, type Reply, together } from './pair.ts';

const EIGHT = 8;
const FOUR = 4; // each costs a password hash

/** A form as a browser sends it, with `fields` over what stands in it. */
function filled({ controls }: Form, fields: Record<string, string>): URLSearchParams {
  const body = new URLSearchParams();
  for (const { name, value, type, checked } of controls) {
    if (!name || name in fields || type === 'submit') continue;
    if (type !== 'checkbox' || checked) body.append(name, value);
  }
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return body;
}

export async function consentContest(pair: Pair, _database: unknown, lanes: number): Promise<Contest> {
  const connections = await together(lanes, () => connection(pair));
  return {
    async round(lane) {
      const { person, clientId } = connections[lane] as (typeof connections)[number];
      const { verifier, challenge } = pkce();
      const page = await person.visit(authorizeUrl(pair, clientId, challenge));
      const form = formsOf(page.html, page.url).find(({ controls }) =>
        controls.some(({ name }) => name === 'decision'),
      );
      expect(form, `${page.status} ${textOf(page.html)}`).toBeDefined();
      const body = filled(form as Form, { decision: 'allow' });
      const url = new URL((form as Form).action);
      // One cookie is for the interaction, another for going on at the authorization endpoint afterwards.
      const uid = url.pathname.split('/').at(-1);
      const paths = [url, new URL(`/authorize/${uid}`, url)];
      const cookie = paths.map((each) => person.cookies.header(each)).join('; ');
      const headers = { cookie, origin: pair.issuer, accept: 'text/html' };
      const press = (each: number): Promise<Reply> =>
        pair.send(each, url.href, { method: 'POST', headers, body });
      const goOn = (each: number, to = onward): Promise<Reply> =>
        pair.send(each, new URL(to, url).href, { headers });

      // Pressed by all at once; then some go on, which is where the code is made, while others press again.
      const pressed = await together(EIGHT, press);
      const onward = pressed.find(({ status }) => status === 303)?.headers.get('location') ?? '';
      expect(onward).toContain('/authorize/');
      const ends = await together(EIGHT, async (each) => {
        if (each % 4 < 2) return goOn(each);
        const again = await press(each);
        return again.status === 303 ? goOn(each, again.headers.get('location') ?? '') : again;
      });
      const won = ends.filter((reply) => reply.headers.get('location')?.startsWith(CALLBACK));
      const [callback] = won.map((reply) => new URL(reply.headers.get('location') ?? ''));
      expect(won).toHaveLength(1);
      person.cookies.keep(new URL(onward, url), won[0]?.headers.getSetCookie() ?? []);
      // Nor is anything left to go on with, for somebody who kept every cookie.
      headers.cookie = `${person.cookies.header(url)}; ${cookie}`;
      ends.push(await goOn(0));
      expect(ends.at(-1)?.status).toBe(400);
      for (const { status, text } of [...pressed, ...ends]) expect(status, text).toBeLessThan(500);
      const { status } = await pair.post(1, '/token', {
        grant_type: 'authorization_code',
        code: callback?.searchParams.get('code') ?? '',
        client_id: clientId,
        redirect_uri: CALLBACK,
        code_verifier: verifier,
      });
      expect(status).toBe(200);
    },
  };
}

export async function administratorContest(pair: Pair, database: TestDatabase): Promise<Contest> {
  const storage = await openStorage(database.location);
  return {
    close: () => storage.close(),
    async round() {
      // A link as the server makes it; the server itself makes none once there is an administrator.
      const token = random();
      const now = Date.now();
      const work = storage.work();
      const link = { digest: digest('invitation', token), purpose: 'first administrator' };
      work.add(storage.accounts.invite({ ...link, createdAt: now, expiresAt: now + 60_000 }));
      await work.commit();
      const path = `/setup/${token}`;
      const page = await pair.send(0, path, {});
      const form = formsOf(page.text, new URL(pair.issuer + path))[0];
      expect(form).toBeDefined();
      const cookie = page.headers
        .getSetCookie()
        .map((each) => each.split(';')[0])
        .join('; ');
      const name = `admin-${random(6)}`.toLowerCase();
      const password = 'a long enough password';
      const replies = await together(FOUR, (each) =>
        pair.send(each, path, {
          method: 'POST',
          headers: { cookie, origin: pair.issuer, accept: 'text/html' },
          body: filled(form as Form, { username: `${name}-${each}`, password, repeat: password }),
        }),
      );
      expect(replies.map(({ status }) => status).sort()).toEqual([303, 410, 410, 410]);
      const made = (await Array.fromAsync(storage.accounts.list())).filter(({ username }) =>
        username.startsWith(name),
      );
      expect(made).toHaveLength(1);
    },
  };
}

export async function registrationContest(pair: Pair): Promise<Contest> {
  return {
    async round() {
      const software_id = random(8);
      const ids = await together(EIGHT, () => registered(pair, { software_id }));
      expect(new Set(ids).size).toBe(1); // the same registration is the same client, at whichever process
      for (const id of ids) {
        for (const process of [0, 1]) {
          const { status, headers } = await pair.send(process, authorizeUrl(pair, id, pkce().challenge), {
            headers: { accept: 'text/html' },
          });
          expect([status, headers.get('location')]).toEqual([303, expect.stringContaining('/interaction/')]);
        }
      }
    },
  };
}
