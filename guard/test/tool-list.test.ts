import { expect, test } from 'vitest';
import { eventStreamRewriter, toolListRewriter } from '../src/tool-list.ts';

const tool = (name: string) => ({ name, inputSchema: {} });
const message = (id: number, ...names: string[]) => ({
  jsonrpc: '2.0',
  id,
  result: { tools: names.map(tool) },
});
const odd = (name: string) => name.startsWith('a');

/** Pushes the stream in pieces of `size` bytes. */
function rewritten(stream: string, size: number): string {
  const events = eventStreamRewriter(toolListRewriter(odd, new Set([1])));
  const bytes = new TextEncoder().encode(stream);
  let out = '';
  for (let at = 0; at < bytes.length; at += size) out += events.push(bytes.subarray(at, at + size));
  return out;
}

const event = (id: number, ...names: string[]) =>
  `event: message\nid: 5\ndata: ${JSON.stringify(message(id, ...names))}\n\n`;

test.each([1, 3, 1000])('an event is rewritten however the stream is cut: %s bytes', (size) => {
  const rest = ': alive – still\n\nid: 6\ndata:\n\n';
  expect(rewritten(event(1, 'add', 'burn') + rest, size)).toBe(
    `event: message\nid: 5\ndata: ${JSON.stringify(message(1, 'add'))}\n\n: alive – still\n\nid: 6\ndata: \n\n`,
  );
});

test.each(['\n', '\r\n'])('lines may end in %j, and data may take several of them', (end) => {
  const data = JSON.stringify(message(1, 'add', 'burn'), null, 1)
    .split('\n')
    .map((line) => `data:${line}`);
  const out = rewritten([...data, '', ''].join(end), 4);
  expect(JSON.parse(out.slice('data: '.length))).toEqual(message(1, 'add'));
});

test('the answer to another request is left alone', () => {
  expect(rewritten(event(2, 'add', 'burn'), 50)).toBe(event(2, 'add', 'burn'));
});

test('an event leaves as soon as it is complete, and an incomplete one never', () => {
  const events = eventStreamRewriter(toolListRewriter(odd, new Set([1])));
  const bytes = new TextEncoder().encode(event(1, 'burn'));
  expect(events.push(bytes.subarray(0, -1))).toBe('');
  expect(events.push(bytes.subarray(-1))).toContain('"tools":[]');
});

test('on a resumed stream whatever looks like a list of tools is rewritten', () => {
  const rewrite = toolListRewriter(odd);
  expect(rewrite(message(9, 'add', 'burn'))).toEqual(message(9, 'add'));
  const other = { jsonrpc: '2.0', id: 9, result: { tools: ['hammer'] } };
  expect(rewrite(other)).toEqual(other);
});
