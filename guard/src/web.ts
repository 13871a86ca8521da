// Bodies of web-standard Requests and Responses: read within a limit, rewritten as they pass.
import { parseBody } from './calls.ts';
import { Refused } from './refusal.ts';
import { eventStreamRewriter, type RewriteMessage, rewriteJson } from './tool-list.ts';

export const tooLarge = (limit: number): Refused =>
  new Refused({
    reason: 'body_too_large',
    status: 413,
    error: -32600,
    message: `The body is over ${limit} bytes`,
  });

/** Refuses a compressed body: what cannot be read cannot be judged. */
export function refuseEncoded(encoding: string | null | undefined): void {
  if (!encoding || encoding.toLowerCase() === 'identity') return;
  throw new Refused({
    reason: 'encoded_body',
    status: 415,
    error: -32600,
    message: 'Send the body uncompressed',
  });
}

/** The JSON that these bytes are. Throws Refused (400): a body must be UTF-8 (RFC 8259 §8.1). */
export function parseBytes(bytes: Uint8Array): unknown {
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {}
  return parseBody(text);
}

/** Reads a copy of the request's body, which itself stays unread. */
export async function readRequestBody(request: Request, limit: number): Promise<unknown> {
  refuseEncoded(request.headers.get('content-encoding'));
  if (Number(request.headers.get('content-length')) > limit) throw tooLarge(limit);
  const reader = request.clone().body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
    size += read.value.byteLength;
    if (size > limit) {
      // Not awaited: a clone's cancellation ends only when the original is cancelled as well.
      void reader?.cancel();
      throw tooLarge(limit);
    }
    chunks.push(read.value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return parseBytes(whole);
}

/** Which of the two forms of an MCP answer this is; undefined for what is neither or cannot be read. */
export function answerForm(type: string, encoding: string): 'json' | 'events' | undefined {
  if (encoding !== '' && encoding !== 'identity') return undefined;
  if (/^\s*application\/json\b/i.test(type)) return 'json';
  return /^\s*text\/event-stream\b/i.test(type) ? 'events' : undefined;
}

export async function rewriteResponse(response: Response, rewrite: RewriteMessage): Promise<Response> {
  const form = answerForm(
    response.headers.get('content-type') ?? '',
    response.headers.get('content-encoding') ?? '',
  );
  if (form === undefined || response.body === null) return response;
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  const init = { status: response.status, statusText: response.statusText, headers };
  if (form === 'json') return new Response(rewriteJson(await response.text(), rewrite), init);
  const events = eventStreamRewriter(rewrite);
  const encoder = new TextEncoder();
  const passing = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const text = events.push(chunk);
      if (text !== '') controller.enqueue(encoder.encode(text));
    },
  });
  return new Response(response.body.pipeThrough(passing), init);
}
