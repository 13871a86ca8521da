// Rewrites what a handler writes to a Node response, without the handler knowing.
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import { eventStreamRewriter, type RewriteMessage, rewriteJson } from './tool-list.ts';
import { answerForm } from './web.ts';

type Done = (error?: Error | null) => void;
type Form = ReturnType<typeof answerForm> | 'untouched';

/** From here on, JSON answers are kept until they are whole, event streams are rewritten event by event. */
export function rewriteOutgoing(res: ServerResponse, rewrite: RewriteMessage): void {
  const writeHead = res.writeHead.bind(res);
  const write = res.write.bind(res);
  const end = res.end.bind(res);
  const flushHeaders = res.flushHeaders.bind(res);
  const events = eventStreamRewriter(rewrite);
  const kept: Buffer[] = [];
  let form: Form | undefined;

  // Headers say what the answer is, so they are settled before the first byte and not earlier.
  const settle = (): Form => {
    if (form !== undefined) return form;
    form = answerForm(
      String(res.getHeader('content-type') ?? ''),
      String(res.getHeader('content-encoding') ?? ''),
    );
    form ??= 'untouched';
    if (form !== 'untouched') res.removeHeader('content-length');
    // Node writes the headers that are still owed through this very property.
    res.writeHead = writeHead;
    return form;
  };

  const take = (chunk: unknown, encoding: unknown, done: Done | undefined, last: boolean): boolean => {
    const bytes = chunk === undefined || chunk === null ? Buffer.alloc(0) : toBuffer(chunk, encoding);
    switch (settle()) {
      case 'json': {
        kept.push(bytes);
        if (!last) return later(done);
        const whole = Buffer.from(rewriteJson(Buffer.concat(kept).toString('utf8'), rewrite));
        if (!res.headersSent) res.setHeader('content-length', whole.byteLength);
        end(whole, done as () => void);
        return true;
      }
      case 'events': {
        const text = events.push(bytes);
        if (!last) return text === '' ? later(done) : write(text, 'utf8', done);
        end(text, 'utf8', done as () => void);
        return true;
      }
      default: {
        if (!last) return write(bytes, done);
        if (bytes.byteLength > 0) end(bytes, done as () => void);
        else end(done as () => void);
        return true;
      }
    }
  };

  res.writeHead = ((status: number, ...rest: unknown[]) => {
    res.statusCode = status;
    if (typeof rest[0] === 'string') res.statusMessage = rest.shift() as string;
    for (const [name, value] of headerPairs(rest[0])) res.setHeader(name, value as string);
    return res;
  }) as typeof res.writeHead;

  res.flushHeaders = () => {
    if (settle() !== 'json') flushHeaders();
  };

  res.write = ((chunk: unknown, encoding?: unknown, done?: Done) =>
    take(
      chunk,
      encoding,
      typeof encoding === 'function' ? (encoding as Done) : done,
      false,
    )) as typeof res.write;

  res.end = ((chunk?: unknown, encoding?: unknown, done?: Done) => {
    const callback = [chunk, encoding, done].find((value) => typeof value === 'function') as Done | undefined;
    take(typeof chunk === 'function' ? undefined : chunk, encoding, callback, true);
    return res;
  }) as typeof res.end;
}

// Node takes headers as an object, as pairs, or flat: name, value, name, value.
function headerPairs(headers: unknown): [string, OutgoingHttpHeader][] {
  if (!Array.isArray(headers)) return Object.entries(headers ?? {}) as [string, OutgoingHttpHeader][];
  if (Array.isArray(headers[0])) return headers;
  return headers.flatMap((name, at) =>
    at % 2 === 0 ? [[name, headers[at + 1]] as [string, OutgoingHttpHeader]] : [],
  );
}

const toBuffer = (chunk: unknown, encoding: unknown): Buffer =>
  typeof chunk === 'string'
    ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
    : Buffer.from(chunk as Uint8Array);

function later(done: Done | undefined): true {
  if (done) queueMicrotask(() => done());
  return true;
}
