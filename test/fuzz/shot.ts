// What a recorded request is, and the makers of one. Called by requests.ts, programs.ts and pages.ts.

/** As it goes over the wire: `query` and `form` are pairs in order, so that they can be repeated. */
export type Shot = {
  method: string;
  path: string;
  query: Pairs;
  headers: Pairs;
  form?: Pairs;
  json?: Record<string, unknown>;
};

export type Pairs = [string, string][];

export const pairs = (fields: Record<string, string>): Pairs => Object.entries(fields);

export const get = (path: string, ...headers: Pairs): Shot => ({ method: 'GET', path, query: [], headers });

export const post = (path: string, form: Pairs, ...headers: Pairs): Shot => ({
  method: 'POST',
  path,
  query: [],
  headers,
  form,
});

export const send = (
  method: string,
  path: string,
  json: Record<string, unknown>,
  ...headers: Pairs
): Shot => ({
  method,
  path,
  query: [],
  headers,
  json,
});

export const basic = ({ id, secret }: { id: string; secret: string }): [string, string] => [
  'Authorization',
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
];
