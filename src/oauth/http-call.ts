// A program's request and the answer to it, as far as the token side needs them. A Koa context is one; http/programs.ts
// makes lighter ones.

import type { IncomingMessage } from 'node:http';

export type HttpCall = {
  readonly req: IncomingMessage;
  readonly method: string;
  /** As it was asked for, with the issuer's own path. */
  readonly path: string;
  /** Without the `?`. */
  readonly querystring: string;
  /** The pending writes, the trace id, the client's address: request.ts reads them. */
  readonly state: Record<string, unknown>;
  status: number;
  /** Text as it is, or what becomes JSON. */
  body: unknown;
  set(name: string, value: string): void;
  remove(name: string): void;
};
