// The smallest honest OAuth client: registers itself, listens on loopback for the callback, redeems and refreshes.
// Owns its listener and its PKCE verifier; a browser or a scripted person does the rest. Called by browser stories.

import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Tokens = { access_token: string; refresh_token: string; scope: string; expires_in: number };
export type Answer = {
  status: number;
  body: Partial<Tokens> & { error?: string; error_description?: string };
};

const post = async (url: string, fields: Record<string, string>): Promise<Answer> => {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
};

const register = async (issuer: string, name: string, redirectUri: string): Promise<string> => {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: name,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }),
  });
  const body = (await response.json()) as { client_id?: string };
  if (response.status !== 201 || !body.client_id)
    throw new Error(`/register answered ${response.status}: ${JSON.stringify(body)}`);
  return body.client_id;
};

/** `begin()` makes an authorization URL; `callback()` is the next one that a browser brings back. */
export const plainClient = async ({
  issuer,
  resource,
  name = 'Story client',
}: {
  issuer: string;
  resource: string;
  name?: string;
}) => {
  const arrived: URL[] = [];
  const waiting: Array<(url: URL) => void> = [];
  const listener = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    // A browser asks for an icon as well, and would complain of a 404.
    if (url.pathname !== '/callback') return void response.writeHead(204).end();
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      '<!doctype html><html lang="en"><title>Back in the app</title><h1>Back in the app</h1></html>',
    );
    const take = waiting.shift();
    if (take) take(url);
    else arrived.push(url);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`;
  const clientId = await register(issuer, name, redirectUri);
  let verifier = '';

  return {
    clientId,
    redirectUri,
    begin(scope?: string): string {
      verifier = randomBytes(32).toString('base64url');
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        resource,
        state: 'a/state=of the story',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...(scope !== undefined && { scope }),
      });
      return `${issuer}/authorize?${query}`;
    },
    callback: (): Promise<URL> =>
      new Promise((resolve) => {
        const url = arrived.shift();
        if (url) resolve(url);
        else waiting.push(resolve);
      }),
    redeem: (callback: URL): Promise<Answer> =>
      post(`${issuer}/token`, {
        grant_type: 'authorization_code',
        code: callback.searchParams.get('code') ?? '',
        client_id: clientId,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        resource,
      }),
    refresh: (refreshToken: string): Promise<Answer> =>
      post(`${issuer}/token`, {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        client_id: clientId,
      }),
    close: (): Promise<void> =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      }),
  };
};

export type PlainClient = Awaited<ReturnType<typeof plainClient>>;
