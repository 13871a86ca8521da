// Writes down every HTTP exchange with the authorization server, one JSON line each. Owns the file; hands out
// a `fetch` for each of the three that talk to Cardea. Called by the demo.

import { appendFileSync, writeFileSync } from 'node:fs';

export type Party = 'client' | 'browser' | 'mcp-server';

export type Exchange = {
  from: Party;
  method: string;
  url: string;
  requestHeaders: Record<string, string | string[]>;
  requestBody: string;
  status: number;
  responseHeaders: Record<string, string | string[]>;
  responseBody: string;
};

// Set-Cookie is the one field that must not be joined with commas (RFC 9110 §5.3).
const plain = (headers: Headers): Record<string, string | string[]> => {
  const cookies = headers.getSetCookie();
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 && { 'set-cookie': cookies }) };
};

/**
 * `fetchAs(party)` is a `fetch` that records what goes to `issuer` and lets everything else pass unseen.
 * The lines hold passwords, codes and tokens of the demo: the file is readable by its owner only.
 */
export const transcript = (file: string | undefined, issuer: string) => {
  if (file) writeFileSync(file, '', { mode: 0o600 });

  const fetchAs = (from: Party): typeof fetch => {
    if (!file) return fetch;
    return async (input, init) => {
      const request = new Request(input, init);
      if (new URL(request.url).origin !== new URL(issuer).origin) return fetch(input, init);
      const requestBody = await request.clone().text();
      const response = await fetch(request);
      const exchange: Exchange = {
        from,
        method: request.method,
        url: request.url,
        requestHeaders: plain(request.headers),
        requestBody,
        status: response.status,
        responseHeaders: plain(response.headers),
        responseBody: await response.clone().text(),
      };
      appendFileSync(file, `${JSON.stringify(exchange)}\n`);
      return response;
    };
  };
  return { fetchAs };
};

export type Transcript = ReturnType<typeof transcript>;
