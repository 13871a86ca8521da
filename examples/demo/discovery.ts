// The check's first part: what a client that knows only the MCP server's address finds out by asking.

import { challengeOf } from '../../test/support/client-mcp.ts';
import type { House } from './house.ts';
import type { Seen } from './seen.ts';

/** The endpoints that the later parts call by themselves. */
export type Endpoints = { token: string; introspection: string; revocation: string };

export type Discovered = { endpoints: Endpoints; initialScopes: string[] };

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'stranger', version: '1.0.0' },
  },
};

const json = async (send: typeof fetch, url: string): Promise<Record<string, unknown>> => {
  const response = await send(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export const discover = async (house: House, seen: Seen): Promise<Discovered> => {
  const send = house.record.fetchAs('client');
  const stranger = await send(house.mcp, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify(initialize),
  });
  const challenge = challengeOf(stranger);
  const metadataUrl = challenge.parameters.resource_metadata ?? '';
  seen.that(
    stranger.status === 401 && metadataUrl !== '' && challenge.parameters.error === undefined,
    `without a token the MCP server answers 401 and points to ${metadataUrl}`,
    { status: stranger.status, header: challenge.header },
  );

  const resource = await json(send, metadataUrl);
  seen.that(
    resource.resource === house.mcp &&
      JSON.stringify(resource.authorization_servers) === `["${house.issuer}"]`,
    `its protected resource metadata (RFC 9728) names ${house.issuer} as the only authorization server`,
    resource,
  );

  const server = await json(send, `${house.issuer}/.well-known/oauth-authorization-server`);
  seen.that(
    server.issuer === house.issuer &&
      text(server.registration_endpoint) !== '' &&
      JSON.stringify(server.code_challenge_methods_supported) === '["S256"]' &&
      server.authorization_response_iss_parameter_supported === true,
    'the authorization server metadata (RFC 8414) has the same issuer, registration, PKCE S256 and iss (RFC 9207)',
    server,
  );
  const endpoints = {
    token: text(server.token_endpoint),
    introspection: text(server.introspection_endpoint),
    revocation: text(server.revocation_endpoint),
  };
  return { endpoints, initialScopes: (challenge.parameters.scope ?? '').split(' ') };
};
