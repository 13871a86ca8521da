// The check's last part: what the MCP server can ask about a token, and what is left after the client gives it back.

import type { McpClient } from '../../test/support/client-mcp.ts';
import type { Endpoints } from './discovery.ts';
import type { House } from './house.ts';
import type { Seen } from './seen.ts';

type Answer = { status: number; body: Record<string, unknown> };

const post = async (
  send: typeof fetch,
  url: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> => {
  const response = await send(url, { method: 'POST', headers, body: new URLSearchParams(fields) });
  const text = await response.text();
  return { status: response.status, body: text ? (JSON.parse(text) as Record<string, unknown>) : {} };
};

/** Asks as the library's MCP server does (RFC 7662). */
const introspect = (house: House, endpoints: Endpoints, token: string): Promise<Answer> => {
  const { id, secret } = house.introspection;
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  return post(house.record.fetchAs('mcp-server'), endpoints.introspection, { token }, { authorization });
};

export const introspection = async (house: House, endpoints: Endpoints, client: McpClient, seen: Seen) => {
  const { body } = await introspect(house, endpoints, client.tokens().access_token);
  seen.that(
    body.active === true &&
      body.aud === house.mcp &&
      typeof body.grant_id === 'string' &&
      typeof body.tools === 'object',
    `introspection by the MCP server (RFC 7662): active, for ${house.mcp} only, with the tools allowed in each scope`,
    body,
  );
};

export const ending = async (
  house: House,
  endpoints: Endpoints,
  client: McpClient,
  seen: Seen,
): Promise<void> => {
  const send = house.record.fetchAs('client');
  const { access_token, refresh_token = '' } = client.tokens();
  const client_id = client.information().client_id;

  const revoked = await post(send, endpoints.revocation, { token: refresh_token, client_id });
  seen.that(revoked.status === 200, 'the client gives its refresh token back (RFC 7009)', revoked);

  const { body } = await introspect(house, endpoints, access_token);
  seen.that(
    body.active === false && Object.keys(body).length === 1,
    'the access token that came with it, looked up at once, is active no more',
    body,
  );

  const refresh = await post(send, endpoints.token, {
    grant_type: 'refresh_token',
    refresh_token,
    client_id,
  });
  seen.that(
    refresh.status === 400 && refresh.body.error === 'invalid_grant',
    'and the refresh token is refused with invalid_grant',
    refresh,
  );
};
