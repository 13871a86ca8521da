// Reads the forms of our own pages, and nothing else: urlencoded, small, well-formed.

import type { Context } from 'koa';
import { Refusal } from '../errors.ts';

const LARGEST = 64 * 1024;
const MOST_FIELDS = 1000;

export type Form = {
  /** The value of a field that is sent once; '' when it is absent. Throws a Refusal when it is repeated. */
  one(name: string): string;
  /** Every value of a field that may be repeated. */
  all(name: string): string[];
};

const refuse = (status: number, reason: string, message: string): Refusal =>
  new Refusal(message, { reason, status, hint: 'Load the page again and send its form from there.' });

const malformed = (): Refusal => refuse(400, 'form_malformed', 'The form could not be read.');

async function read(ctx: Context): Promise<Buffer> {
  const tooLong = (): Refusal => {
    // What is still coming is not read, so the connection cannot be used again.
    ctx.set('Connection', 'close');
    return refuse(413, 'form_too_long', 'The form is too long.');
  };
  if (Number(ctx.get('Content-Length')) > LARGEST) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > LARGEST) throw tooLong();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** One name or value, strictly: what is no UTF-8 is refused rather than replaced, and so is NUL. */
function decoded(part: string): string {
  let text: string;
  try {
    text = decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    throw malformed();
  }
  // PostgreSQL stores no NUL, and no keyboard types one.
  if (text.includes('\0')) throw malformed();
  return text;
}

/** The form in the request's body. Throws a Refusal 400, 413 or 415. */
export async function readForm(ctx: Context): Promise<Form> {
  if (
    !ctx.is('application/x-www-form-urlencoded') ||
    (ctx.get('Content-Encoding') || 'identity') !== 'identity'
  ) {
    throw refuse(415, 'form_kind', 'This is not a form as a browser sends it.');
  }
  const body = await read(ctx);
  const pairs = body.toString('latin1').split('&').filter(Boolean);
  if (pairs.length > MOST_FIELDS) throw malformed();
  const fields = new Map<string, string[]>();
  for (const pair of pairs) {
    // WHATWG URL §5.2: a browser escapes everything else.
    if (/[^\x20-\x7e]/.test(pair)) throw malformed();
    const at = pair.indexOf('=');
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    const value = decoded(at < 0 ? '' : pair.slice(at + 1));
    const before = fields.get(name);
    if (before) before.push(value);
    else fields.set(name, [value]);
  }
  return {
    one(name) {
      const values = fields.get(name) ?? [''];
      if (values.length > 1) throw malformed();
      return values[0] ?? '';
    },
    all: (name) => fields.get(name) ?? [],
  };
}
