import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { rewriteOutgoing } from '../src/node-response.ts';
import { toolListRewriter } from '../src/tool-list.ts';
import { listening } from './protected-server.ts';

let close: (() => Promise<unknown>) | undefined;
afterEach(() => close?.());

/** What a client gets of a handler whose answer is rewritten: only tools that begin with "a" are shown. */
async function answered(handler: (res: ServerResponse) => void): Promise<Response> {
  const http = await listening((_req, res) => {
    const shows = (tool: string) => tool.startsWith('a');
    rewriteOutgoing(res, toolListRewriter(shows, new Set([1])));
    handler(res);
  });
  close = http.close;
  return fetch(http.origin);
}

const list = (...names: string[]) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: names.map((name) => ({ name })) } });
const whole = list('add – ä', 'burn');
const length = Buffer.byteLength(whole);
const rewritten = list('add – ä');

test('a JSON answer gets the length it has after rewriting, in whatever form its headers came', async () => {
  const forms = [
    { 'content-type': 'application/json', 'content-length': length },
    ['content-type', 'application/json'],
  ];
  for (const headers of [...forms, [['content-type', 'application/json']]]) {
    const response = await answered((res) => res.writeHead(201, 'Made', headers as string[]).end(whole));
    expect([response.status, response.statusText]).toEqual([201, 'Made']);
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(rewritten)));
    expect(await response.text()).toBe(rewritten);
    await close?.();
  }
  close = undefined;
});

test('a JSON answer in pieces, its headers flushed early, is kept until it is whole', async () => {
  const response = await answered((res) => {
    res.setHeader('content-type', 'application/json; charset=utf-8');
    res.flushHeaders();
    const bytes = Buffer.from(whole);
    res.write(bytes.subarray(0, 55), () => res.write(bytes.subarray(55), () => res.end()));
  });
  expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(rewritten)));
  expect(await response.text()).toBe(rewritten);
});

test('an event stream loses the length it claimed', async () => {
  const event = `data: ${whole}\n\n`;
  const response = await answered((res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': Buffer.byteLength(event) });
    res.end(event);
  });
  expect(await response.text()).toBe(`data: ${rewritten}\n\n`);
});

test('an event reaches the client while the stream stays open', async () => {
  const response = await answered((res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders();
    res.write(`data: ${whole}\n\n`);
  });
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  expect(new TextDecoder().decode(value)).toBe(`data: ${rewritten}\n\n`);
  await reader?.cancel();
});

test('anything else, and what is compressed, passes byte for byte', async () => {
  const image = await answered((res) => res.writeHead(200, { 'content-type': 'image/png' }).end(whole));
  expect(await image.text()).toBe(whole);
  await close?.();
  const none = await answered((res) => res.writeHead(202).end());
  expect([none.status, await none.text()]).toEqual([202, '']);
});
