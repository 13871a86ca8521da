// How this MCP server asks something of the authorization server: a form, in its own name.

/** The id and the secret that the authorization server knows this server by. */
export type Credentials = { id: string; secret: string };

// RFC 6749 §2.3.1: both are form-encoded before they are joined.
const formEncoded = (value: string): string => new URLSearchParams({ v: value }).toString().slice(2);

/** POSTs `fields`. Follows no redirect, and gives up after `patience` ms. */
export function asServer(
  send: typeof fetch,
  { id, secret }: Credentials,
  endpoint: URL,
  { fields, patience }: { fields: Record<string, string>; patience: number },
): Promise<Response> {
  const basic = btoa([id, secret].map(formEncoded).join(':'));
  return send(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
    body: new URLSearchParams(fields),
    redirect: 'manual',
    signal: AbortSignal.timeout(patience),
  });
}
