// Everything that leaves something behind, one life a line: a flow that is added to Cardea is added here, and is then
// looked for and tried like the others. A life speaks HTTP; what is secret in it is seen by canaries.ts.

import type { documentHost } from '../../support/documents.ts';
import {
  authorize,
  authorizeUrl,
  CALLBACK,
  connect,
  get,
  introspect,
  pkce,
  register,
  search,
} from '../../support/flow.ts';
import type { Person } from '../../support/person.ts';
import type { Form } from '../../support/person-form.ts';
import { OTHER_RESOURCE, OTHER_SERVER, RESOURCE, type Server } from '../../support/server.ts';

import { failures } from './failures.ts';
import { programs } from './programs.ts';
import { upstreams } from './upstreams.ts';

export type World = {
  server: Server;
  alex: Person;
  host: Awaited<ReturnType<typeof documentHost>>;
  /** Names a secret that does not go over the wire here. */
  keep(name: string, value: string | undefined): void;
};

const asksFor = (name: string) => (form: Form) => form.controls.some((control) => control.name === name);
const OPAQUE = { resource: OTHER_RESOURCE, scope: 'other:use' };

export const lives: Record<string, (world: World) => Promise<unknown>> = {
  ...programs,
  ...upstreams,
  async 'a registered client with a secret'({ server, alex }) {
    const metadata = { token_endpoint_auth_method: 'client_secret_basic' };
    const { tokens, refresh, redeemWith } = await connect(server, { by: alex, metadata });
    await introspect(server, tokens.access_token);
    const { body } = await refresh(tokens.refresh_token);
    await refresh(body.refresh_token);
    await redeemWith();
  },
  async 'a client with its secret in the form'({ server, alex }) {
    const metadata = { token_endpoint_auth_method: 'client_secret_post' };
    const { tokens, refresh } = await connect(server, { by: alex, metadata });
    await refresh(tokens.refresh_token);
  },
  async 'an opaque token'({ server, alex }) {
    const { tokens, refresh } = await connect(server, { by: alex, params: OPAQUE });
    await refresh(tokens.refresh_token);
    await introspect(server, tokens.access_token, OTHER_SERVER);
  },
  async 'a client by metadata document'({ server, alex, host }) {
    const client_id = host.publish('/at-rest.json');
    const { tokens, refresh } = await connect(server, { by: alex, client: { client_id } });
    await refresh(tokens.refresh_token);
  },
  async 'tokens that are handed back'({ server, alex }) {
    for (const params of [{}, OPAQUE]) {
      const { tokens, client } = await connect(server, { by: alex, params });
      for (const token of [tokens.access_token, tokens.refresh_token])
        await server.post('/revoke', { token, client_id: client.client_id });
    }
  },
  async 'a code that nobody redeems'({ server, alex }) {
    await authorize(server, { by: alex });
  },
  async 'a request that is pushed'({ server }) {
    const { client_id } = await register(server);
    const { body } = await server.post(
      '/par',
      search({
        ...{ client_id, response_type: 'code', redirect_uri: CALLBACK, resource: RESOURCE },
        ...{
          code_challenge: pkce().challenge,
          code_challenge_method: 'S256',
          state: 'a state of this request',
        },
      }),
    );
    await get(`${server.issuer}/authorize?${search({ client_id, request_uri: body.request_uri })}`);
    await get(`${server.issuer}/authorize?${search({ client_id, request_uri: `${body.request_uri}x` })}`);
  },
  async 'an interaction that goes on'({ server, alex }) {
    const { client_id } = await register(server);
    await alex.visit(authorizeUrl(server, { client_id, state: 'a state that goes on' }));
  },
  async 'a sign-in that is mistyped'({ server }) {
    const stranger = server.alex();
    const page = await stranger.visit(`${server.issuer}/sign-in`);
    await stranger.send(page, asksFor('password'), {
      username: 'alex',
      password: 'a password that is mistyped',
    });
  },
  async 'a person who comes and goes'({ server }) {
    const other = await server.signedIn();
    const page = await other.visit(`${server.issuer}/sign-out`);
    await other.send(page, ({ action }) => String(action).includes('/sign-out'));
  },
  async 'secrets in the wrong place'({ server }) {
    const { client_id } = await register(server);
    const wrong = 'a-value-in-the-wrong-place-0001';
    await get(`${server.issuer}/connections?access_token=${wrong}`, { authorization: `Bearer ${wrong}` });
    await get(authorizeUrl(server, { client_id, redirect_uri: `http://127.0.0.1/?code=${wrong}` }));
    for (const path of ['/token', '/revoke', '/introspect'])
      await server.post(path, { grant_type: 'refresh_token', refresh_token: wrong, token: wrong, client_id });
    await server.post('/token', { grant_type: wrong, code: wrong }, { id: client_id, secret: wrong });
  },
  async 'the first administrator'({ server }) {
    const link = server.firstAdministratorLink ?? '';
    const visitor = server.alex();
    const page = await visitor.visit(link);
    await visitor.send(page, asksFor('password'), {
      username: 'first',
      password: 'a password of the first one',
      repeat: 'a password of the first one',
    });
  },
  ...failures,
};
